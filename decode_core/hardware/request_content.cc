#include "decode_core/hardware/request_content.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/headers/vp9_compressed_header.h"

namespace daedalus::core {
namespace {

constexpr uint32_t kH264Optional[] = {V4L2_CID_STATELESS_H264_SCALING_MATRIX,
                                      V4L2_CID_STATELESS_H264_PRED_WEIGHTS};
constexpr uint32_t kHevcOptional[] = {V4L2_CID_STATELESS_HEVC_SCALING_MATRIX,
                                      V4L2_CID_STATELESS_HEVC_SLICE_PARAMS,
                                      V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS};
constexpr uint32_t kMpeg2Optional[] = {V4L2_CID_STATELESS_MPEG2_QUANTISATION};
constexpr uint32_t kVp9Optional[] = {V4L2_CID_STATELESS_VP9_COMPRESSED_HDR};
constexpr uint32_t kAv1Optional[] = {V4L2_CID_STATELESS_AV1_FILM_GRAIN};

// What VA does not carry of a picture stands in its slices: the PPS's default reference counts, and
// the elements of the slice header that drivers skip by their size (H.264 7.3.3).
void complete(const DecodeJob& job, H264Parameters* parameters) {
  if (parameters->default_reference_counts_known) return;
  v4l2_ctrl_h264_pps& pps = parameters->pps;
  const headers::H264SliceContext context{parameters->sps, pps};
  for (size_t i = 0; i < job.slices.size(); ++i) {
    const auto start = headers::parse_h264_slice_header(job.bytes_of(job.slices[i]), context,
                                                        headers::H264SliceDepth::kReferenceCounts);
    if (!start || start->num_ref_idx_override || start->is_intra()) continue;
    const auto& counts = parameters->slice_reference_counts_minus1[i];
    pps.num_ref_idx_l0_default_active_minus1 = counts[0];
    if (start->is_b()) pps.num_ref_idx_l1_default_active_minus1 = counts[1];
  }
  const auto header = headers::parse_h264_slice_header(job.bytes_of(job.slices[0]), context);
  if (!header) return;  // the driver says what is wrong with the slice
  v4l2_ctrl_h264_decode_params& decode = parameters->decode;
  decode.idr_pic_id = header->decode.idr_pic_id;
  decode.pic_order_cnt_lsb = header->decode.pic_order_cnt_lsb;
  decode.delta_pic_order_cnt_bottom = header->decode.delta_pic_order_cnt_bottom;
  decode.delta_pic_order_cnt0 = header->decode.delta_pic_order_cnt0;
  decode.delta_pic_order_cnt1 = header->decode.delta_pic_order_cnt1;
  decode.dec_ref_pic_marking_bit_size = header->decode.dec_ref_pic_marking_bit_size;
  decode.pic_order_cnt_bit_size = header->decode.pic_order_cnt_bit_size;
}

// The sizes of the first slice's reference sets, by which drivers skip them (hantro). VA tells that
// of the short-term set with the slices, and that of the long-term one not at all.
void complete(const DecodeJob& job, HevcParameters* parameters) {
  v4l2_ctrl_hevc_decode_params& decode = parameters->decode;
  const uint32_t set_bits = parameters->slices.front().reference_set_bits;
  if (decode.short_term_ref_pic_set_size == 0) {
    decode.short_term_ref_pic_set_size = static_cast<uint16_t>(set_bits);
  }
  if ((parameters->sps.flags & V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT) == 0) return;
  const auto header = headers::parse_hevc_slice_header(
      job.bytes_of(job.slices[0]), {parameters->sps, parameters->pps, nullptr,
                                    headers::hevc_total_references(decode), set_bits});
  if (!header) return;  // the driver says what is wrong with the slice
  decode.long_term_ref_pic_set_size = header->slice.long_term_ref_pic_set_size;
}

constexpr std::array<uint8_t, 3> kStartCode = {0, 0, 1};

bool is_nal_codec(Codec codec) { return codec == Codec::kH264 || codec == Codec::kHevc; }

}  // namespace

RequestControls::RequestControls(const DecodeJob& job, const TimestampOf& timestamp_of,
                                 const std::set<uint32_t>& absent)
    : job_(job), absent_(absent), parameters_(job.parameters) {
  std::visit([&](auto& parameters) { add(parameters, job, timestamp_of); }, parameters_);
  of_picture_ = values_.size();
}

Status RequestControls::set_slices(const RequestPlan& plan, const RequestPart& part,
                                   const NalMode& mode) {
  values_.resize(of_picture_);
  if (!plan.hevc.empty()) add_hevc_slices(plan, part, mode.annex_b);
  const auto* h264 = std::get_if<H264Parameters>(&parameters_);
  if (h264 == nullptr || !mode.slice_based) return {};
  auto controls = h264_slice_controls(job_, *h264, part.first);
  if (!controls) return controls.error();
  h264_slice_ = *controls;
  add_value(V4L2_CID_STATELESS_H264_SLICE_PARAMS, h264_slice_.slice);
  if (h264_slice_.weighted) {
    add_value(V4L2_CID_STATELESS_H264_PRED_WEIGHTS, h264_slice_.weights);
  }
  return {};
}

// Offsets and sizes of slices count from the beginning of the OUTPUT buffer: so the driver reads
// them that takes several slices at once (hevc_d_h265.c; the documents have one slice in mind).
void RequestControls::add_hevc_slices(const RequestPlan& plan, const RequestPart& part,
                                      bool annex_b) {
  hevc_slices_.clear();
  hevc_entry_points_.clear();
  uint32_t offset = 0;
  for (size_t i = part.first; i < part.first + part.count; ++i) {
    if (annex_b || i != part.first) offset += kStartCode.size();
    v4l2_ctrl_hevc_slice_params& slice = hevc_slices_.emplace_back(plan.hevc[i].slice);
    slice.data_byte_offset += offset;
    slice.bit_size += 8 * offset;
    offset += job_.slices[i].size;
    const auto& entry_points = plan.hevc[i].entry_points;
    hevc_entry_points_.insert(hevc_entry_points_.end(), entry_points.begin(), entry_points.end());
  }
  add_array(V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, hevc_slices_);
  add_array(V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS, hevc_entry_points_);
}

void RequestControls::add(H264Parameters& parameters, const DecodeJob& job,
                          const TimestampOf& timestamp_of) {
  complete(job, &parameters);
  for (size_t i = 0; i < std::size(parameters.decode.dpb); ++i) {
    v4l2_h264_dpb_entry& entry = parameters.decode.dpb[i];
    if ((entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) != 0) entry.reference_ts = timestamp_of(i);
  }
  add_value(V4L2_CID_STATELESS_H264_SPS, parameters.sps);
  add_value(V4L2_CID_STATELESS_H264_PPS, parameters.pps);
  if ((parameters.pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT) != 0) {
    add_value(V4L2_CID_STATELESS_H264_SCALING_MATRIX, parameters.scaling_matrix);
  }
  add_value(V4L2_CID_STATELESS_H264_DECODE_PARAMS, parameters.decode);
}

void RequestControls::add(HevcParameters& parameters, const DecodeJob& job,
                          const TimestampOf& timestamp_of) {
  complete(job, &parameters);
  v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  for (size_t i = 0; i < decode.num_active_dpb_entries; ++i) {
    decode.dpb[i].timestamp = timestamp_of(i);
  }
  add_value(V4L2_CID_STATELESS_HEVC_SPS, parameters.sps);
  add_value(V4L2_CID_STATELESS_HEVC_PPS, parameters.pps);
  if ((parameters.sps.flags & V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED) != 0) {
    add_value(V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, parameters.scaling_matrix);
  }
  add_value(V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, decode);
}

void RequestControls::add(Vp9Parameters& parameters, const DecodeJob& job,
                          const TimestampOf& timestamp_of) {
  parameters.frame.last_frame_ts = timestamp_of(0);
  parameters.frame.golden_frame_ts = timestamp_of(1);
  parameters.frame.alt_frame_ts = timestamp_of(2);
  read_compressed_header(job.bytes_of(job.slices[0]), parameters.frame);
  add_value(V4L2_CID_STATELESS_VP9_FRAME, parameters.frame);
  add_value(V4L2_CID_STATELESS_VP9_COMPRESSED_HDR, vp9_compressed_);
}

// Of a damaged one the driver gets no update; the frame will not decode well either way.
void RequestControls::read_compressed_header(std::span<const uint8_t> data,
                                             v4l2_ctrl_vp9_frame& frame) {
  const size_t begin = frame.uncompressed_header_size;
  const size_t size = frame.compressed_header_size;
  if (begin > data.size() || size > data.size() - begin) return;
  const auto header = headers::parse_vp9_compressed_header(data.subspan(begin, size), frame);
  if (header) vp9_compressed_ = *header;
}

void RequestControls::add(Vp8Parameters& parameters, const DecodeJob&,
                          const TimestampOf& timestamp_of) {
  parameters.frame.last_frame_ts = timestamp_of(0);
  parameters.frame.golden_frame_ts = timestamp_of(1);
  parameters.frame.alt_frame_ts = timestamp_of(2);
  add_value(V4L2_CID_STATELESS_VP8_FRAME, parameters.frame);
}

void RequestControls::add(Mpeg2Parameters& parameters, const DecodeJob&,
                          const TimestampOf& timestamp_of) {
  parameters.picture.forward_ref_ts = timestamp_of(0);
  parameters.picture.backward_ref_ts = timestamp_of(1);
  add_value(V4L2_CID_STATELESS_MPEG2_SEQUENCE, parameters.sequence);
  add_value(V4L2_CID_STATELESS_MPEG2_PICTURE, parameters.picture);
  add_value(V4L2_CID_STATELESS_MPEG2_QUANTISATION, parameters.quantisation);
}

void RequestControls::add(Av1Parameters& parameters, const DecodeJob& job,
                          const TimestampOf& timestamp_of) {
  for (size_t i = 0; i < std::size(parameters.frame.reference_frame_ts); ++i) {
    parameters.frame.reference_frame_ts[i] = timestamp_of(i);
  }
  // Inferred (5.9.2), whatever the client says: drivers read the vectors of intra block copy by it.
  if (headers::av1_is_intra(parameters.frame.frame_type)) {
    parameters.frame.flags |= V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV;
  }
  // The tiles lie in the OUTPUT buffer one after the other.
  uint32_t offset = 0;
  for (size_t i = 0; i < parameters.tiles.size(); ++i) {
    parameters.tiles[i].tile_offset = offset;
    parameters.tiles[i].tile_size = job.slices[i].size;
    offset += job.slices[i].size;
  }
  add_value(V4L2_CID_STATELESS_AV1_SEQUENCE, parameters.sequence);
  add_value(V4L2_CID_STATELESS_AV1_FRAME, parameters.frame);
  values_.push_back(
      {V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, parameters.tiles.data(),
       static_cast<uint32_t>(parameters.tiles.size() * sizeof(v4l2_ctrl_av1_tile_group_entry))});
  add_value(V4L2_CID_STATELESS_AV1_FILM_GRAIN, parameters.film_grain);
}

std::span<const uint32_t> optional_controls(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return kH264Optional;
    case Codec::kHevc:
      return kHevcOptional;
    case Codec::kMpeg2:
      return kMpeg2Optional;
    case Codec::kAv1:
      return kAv1Optional;
    case Codec::kVp9:
      return kVp9Optional;
    case Codec::kVp8:
      break;
  }
  return {};
}

