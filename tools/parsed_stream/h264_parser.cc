#include "tools/parsed_stream/h264_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "decode_core/headers/h264_nal.h"
#include "decode_core/headers/h264_sei.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::parsed_stream {
namespace {

using headers::H264NalType;
using headers::H264SliceHeader;

// Longer than any picture parameter set: an explicit slice group map of the largest picture.
constexpr size_t kMaxPpsBytes = size_t{128} << 10;

uint32_t max_frame_num(const v4l2_ctrl_h264_sps& sps) {
  return 1u << (sps.log2_max_frame_num_minus4 + 4);
}

bool same_frames(const headers::H264Sps& a, const headers::H264Sps& b) {
  return a.control.pic_width_in_mbs_minus1 == b.control.pic_width_in_mbs_minus1 &&
         headers::h264_frame_height_in_mbs(a.control) ==
             headers::h264_frame_height_in_mbs(b.control) &&
         a.control.chroma_format_idc == b.control.chroma_format_idc &&
         a.control.bit_depth_luma_minus8 == b.control.bit_depth_luma_minus8;
}

core::Rect visible_part(const headers::H264Sps& sps) {
  const headers::H264Cropping& crop = sps.cropping;
  return {crop.left, crop.top,
          headers::h264_width_in_mbs(sps.control) * 16 - crop.left - crop.right,
          headers::h264_frame_height_in_mbs(sps.control) * 16 - crop.top - crop.bottom};
}

}  // namespace

// ---- Parameter sets ----

Status H264ParameterSets::add_sps(std::span<const uint8_t> nal) {
  Result<headers::H264Sps> sps = headers::parse_h264_sps(nal);
  if (!sps) return sps.error();
  const uint8_t id = sps->control.seq_parameter_set_id;
  if (sps_[id] != nullptr && std::ranges::equal(nal, sps_nals_[id])) return {};
  sps_nals_[id].assign(nal.begin(), nal.end());
  sps_[id] = std::make_shared<const headers::H264Sps>(*sps);
  return {};
}

Status H264ParameterSets::add_pps(std::span<const uint8_t> nal) {
  const Result<headers::H264PpsIds> ids = headers::parse_h264_pps_ids(nal);
  if (!ids) return ids.error();
  if (nal.size() > kMaxPpsBytes) {
    return Error{ErrorCode::kCorrupt, "H.264 picture parameter set: too long"};
  }
  auto stored = std::make_unique<StoredPps>();
  stored->nal.assign(nal.begin(), nal.end());
  stored->sps_id = ids->sps_id;
  pps_[ids->pps_id] = std::move(stored);
  return {};
}

Result<H264ParameterSets::Active> H264ParameterSets::activate(uint8_t pps_id) {
  StoredPps* stored = pps_[pps_id].get();
  if (stored == nullptr || sps_[stored->sps_id] == nullptr) {
    return Error{ErrorCode::kCorrupt,
                 "H.264 slice: its parameter set " + std::to_string(pps_id) + " was not received"};
  }
  const std::shared_ptr<const headers::H264Sps>& sps = sps_[stored->sps_id];
  if (stored->parsed.sps != sps) {
    Result<headers::H264Pps> pps = headers::parse_h264_pps(stored->nal, *sps);
    if (!pps) return pps.error();
    most_references_[0] =
        std::max(most_references_[0], pps->control.num_ref_idx_l0_default_active_minus1 + 1u);
    most_references_[1] =
        std::max(most_references_[1], pps->control.num_ref_idx_l1_default_active_minus1 + 1u);
    stored->parsed = {sps, std::make_shared<const headers::H264Pps>(std::move(*pps))};
  }
  return stored->parsed;
}

// ---- Access units to pictures ----

Status H264Parser::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Status first_error;
  headers::NalUnits units(packet);
  while (const auto nal = units.next()) {
    Status status = parse_nal(*nal, events);
    if (!status && first_error) first_error = std::move(status);
  }
  end_picture(events);
  return first_error;
}

void H264Parser::flush(std::vector<Event>& events) {
  close_frame(events);
  H264Dpb::Frames frames;
  dpb_.clear(frames);
  show(frames, events);
}

