#include "test/clients/parsers/h264_stream.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "test/clients/parsers/bit_reader.h"
#include "test/clients/parsers/h264_slice_controls.h"
#include "test/clients/parsers/start_codes.h"

namespace daedalus::clients {
namespace {

constexpr size_t kMaxPpsBytes = size_t{128} << 10;

Error corrupt(const std::string& what) { return {ErrorCode::kCorrupt, "H.264: " + what}; }

bool clears_all(const H264SliceHeader& header) {
  return std::ranges::any_of(header.marking, [](const H264Marking& m) { return m.operation == 5; });
}

}  // namespace

// ---- Parameter sets ----

Status H264ParameterSets::add_sps(std::span<const uint8_t> nal) {
  Result<H264Sps> sps = read_h264_sps(nal);
  if (!sps) return sps.error();
  const uint8_t id = sps->control.seq_parameter_set_id;
  if (sps_[id] && std::ranges::equal(sps_nals_[id], nal)) return {};
  sps_nals_[id].assign(nal.begin(), nal.end());
  sps_[id] = std::make_shared<const H264Sps>(*sps);
  return {};
}

void H264ParameterSets::add_pps(std::span<const uint8_t> nal) {
  const H264PpsIds ids = read_h264_pps_ids(nal);
  if (ids.pps > 255 || ids.sps > 31 || nal.size() > kMaxPpsBytes) return;
  pps_[ids.pps] = Stored{{nal.begin(), nal.end()}, {}};
}

Result<H264ParameterSets::InForce> H264ParameterSets::find(uint32_t pps_id) {
  if (pps_id > 255 || !pps_[pps_id]) return corrupt("a slice without its parameter set");
  Stored& stored = *pps_[pps_id];
  const auto& sps = sps_[read_h264_pps_ids(stored.nal).sps];
  if (!sps) return corrupt("a slice without its sequence parameter set");
  if (stored.read.sps != sps) {
    Result<H264Pps> pps = read_h264_pps(stored.nal, *sps);
    if (!pps) return pps.error();
    const v4l2_ctrl_h264_pps& c = pps->control;
    most_references_[0] =
        std::max(most_references_[0], c.num_ref_idx_l0_default_active_minus1 + 1U);
    most_references_[1] =
        std::max(most_references_[1], c.num_ref_idx_l1_default_active_minus1 + 1U);
    stored.read = {sps, std::make_shared<const H264Pps>(*pps)};
  }
  return stored.read;
}

// ---- Access units to pictures ----

Status H264Stream::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Status first_error;
  for (const std::span<const uint8_t> nal : units_between_start_codes(packet)) {
    Status status = take_nal(nal, events);
    if (!status && first_error) first_error = std::move(status);
  }
  end_picture(events);
  return first_error;
}

void H264Stream::flush(std::vector<Event>& events) {
  end_picture(events);
  end_frame(events);
  H264Dpb::Output output;
  dpb_.flush(output);
  show(output, events);
}

Status H264Stream::take_nal(std::span<const uint8_t> nal, std::vector<Event>& events) {
  if (nal[0] & 0x80) return corrupt("forbidden_zero_bit is set");
  switch (nal[0] & 31) {
    case 1:
    case 5:
      return take_slice(nal, events);
    case 6:
      end_picture(events);
      take_sei(nal);
      return {};
    case 7:
      end_picture(events);
      return sets_.add_sps(nal);
    case 8:
      end_picture(events);
      sets_.add_pps(nal);
      return {};
    case 9:
    case 10:
    case 11:
      end_picture(events);
      return {};
    default:
      return {};
  }
}

// Recovery points (D.1.8).
void H264Stream::take_sei(std::span<const uint8_t> nal) {
  BitReader reader(nal, true);
  reader.bits(8);
  const auto extended = [&] {
    uint32_t value = 0, byte = 255;
    while (byte == 255 && !reader.exhausted()) value += byte = reader.bits(8);
    return value;
  };
  while (reader.position() + 16 < nal.size() * 8 && !reader.exhausted()) {
    const uint32_t type = extended();
    const uint32_t size = extended();
    if (type == 6) {
      announced_recovery_ = reader.unsigned_golomb();
      return;
    }
    for (uint32_t i = 0; i < size && !reader.exhausted(); ++i) reader.bits(8);
  }
}