SequenceControl::SequenceControl(Codec codec, uint32_t width, uint32_t height, int bit_depth) {
  const auto depth_minus8 = static_cast<uint8_t>(bit_depth - 8);
  switch (codec) {
    case Codec::kH264: {
      H264Parameters h264;
      h264.sps.profile_idc = 100;
      h264.sps.level_idc = 40;
      h264.sps.chroma_format_idc = 1;
      h264.sps.max_num_ref_frames = 1;
      h264.sps.pic_width_in_mbs_minus1 = static_cast<uint16_t>((width + 15) / 16 - 1);
      h264.sps.pic_height_in_map_units_minus1 = static_cast<uint16_t>((height + 15) / 16 - 1);
      h264.sps.flags = V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY;
      parameters_ = h264;
      break;
    }
    case Codec::kHevc: {
      HevcParameters hevc;
      hevc.sps.pic_width_in_luma_samples = static_cast<uint16_t>(width);
      hevc.sps.pic_height_in_luma_samples = static_cast<uint16_t>(height);
      hevc.sps.bit_depth_luma_minus8 = depth_minus8;
      hevc.sps.bit_depth_chroma_minus8 = depth_minus8;
      hevc.sps.log2_diff_max_min_luma_coding_block_size = 3;
      hevc.sps.log2_diff_max_min_luma_transform_block_size = 3;
      hevc.sps.chroma_format_idc = 1;
      parameters_ = hevc;
      break;
    }
    case Codec::kVp9: {
      Vp9Parameters vp9;
      vp9.frame.flags = V4L2_VP9_FRAME_FLAG_KEY_FRAME | V4L2_VP9_FRAME_FLAG_SHOW_FRAME |
                        V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
      vp9.frame.frame_width_minus_1 = static_cast<uint16_t>(width - 1);
      vp9.frame.frame_height_minus_1 = static_cast<uint16_t>(height - 1);
      vp9.frame.bit_depth = static_cast<uint8_t>(bit_depth);
      vp9.frame.profile = bit_depth > 8 ? 2 : 0;
      parameters_ = vp9;
      break;
    }
    case Codec::kAv1: {
      Av1Parameters av1;
      av1.sequence.bit_depth = static_cast<uint8_t>(bit_depth);
      av1.sequence.flags =
          V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X | V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y;
      av1.sequence.max_frame_width_minus_1 = static_cast<uint16_t>(width - 1);
      av1.sequence.max_frame_height_minus_1 = static_cast<uint16_t>(height - 1);
      parameters_ = av1;
      break;
    }
    case Codec::kMpeg2: {
      Mpeg2Parameters mpeg2;
      mpeg2.sequence.horizontal_size = static_cast<uint16_t>(width);
      mpeg2.sequence.vertical_size = static_cast<uint16_t>(height);
      mpeg2.sequence.chroma_format = 1;
      parameters_ = mpeg2;
      break;
    }
    case Codec::kVp8:
      parameters_ = Vp8Parameters{};
      break;
  }
  point_at_parameters();
}