Status H264Parser::parse_nal(std::span<const uint8_t> nal, std::vector<Event>& events) {
  const headers::H264NalHeader header = headers::h264_nal_header(nal);
  if (!header.valid) return Error{ErrorCode::kCorrupt, "H.264 NAL unit: forbidden_zero_bit is set"};
  switch (header.type) {
    case H264NalType::kSlice:
    case H264NalType::kSliceIdr:
      return parse_slice(nal, events);
    case H264NalType::kSps:
      end_picture(events);
      return parameter_sets_.add_sps(nal);
    case H264NalType::kPps:
      end_picture(events);
      return parameter_sets_.add_pps(nal);
    case H264NalType::kSei:
      end_picture(events);
      if (const auto count = headers::h264_recovery_frame_count(nal)) recovery_count_ = count;
      return {};
    case H264NalType::kAccessUnitDelimiter:
    case H264NalType::kEndOfSequence:
    case H264NalType::kEndOfStream:
      end_picture(events);
      return {};
    default:
      return {};
  }
}

Status H264Parser::parse_slice(std::span<const uint8_t> nal, std::vector<Event>& events) {
  const Result<headers::H264SliceStart> start = headers::parse_h264_slice_start(nal);
  if (!start) return start.error();
  Result<H264ParameterSets::Active> active = parameter_sets_.activate(start->pps_id);
  if (!active) return active.error();
  const headers::H264SliceContext context{
      active->sps->control, active->pps->control,
      headers::h264_slice_group_change_cycle_bits(active->sps->control, *active->pps)};
  Result<H264SliceHeader> header = headers::parse_h264_slice_header(nal, context);
  if (!header) return header.error();
  if (header->slice.redundant_pic_cnt > 0) return {};

  if (begins_picture(*header)) {
    end_picture(events);
    begin_picture(*header, std::move(*active), events);
  }
  core::DecodeJob& job = gathering_->job;
  auto& decode = std::get<core::H264Parameters>(job.parameters).decode;
  constexpr uint32_t kSliceTypes =
      V4L2_H264_DECODE_PARAM_FLAG_PFRAME | V4L2_H264_DECODE_PARAM_FLAG_BFRAME;
  decode.flags |= header->decode.flags & kSliceTypes;
  job.slices.push_back(
      {static_cast<uint32_t>(job.bitstream.size()), static_cast<uint32_t>(nal.size())});
  job.bitstream.insert(job.bitstream.end(), nal.begin(), nal.end());
  gathering_->last = std::move(*header);
  return {};
}

// 7.4.1.2.4, but for a change of pic_parameter_set_id alone, which begins a picture only at its
// first macroblock: some encoders use several sets in one picture.
bool H264Parser::begins_picture(const H264SliceHeader& header) const {
  if (!gathering_) return true;
  const H264SliceHeader& last = gathering_->last;
  const v4l2_ctrl_h264_decode_params& a = last.decode;
  const v4l2_ctrl_h264_decode_params& b = header.decode;
  if (a.frame_num != b.frame_num || last.field_pic != header.field_pic ||
      last.bottom_field != header.bottom_field ||
      (last.nal.ref_idc == 0) != (header.nal.ref_idc == 0) || last.idr() != header.idr() ||
      a.idr_pic_id != b.idr_pic_id || a.pic_order_cnt_lsb != b.pic_order_cnt_lsb ||
      a.delta_pic_order_cnt_bottom != b.delta_pic_order_cnt_bottom ||
      a.delta_pic_order_cnt0 != b.delta_pic_order_cnt0 ||
      a.delta_pic_order_cnt1 != b.delta_pic_order_cnt1) {
    return true;
  }
  return header.slice.first_mb_in_slice == 0 && last.pps_id != header.pps_id;
}

// Does it complete the open field's frame (3.30: complementary field pairs)? A second field that is
// no reference is taken beside a first that is one, as decoders in use do.
bool H264Parser::is_second_field(const H264SliceHeader& header) const {
  if (!first_field_ || !header.field_pic) return false;
  const H264SliceHeader& first = *first_field_;
  const bool resets = std::ranges::any_of(
      header.marking, [](const auto& operation) { return operation.operation == 5; });
  return first.bottom_field != header.bottom_field &&
         dpb_.current()->frame_num == header.decode.frame_num && !resets &&
         (!header.idr() || first.idr()) && (first.nal.ref_idc != 0 || header.nal.ref_idc == 0);
}