Status H264Stream::take_slice(std::span<const uint8_t> nal, std::vector<Event>& events) {
  Result<H264ParameterSets::InForce> sets = sets_.find(read_h264_slice_pps_id(nal));
  if (!sets) return sets.error();
  const Result<H264SliceHeader> header = read_h264_slice_header(
      nal, sets->sps->control, sets->pps->control, sets->pps->slice_group_change_cycle_bits);
  if (!header) return header.error();
  if (header->redundant_pic_cnt > 0) return {};
  if (starts_picture(*header)) {
    end_picture(events);
    start_picture(*header, std::move(*sets), events);
  }
  CodedPicture& coded = current_->coded;
  auto& decode = std::get<H264Controls>(coded.controls).decode;
  if (header->type == H264SliceType::kB) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_BFRAME;
  if (header->type == H264SliceType::kP || header->type == H264SliceType::kSp)
    decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_PFRAME;
  current_->intra &= header->type == H264SliceType::kI || header->type == H264SliceType::kSi;
  const H264ParameterSets::InForce& in_force = current_->sets;
  coded.slice_controls.push_back(h264_slice_controls(
      *header, in_force.pps->control, {in_force.sps->control, decode, current_->order_counts}));
  coded.bitstream.insert(coded.bitstream.end(), {0, 0, 1});
  coded.slices.push_back(static_cast<uint32_t>(coded.bitstream.size()));
  coded.bitstream.insert(coded.bitstream.end(), nal.begin(), nal.end());
  current_->last = *header;
  return {};
}

// 7.4.1.2.4. Encoders change pic_parameter_set_id inside a picture, so that alone counts only at
// its first macroblock.
bool H264Stream::starts_picture(const H264SliceHeader& header) const {
  if (!current_) return true;
  const H264SliceHeader& last = current_->last;
  const auto identity = [](const H264SliceHeader& h) {
    return std::tuple(h.frame_num, h.field_pic, h.bottom_field, h.nal_ref_idc == 0, h.idr,
                      h.idr_pic_id, h.pic_order_cnt_lsb, h.delta_pic_order_cnt_bottom,
                      h.delta_pic_order_cnt[0], h.delta_pic_order_cnt[1]);
  };
  if (identity(header) != identity(last)) return true;
  return header.first_mb_in_slice == 0 && header.pps_id != last.pps_id;
}

bool H264Stream::completes_frame(const H264SliceHeader& header) const {
  if (!first_field_ || !header.field_pic) return false;
  return first_field_->bottom_field != header.bottom_field &&
         frame_->frame_num == header.frame_num && !clears_all(header) &&
         (first_field_->idr || !header.idr) &&
         (first_field_->nal_ref_idc != 0 || header.nal_ref_idc == 0);
}

