#include "tools/parsed_stream/hevc_parser.h"

#include <string>
#include <utility>

#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/hevc_slice_parameters.h"

namespace daedalus::parsed_stream {
namespace {

using headers::HevcNalType;
using headers::HevcSliceHeader;

// Even types below those of IRAP pictures (table 7-1).
bool is_sub_layer_non_reference(HevcNalType type) {
  return !headers::hevc_is_irap(type) && static_cast<uint8_t>(type) % 2 == 0;
}

core::Rect visible_part(const headers::HevcSps& sps) {
  const headers::HevcConformanceWindow& window = sps.window;
  return {window.left, window.top, sps.width - window.left - window.right,
          sps.height - window.top - window.bottom};
}

Error corrupt(std::string what) { return {ErrorCode::kCorrupt, std::move(what)}; }

}  // namespace

Status HevcParser::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Status first_error;
  headers::NalUnits units(packet);
  while (const auto nal = units.next()) {
    Status status = parse_nal(*nal, events);
    if (!status && first_error) first_error = std::move(status);
  }
  end_picture(events);
  return first_error;
}

void HevcParser::flush(std::vector<Event>& events) {
  end_picture(events);
  HevcDpb::Frames frames;
  dpb_.clear(true, frames);
  show(frames, events);
}

Status HevcParser::parse_nal(std::span<const uint8_t> nal, std::vector<Event>& events) {
  const headers::HevcNalHeader header = headers::hevc_nal_header(nal);
  if (!header.valid) return corrupt("HEVC NAL unit: damaged header");
  if (header.layer_id != 0) return {};
  if (headers::hevc_is_slice(header.type)) return parse_slice(nal, events);
  if (header.type == HevcNalType::kSps) {
    end_picture(events);
    auto sps = headers::parse_hevc_sps(nal);
    if (!sps) return sps.error();
    sps_[sps->id] = std::make_shared<const headers::HevcSps>(std::move(*sps));
  } else if (header.type == HevcNalType::kPps) {
    end_picture(events);
    auto pps = headers::parse_hevc_pps(nal);
    if (!pps) return pps.error();
    pps_[pps->control.pic_parameter_set_id] =
        std::make_shared<const headers::HevcPps>(std::move(*pps));
  } else if (header.type == HevcNalType::kEndOfSequence ||
             header.type == HevcNalType::kEndOfBitstream) {
    end_picture(events);
    begins_sequence_ = true;
  }
  return {};
}

Status HevcParser::parse_slice(std::span<const uint8_t> nal, std::vector<Event>& events) {
  const auto id = headers::parse_hevc_pps_id(nal);
  if (!id) return id.error();
  const auto pps = pps_[*id];
  auto sps = pps != nullptr ? sps_[pps->sps_id] : nullptr;
  if (sps == nullptr) {
    return corrupt("HEVC slice: its parameter set " + std::to_string(*id) + " was not received");
  }
  auto header = headers::parse_hevc_slice_header(nal, {sps->control, pps->control, sps.get()});
  if (!header) return header.error();
  if (header->first_in_picture) end_picture(events);
  if (!gathering_) {
    if (!header->first_in_picture && passed_over_) return {};
    if (header->dependent) return corrupt("HEVC slice: the slice that it depends on is lost");
    passed_over_ = !begin_picture(*header, std::move(sps), *pps, events);
    if (passed_over_) return {};
  } else if (!header->dependent) {
    gathering_->independent = std::move(*header);
  }
  core::DecodeJob& job = gathering_->job;
  auto& parameters = std::get<core::HevcParameters>(job.parameters);
  parameters.slices.push_back(
      core::hevc_slice_parameters(gathering_->independent, parameters.decode));
  job.slices.push_back(
      {static_cast<uint32_t>(job.bitstream.size()), static_cast<uint32_t>(nal.size())});
  job.bitstream.insert(job.bitstream.end(), nal.begin(), nal.end());
  return {};
}