void H264Parser::begin_picture(const H264SliceHeader& header, H264ParameterSets::Active active,
                               std::vector<Event>& events) {
  const bool second_field = is_second_field(header) && active.sps == sequence_;
  if (second_field) {
    unpaired_fields_ = 0;
    first_field_.reset();
  } else {
    if (first_field_) {
      const bool opposite = header.field_pic && header.bottom_field != first_field_->bottom_field;
      unpaired_fields_ = opposite ? 0 : unpaired_fields_ + 1;
    }
    close_frame(events);
    if (active.sps != sequence_) begin_sequence(*active.sps, events);
    sequence_ = active.sps;
    if (header.idr()) {
      H264Dpb::Frames frames;
      dpb_.clear(frames);
      show(frames, events);
    } else {
      fill_gap(header, active.sps->control, events);
    }
  }
  gathering_.emplace();
  gathering_->first = header;
  gathering_->active = std::move(active);
  const headers::H264Sps& sps = *gathering_->active.sps;
  const H264OrderCounts counts = order_.compute(sps.control, header);
  dpb_.set_frame_num(header.decode.frame_num);
  if (!second_field) {
    // The references are described before the new frame is among them.
    fill_job(open_frame(header, sps), false, counts);
  } else {
    fill_job(*dpb_.current(), true, counts);
  }
  note_recovery(header, sps.control, *dpb_.current());
}

void H264Parser::begin_sequence(const headers::H264Sps& sps, std::vector<Event>& events) {
  if (sequence_ != nullptr && !same_frames(sps, *sequence_)) {
    H264Dpb::Frames frames;
    dpb_.clear(frames);
    show(frames, events);
    previous_reference_frame_num_.reset();
  }
  dpb_.configure(sps);
}

// 8.2.5.2, also where the sequence does not allow gaps: the frames were lost then.
void H264Parser::fill_gap(const H264SliceHeader& header, const v4l2_ctrl_h264_sps& sps,
                          std::vector<Event>& events) {
  const uint32_t frame_num = header.decode.frame_num;
  if (!previous_reference_frame_num_) return;
  const uint32_t modulus = max_frame_num(sps);
  const uint32_t previous = *previous_reference_frame_num_ % modulus;
  if (frame_num == previous) return;
  uint32_t missing = (frame_num + modulus - previous - 1) % modulus;
  const uint32_t useful = std::max<uint32_t>(sps.max_num_ref_frames, 1);
  if (missing > useful) {
    order_.skip_to(sps, (frame_num + modulus - useful - 1) % modulus);
    missing = useful;
  }
  H264Dpb::Frames frames;
  for (; missing > 0; --missing) {
    const uint32_t inferred = (frame_num + modulus - missing) % modulus;
    dpb_.infer(inferred, order_.infer(sps, inferred), frames);
    previous_reference_frame_num_ = inferred;
  }
  show(frames, events);
}

H264Frame& H264Parser::open_frame(const H264SliceHeader& header, const headers::H264Sps& sps) {
  auto frame = std::make_unique<H264Frame>();
  frame->picture = std::make_shared<core::Picture>();
  frame->visible = visible_part(sps);
  frame->field_coded = header.field_pic;
  frame->frame_num = header.decode.frame_num;
  frame->frame_num_wrap = header.decode.frame_num;
  return dpb_.open(std::move(frame));
}

void H264Parser::note_recovery(const H264SliceHeader& header, const v4l2_ctrl_h264_sps& sps,
                               H264Frame& frame) {
  const uint32_t modulus = max_frame_num(sps);
  const uint32_t frame_num = header.decode.frame_num;
  if (recovery_count_) {
    recovery_point_seen_ = true;
    const uint32_t target = (frame_num + *recovery_count_) % modulus;
    const bool sooner = !recovery_frame_num_ ||
                        (*recovery_frame_num_ + modulus - frame_num) % modulus > *recovery_count_;
    if (sooner) recovery_frame_num_ = target;
    recovery_count_.reset();
  }
  const bool reached = recovery_frame_num_ == frame_num && header.nal.ref_idc != 0;
  if (header.idr() || reached) recovery_frame_num_.reset();
  // After an IDR picture everything that is decoded is right; after a recovery point, what is
  // shown.
  idr_seen_ |= header.idr();
  frame.recovered |= idr_seen_ || reached;
}