void H264Stream::start_picture(const H264SliceHeader& header, H264ParameterSets::InForce sets,
                               std::vector<Event>& events) {
  const H264Sps& sps = *sets.sps;
  const bool second = completes_frame(header) && sets.sps == sequence_;
  if (second) {
    single_fields_ = 0;
    frame_->shown = true;
  } else {
    if (first_field_) {
      const bool other_parity =
          header.field_pic && header.bottom_field != first_field_->bottom_field;
      single_fields_ = other_parity ? 0 : single_fields_ + 1;
    }
    end_frame(events);
    if (sets.sps != sequence_) change_sequence(sps, events);
    sequence_ = sets.sps;
    if (header.idr) {
      H264Dpb::Output output;
      dpb_.flush(output);
      show(output, events);
    } else {
      fill_gap(header, sps, events);
    }
  }
  const std::array<int32_t, 2> order = order_.next(sps, header);
  dpb_.number_frames(header.frame_num);
  current_.emplace();
  current_->first = header;
  current_->sets = std::move(sets);
  describe(header);
  if (!second) {
    frame_ = std::make_shared<H264Frame>();
    frame_->picture = pictures_.make();
    frame_->timestamp = frame_->picture->timestamp;
    frame_->visible = sps.visible;
    frame_->coded_as_fields = header.field_pic;
    frame_->frame_num = header.frame_num;
    frame_->frame_num_wrap = static_cast<int32_t>(header.frame_num);
    dpb_.open(frame_);
  }
  const H264Fields own = fields_of(header);
  frame_->present |= own;
  if (own & V4L2_H264_TOP_FIELD_REF) frame_->order[0] = order[0];
  if (own & V4L2_H264_BOTTOM_FIELD_REF) frame_->order[1] = order[1];

  CodedPicture& coded = current_->coded;
  auto& decode = std::get<H264Controls>(coded.controls).decode;
  decode.top_field_order_cnt = frame_->order[0];
  decode.bottom_field_order_cnt = frame_->order[1];
  coded.target = frame_->picture;
  coded.format = sps.format();
  coded.field = second ? Field::kSecond : header.field_pic ? Field::kFirst : Field::kFrame;
  first_field_.reset();
  note_recovery(header, sps);
}

void H264Stream::change_sequence(const H264Sps& sps, std::vector<Event>& events) {
  if (sequence_ && sequence_->format() != sps.format()) {
    H264Dpb::Output output;
    dpb_.flush(output);
    show(output, events);
    reference_frame_num_.reset();
  }
  dpb_.configure(sps);
}

// 8.2.5.2, for lost frames too.
void H264Stream::fill_gap(const H264SliceHeader& header, const H264Sps& sps,
                          std::vector<Event>& events) {
  if (!reference_frame_num_) return;
  const uint32_t modulus = sps.max_frame_num();
  uint32_t next = *reference_frame_num_ % modulus;
  if (next == header.frame_num) return;
  next = (next + 1) % modulus;
  H264Dpb::Output output;
  const uint32_t kept = std::max<uint32_t>(sps.control.max_num_ref_frames, 1);
  for (; next != header.frame_num; next = (next + 1) % modulus) {
    const auto order = order_.next_missing(sps, next);
    if ((header.frame_num + modulus - next) % modulus > kept) continue;
    auto missing = std::make_shared<H264Frame>();
    missing->timestamp = pictures_.unused_timestamp();
    missing->present = missing->short_term = V4L2_H264_FRAME_REF;
    missing->frame_num = next;
    missing->order = order;
    dpb_.add_missing(missing, output);
    reference_frame_num_ = next;
  }
  show(output, events);
}

// The controls of the picture that begins, all but what its target tells.
void H264Stream::describe(const H264SliceHeader& header) {
  H264Controls controls;
  controls.sps = current_->sets.sps->control;
  controls.pps = current_->sets.pps->control;
  controls.scaling_matrix = current_->sets.pps->scaling;
  v4l2_ctrl_h264_decode_params& decode = controls.decode;
  decode.nal_ref_idc = static_cast<uint16_t>(header.nal_ref_idc);
  decode.frame_num = static_cast<uint16_t>(header.frame_num);
  decode.idr_pic_id = static_cast<uint16_t>(header.idr_pic_id);
  decode.pic_order_cnt_lsb = static_cast<uint16_t>(header.pic_order_cnt_lsb);
  decode.delta_pic_order_cnt_bottom = header.delta_pic_order_cnt_bottom;
  decode.delta_pic_order_cnt0 = header.delta_pic_order_cnt[0];
  decode.delta_pic_order_cnt1 = header.delta_pic_order_cnt[1];
  decode.dec_ref_pic_marking_bit_size = header.marking_bits;
  decode.pic_order_cnt_bit_size = header.pic_order_cnt_bits;
  decode.slice_group_change_cycle = header.slice_group_change_cycle;
  if (header.idr) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC;
  if (header.field_pic) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC;
  if (header.bottom_field) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
  size_t count = 0;
  for (const H264FramePtr& frame : dpb_.frames()) {
    if (!frame->reference() || count == V4L2_H264_NUM_DPB_ENTRIES) continue;
    current_->order_counts[count] = frame->order_count();
    v4l2_h264_dpb_entry& entry = decode.dpb[count++];
    entry.reference_ts = frame->timestamp;
    const bool long_term = frame->long_term != 0;
    entry.frame_num =
        static_cast<uint16_t>(long_term ? frame->long_term_frame_idx : frame->frame_num);
    const int32_t number =
        long_term ? static_cast<int32_t>(frame->long_term_frame_idx) : frame->frame_num_wrap;
    entry.pic_num = static_cast<uint32_t>(header.field_pic ? 2 * number + 1 : number);
    entry.fields = frame->short_term | frame->long_term;
    entry.top_field_order_cnt = frame->order[0];
    entry.bottom_field_order_cnt = frame->order[1];
    entry.flags = V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
    if (long_term) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM;
    if (frame->coded_as_fields) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_FIELD;
    current_->coded.references.push_back(frame->picture);
  }
  current_->coded.controls = controls;
}