// 8.3.1
int32_t HevcParser::order_count_of(const HevcSliceHeader& header, const headers::HevcSps& sps) {
  const int64_t max_lsb = int64_t{1} << (sps.control.log2_max_pic_order_cnt_lsb_minus4 + 4);
  const int64_t lsb = header.order_count_lsb;
  int64_t msb = 0;
  if (!headers::hevc_is_irap(header.nal_type) || !no_rasl_output_) {
    const int64_t previous_lsb = previous_order_count_ & (max_lsb - 1);
    msb = previous_order_count_ - previous_lsb;
    if (lsb < previous_lsb && previous_lsb - lsb >= max_lsb / 2) {
      msb += max_lsb;
    } else if (lsb > previous_lsb && lsb - previous_lsb > max_lsb / 2) {
      msb -= max_lsb;
    }
  }
  const auto order_count = static_cast<int32_t>(static_cast<uint32_t>(msb + lsb));
  const HevcNalType type = header.nal_type;
  const bool leading = type >= HevcNalType::kRadlN && type <= HevcNalType::kRaslR;
  if (header.temporal_id == 0 && !leading && !is_sub_layer_non_reference(type)) {
    previous_order_count_ = order_count;
  }
  return order_count;
}

bool HevcParser::begin_picture(const HevcSliceHeader& header,
                               std::shared_ptr<const headers::HevcSps> sps,
                               const headers::HevcPps& pps, std::vector<Event>& events) {
  const bool irap = headers::hevc_is_irap(header.nal_type);
  if (irap) no_rasl_output_ = header.nal_type != HevcNalType::kCra || begins_sequence_;
  if (headers::hevc_is_rasl(header.nal_type) && no_rasl_output_) return false;
  begins_sequence_ = false;
  gathering_.emplace();
  Gathering& gathering = *gathering_;
  auto& parameters = gathering.job.parameters.emplace<core::HevcParameters>();
  parameters.sps = sps->control;
  parameters.pps = pps.control;
  parameters.scaling_matrix = pps.scaling_matrix.value_or(sps->scaling_matrix);
  v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  decode.pic_order_cnt_val = order_count_of(header, *sps);
  if (irap) decode.flags |= V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC;
  if (headers::hevc_is_idr(header.nal_type)) decode.flags |= V4L2_HEVC_DECODE_PARAM_FLAG_IDR_PIC;
  decode.short_term_ref_pic_set_size = header.slice.short_term_ref_pic_set_size;

  HevcDpb::Frames shown;
  if (irap && no_rasl_output_) {
    // C.5.2.2: of a CRA picture no_output_of_prior_pics_flag counts as 1.
    const bool drops = header.nal_type == HevcNalType::kCra || header.no_output_of_prior_pics;
    dpb_.clear(!drops, shown);
  }
  dpb_.mark(*sps, header, decode.pic_order_cnt_val, decode, gathering.job.references);
  if (!irap || !no_rasl_output_) dpb_.make_room(*sps, shown);
  show(shown, events);

  gathering.frame.picture = std::make_shared<core::Picture>();
  gathering.frame.visible = visible_part(*sps);
  gathering.frame.order_count = decode.pic_order_cnt_val;
  gathering.frame.needed_for_output = header.pic_output;
  gathering.job.target = gathering.frame.picture;
  gathering.independent = header;
  gathering.sps = std::move(sps);
  return true;
}

void HevcParser::end_picture(std::vector<Event>& events) {
  if (!gathering_) return;
  Gathering gathering = std::move(*gathering_);
  gathering_.reset();
  events.emplace_back(DecodeEvent{std::move(gathering.job)});
  HevcDpb::Frames shown;
  dpb_.add(*gathering.sps, std::move(gathering.frame), shown);
  show(shown, events);
}

void HevcParser::show(HevcDpb::Frames& frames, std::vector<Event>& events) {
  for (const HevcFrame& frame : frames) {
    events.emplace_back(OutputEvent{frame.picture, frame.visible});
  }
  frames.clear();
}

std::unique_ptr<Parser> create_hevc_parser() { return std::make_unique<HevcParser>(); }

}  // namespace daedalus::parsed_stream