SequenceControl::SequenceControl(const DecodeJob& job) : parameters_(job.parameters) {
  point_at_parameters();
}

void SequenceControl::point_at_parameters() {
  const auto add = [this](uint32_t id, const auto& value) {
    values_.push_back({id, &value, sizeof value});
  };
  if (const auto* h264 = std::get_if<H264Parameters>(&parameters_)) {
    add(V4L2_CID_STATELESS_H264_SPS, h264->sps);
  } else if (const auto* hevc = std::get_if<HevcParameters>(&parameters_)) {
    add(V4L2_CID_STATELESS_HEVC_SPS, hevc->sps);
  } else if (const auto* vp9 = std::get_if<Vp9Parameters>(&parameters_)) {
    add(V4L2_CID_STATELESS_VP9_FRAME, vp9->frame);
  } else if (const auto* av1 = std::get_if<Av1Parameters>(&parameters_)) {
    add(V4L2_CID_STATELESS_AV1_SEQUENCE, av1->sequence);
  } else if (const auto* mpeg2 = std::get_if<Mpeg2Parameters>(&parameters_)) {
    add(V4L2_CID_STATELESS_MPEG2_SEQUENCE, mpeg2->sequence);
  }
}

size_t coded_size(const DecodeJob& job, const RequestPart& part, bool annex_b) {
  size_t size = 0;
  for (size_t i = part.first; i < part.first + part.count; ++i) size += job.slices[i].size;
  if (is_nal_codec(job.codec())) size += kStartCode.size() * (part.count - (annex_b ? 0 : 1));
  return size;
}

void write_coded_data(const DecodeJob& job, const RequestPart& part, bool annex_b,
                      std::span<uint8_t> to) {
  const bool nals = is_nal_codec(job.codec());
  auto out = to.begin();
  for (size_t i = part.first; i < part.first + part.count; ++i) {
    if (nals && (annex_b || i != part.first)) out = std::ranges::copy(kStartCode, out).out;
    out = std::ranges::copy(job.bytes_of(job.slices[i]), out).out;
  }
}

int bit_depth_of(const DecodeJob& job) {
  if (const auto* hevc = std::get_if<HevcParameters>(&job.parameters)) {
    return hevc->sps.bit_depth_luma_minus8 + 8;
  }
  if (const auto* vp9 = std::get_if<Vp9Parameters>(&job.parameters)) {
    return vp9->frame.bit_depth == 10 ? 10 : 8;
  }
  if (const auto* av1 = std::get_if<Av1Parameters>(&job.parameters)) {
    return av1->sequence.bit_depth;
  }
  return 8;
}

}  // namespace daedalus::core