void H264Stream::note_recovery(const H264SliceHeader& header, const H264Sps& sps) {
  const uint32_t modulus = sps.max_frame_num();
  if (announced_recovery_) {
    recovery_point_seen_ = true;
    const uint32_t distance = recovery_frame_num_
                                  ? (*recovery_frame_num_ + modulus - header.frame_num) % modulus
                                  : UINT32_MAX;
    if (distance > *announced_recovery_)
      recovery_frame_num_ = (header.frame_num + *announced_recovery_) % modulus;
    announced_recovery_.reset();
  }
  const bool reached = header.nal_ref_idc != 0 && recovery_frame_num_ == header.frame_num;
  if (header.idr || reached) recovery_frame_num_.reset();
  idr_seen_ |= header.idr;
  frame_->reliable |= idr_seen_ || reached;
}

// ffmpeg's guess where a stream does not say where decoding may begin.
bool H264Stream::intra_start(const H264SliceHeader& header, const H264Sps& sps) const {
  size_t short_term = 0;
  for (const H264FramePtr& frame : dpb_.frames()) {
    if (frame->long_term) return false;
    if (frame->short_term) ++short_term;
  }
  const auto [l0, l1] = sets_.most_references();
  const uint32_t field = header.field_pic ? 1 : 0;
  const bool few_defaults = l1 <= 1 && (l0 <= 1 + field || (l0 <= 2 && sps.reorders));
  if (short_term > 2 && !few_defaults) return false;
  return l0 <= 2 + field + (recovery_point_seen_ ? 0 : 2);
}

void H264Stream::end_picture(std::vector<Event>& events) {
  if (!current_) return;
  const H264CurrentPicture done = std::move(*current_);
  current_.reset();
  const H264SliceHeader& header = done.first;
  events.emplace_back(done.coded);
  bool cleared = false;
  if (header.nal_ref_idc != 0) {
    H264Dpb::Output output;
    cleared = dpb_.mark(header, frame_, output);
    show(output, events);
    reference_frame_num_ = cleared ? 0 : header.frame_num;
    if (done.intra) frame_->reliable |= intra_start(header, *done.sets.sps);
  } else if (!reference_frame_num_) {
    reference_frame_num_ = header.frame_num;
  }
  order_.finish(cleared, header.bottom_field ? 0 : frame_->order[0]);
  if (done.coded.field == Field::kFirst) {
    first_field_ = header;
    frame_->shown = single_fields_ > 1;  // should it remain alone
  } else {
    end_frame(events);
  }
}

void H264Stream::end_frame(std::vector<Event>& events) {
  if (!frame_) return;
  first_field_.reset();
  H264Dpb::Output output;
  dpb_.store(frame_, output);
  frame_.reset();
  show(output, events);
}

void H264Stream::show(const H264Dpb::Output& frames, std::vector<Event>& events) {
  for (const H264FramePtr& frame : frames) {
    showing_ |= frame->reliable;
    if (showing_ && frame->picture)
      events.emplace_back(ShownPicture{frame->picture, frame->visible});
  }
}

}  // namespace daedalus::clients