// ffmpeg's rule for streams that do not say where decoding may begin.
bool H264Parser::is_unmarked_recovery_point(const H264SliceHeader& header, uint32_t flags,
                                            const headers::H264Sps& sps) const {
  constexpr uint32_t kPredicted =
      V4L2_H264_DECODE_PARAM_FLAG_PFRAME | V4L2_H264_DECODE_PARAM_FLAG_BFRAME;
  if ((flags & kPredicted) != 0 || dpb_.long_term_count() != 0) return false;
  const auto [l0, l1] = parameter_sets_.most_references();
  const uint32_t field = header.field_pic ? 1 : 0;
  const bool reorders = !sps.restriction || sps.restriction->max_num_reorder_frames > 0;
  const bool few = dpb_.short_term_count() <= 2 || (l0 <= 2 && l1 <= 1 && reorders) ||
                   (l0 <= 1 + field && l1 <= 1);
  return few && l0 <= 2 + field + (recovery_point_seen_ ? 0 : 2);
}

void H264Parser::fill_job(H264Frame& frame, bool second_field, const H264OrderCounts& counts) {
  const H264SliceHeader& header = gathering_->first;
  core::DecodeJob& job = gathering_->job;
  auto& parameters = job.parameters.emplace<core::H264Parameters>();
  parameters.sps = gathering_->active.sps->control;
  parameters.pps = gathering_->active.pps->control;
  parameters.scaling_matrix = gathering_->active.pps->scaling_matrix;
  parameters.decode = header.decode;
  parameters.poc_offsets_known = true;
  parameters.default_reference_counts_known = true;
  // A first field is a reference of its second, and a new frame is not marked yet.
  dpb_.describe(header, job);

  if (!header.field_pic || !header.bottom_field) {
    frame.fields |= V4L2_H264_TOP_FIELD_REF;
    frame.counts[0] = counts[0];
  }
  if (!header.field_pic || header.bottom_field) {
    frame.fields |= V4L2_H264_BOTTOM_FIELD_REF;
    frame.counts[1] = counts[1];
  }
  parameters.decode.top_field_order_cnt = frame.counts[0];
  parameters.decode.bottom_field_order_cnt = frame.counts[1];
  job.target = frame.picture;
  job.field = second_field       ? core::FieldRole::kSecondField
              : header.field_pic ? core::FieldRole::kFirstField
                                 : core::FieldRole::kFrame;
}

void H264Parser::end_picture(std::vector<Event>& events) {
  if (!gathering_) return;
  const H264SliceHeader header = std::move(gathering_->first);
  const bool second_field = gathering_->job.field == core::FieldRole::kSecondField;
  const uint32_t flags = std::get<core::H264Parameters>(gathering_->job.parameters).decode.flags;
  const std::shared_ptr<const headers::H264Sps> sps = gathering_->active.sps;
  events.emplace_back(DecodeEvent{std::move(gathering_->job)});
  gathering_.reset();

  bool reset = false;
  if (header.nal.ref_idc != 0) {
    H264Dpb::Frames frames;
    reset = dpb_.mark(header, frames);
    show(frames, events);
    previous_reference_frame_num_ = reset ? 0 : header.decode.frame_num;
    dpb_.current()->recovered |= is_unmarked_recovery_point(header, flags, *sps);
  } else if (!previous_reference_frame_num_) {
    previous_reference_frame_num_ = header.decode.frame_num;
  }
  order_.finish(reset, header.bottom_field ? 0 : dpb_.current()->counts[0]);
  if (header.field_pic && !second_field) {
    first_field_ = header;
    unpaired_shown_ = unpaired_fields_ > 1;
  } else {
    close_frame(events);
  }
}

void H264Parser::close_frame(std::vector<Event>& events) {
  if (first_field_) dpb_.current()->hidden = !unpaired_shown_;
  first_field_.reset();
  H264Dpb::Frames frames;
  dpb_.close(frames);
  show(frames, events);
}

void H264Parser::show(H264Dpb::Frames& frames, std::vector<Event>& events) {
  for (const std::unique_ptr<H264Frame>& frame : frames) {
    recovered_ |= frame->recovered;
    if (recovered_) events.emplace_back(OutputEvent{frame->picture, frame->visible});
  }
  frames.clear();
}

std::unique_ptr<Parser> create_h264_parser() { return std::make_unique<H264Parser>(); }

}  // namespace daedalus::parsed_stream
