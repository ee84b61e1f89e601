#include "decode_core/job.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "base/enum_value.h"

namespace daedalus::core {
namespace {

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Status validate_h264(const DecodeJob& job, const H264Parameters& parameters) {
  const auto& sps = parameters.sps;
  if (sps.chroma_format_idc > 1) {
    return Error{ErrorCode::kUnsupported, "H.264: chroma_format_idc " +
                                              std::to_string(sps.chroma_format_idc) +
                                              " is not 4:0:0 or 4:2:0"};
  }
  if (sps.bit_depth_luma_minus8 != 0 || sps.bit_depth_chroma_minus8 != 0) {
    return Error{ErrorCode::kUnsupported, "H.264: only 8 bits a sample are supported"};
  }
  if (sps.pic_order_cnt_type > 2) return invalid("H.264: pic_order_cnt_type above 2");
  if (sps.log2_max_frame_num_minus4 > 12 || sps.log2_max_pic_order_cnt_lsb_minus4 > 12) {
    return invalid("H.264: log2_max_frame_num or log2_max_pic_order_cnt_lsb above 16");
  }
  if (sps.max_num_ref_frames > 16) return invalid("H.264: more than 16 reference frames");
  if (parameters.pps.num_slice_groups_minus1 != 0) {
    return Error{ErrorCode::kUnsupported, "H.264: slice groups (FMO) are not supported"};
  }
  if (parameters.pps.weighted_bipred_idc > 2) return invalid("H.264: weighted_bipred_idc above 2");
  if (job.references.size() > V4L2_H264_NUM_DPB_ENTRIES) {
    return invalid("H.264: more than 16 references");
  }
  if (parameters.pps.num_ref_idx_l0_default_active_minus1 > 31 ||
      parameters.pps.num_ref_idx_l1_default_active_minus1 > 31) {
    return invalid("H.264: more than 32 active references by default");
  }
  const size_t counts = parameters.slice_reference_counts_minus1.size();
  if (!parameters.default_reference_counts_known && counts != job.slices.size()) {
    return invalid("H.264: one pair of reference counts is needed for each slice");
  }
  for (const auto& pair : parameters.slice_reference_counts_minus1) {
    if (pair[0] > 31 || pair[1] > 31) return invalid("H.264: more than 32 active references");
  }
  return {};
}

Status validate_hevc(const DecodeJob& job, const HevcParameters& parameters) {
  const v4l2_ctrl_hevc_sps& sps = parameters.sps;
  const v4l2_ctrl_hevc_pps& pps = parameters.pps;
  const v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  if (sps.chroma_format_idc > 1) {
    return Error{ErrorCode::kUnsupported, "HEVC: chroma_format_idc " +
                                              std::to_string(sps.chroma_format_idc) +
                                              " is not 4:0:0 or 4:2:0"};
  }
  if (sps.bit_depth_luma_minus8 != sps.bit_depth_chroma_minus8 ||
      (sps.bit_depth_luma_minus8 != 0 && sps.bit_depth_luma_minus8 != 2)) {
    return Error{ErrorCode::kUnsupported, "HEVC: only 8 and 10 bits a sample are supported"};
  }
  if (sps.log2_max_pic_order_cnt_lsb_minus4 > 12) {
    return invalid("HEVC: log2_max_pic_order_cnt_lsb above 16");
  }
  if (sps.log2_min_luma_coding_block_size_minus3 > 3 ||
      sps.log2_diff_max_min_luma_coding_block_size >
          3 - sps.log2_min_luma_coding_block_size_minus3) {
    return invalid("HEVC: coding tree blocks above 64x64");
  }
  if (pps.num_tile_columns_minus1 >= std::size(pps.column_width_minus1) ||
      pps.num_tile_rows_minus1 >= std::size(pps.row_height_minus1)) {
    return invalid("HEVC: more than 20x22 tiles");
  }
  if (pps.num_extra_slice_header_bits > 7) return invalid("HEVC: more than 7 extra header bits");
  for (const uint8_t count : {decode.num_active_dpb_entries, decode.num_poc_st_curr_before,
                              decode.num_poc_st_curr_after, decode.num_poc_lt_curr}) {
    if (count > V4L2_HEVC_DPB_ENTRIES_NUM_MAX) return invalid("HEVC: more than 16 references");
  }
  if (job.references.size() > V4L2_HEVC_DPB_ENTRIES_NUM_MAX) {
    return invalid("HEVC: more than 16 references");
  }
  if (parameters.slices.size() != job.slices.size()) {
    return invalid("HEVC: the parameters of each slice are needed");
  }
  return {};
}

Status validate_av1_tiles(const DecodeJob& job, const Av1Parameters& parameters) {
  const v4l2_av1_tile_info& info = parameters.frame.tile_info;
  if (info.tile_cols == 0 || info.tile_cols > V4L2_AV1_MAX_TILE_COLS || info.tile_rows == 0 ||
      info.tile_rows > V4L2_AV1_MAX_TILE_ROWS) {
    return invalid("AV1: the tiles are not 1x1 to 64x64");
  }
  if (parameters.tiles.size() != job.slices.size()) {
    return invalid("AV1: the place of each tile is needed");
  }
  std::vector<bool> present(size_t{info.tile_cols} * info.tile_rows);
  if (parameters.tiles.size() != present.size()) {
    return invalid("AV1: " + std::to_string(parameters.tiles.size()) + " of " +
                   std::to_string(present.size()) + " tiles are there");
  }
  for (const v4l2_ctrl_av1_tile_group_entry& tile : parameters.tiles) {
    if (tile.tile_col >= info.tile_cols || tile.tile_row >= info.tile_rows) {
      return invalid("AV1: a tile is outside the frame");
    }
    const size_t place = size_t{tile.tile_row} * info.tile_cols + tile.tile_col;
    if (present[place]) return invalid("AV1: a tile comes twice");
    present[place] = true;
  }
  return {};
}

// Whether a client's enumeration has one of its `count` values, looked at as the number it is.
template <typename Enumeration>
bool is_one_of(const Enumeration& value, uint32_t count) {
  return static_cast<uint32_t>(plain(value)) < count;
}

Status validate_av1_enumerations(const v4l2_ctrl_av1_frame& frame) {
  if (!is_one_of(frame.frame_type, 4)) return invalid("AV1: frame_type above 3");
  if (!is_one_of(frame.interpolation_filter, 5)) {
    return invalid("AV1: interpolation_filter above 4");
  }
  if (!is_one_of(frame.tx_mode, 3)) return invalid("AV1: tx_mode above 2");
  for (const auto& type : frame.loop_restoration.frame_restoration_type) {
    if (!is_one_of(type, 4)) return invalid("AV1: a restoration type above 3");
  }
  for (const auto& type : frame.global_motion.type) {
    if (!is_one_of(type, 4)) return invalid("AV1: a type of global motion above 3");
  }
  return {};
}

// Points of a scaling function (5.9.30): not too many, and ascending.
bool valid_points(const uint8_t* values, size_t count, size_t most) {
  return count <= most &&
         std::adjacent_find(values, values + count, std::greater_equal<>()) == values + count;
}

Status validate_av1_film_grain(const v4l2_ctrl_av1_film_grain& grain) {
  if ((grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN) == 0) return {};
  if (!valid_points(grain.point_y_value, grain.num_y_points, 14) ||
      !valid_points(grain.point_cb_value, grain.num_cb_points, 10) ||
      !valid_points(grain.point_cr_value, grain.num_cr_points, 10)) {
    return invalid("AV1: the film grain's points are too many or do not ascend");
  }
  if (grain.grain_scaling_minus_8 > 3 || grain.ar_coeff_lag > 3 ||
      grain.ar_coeff_shift_minus_6 > 3 || grain.grain_scale_shift > 3 || grain.cb_offset > 511 ||
      grain.cr_offset > 511) {
    return invalid("AV1: the film grain's parameters are out of range");
  }
  return {};
}

Status validate_av1(const DecodeJob& job, const Av1Parameters& parameters) {
  const v4l2_ctrl_av1_sequence& sequence = parameters.sequence;
  const v4l2_ctrl_av1_frame& frame = parameters.frame;
  if (sequence.seq_profile != 0 || (sequence.bit_depth != 8 && sequence.bit_depth != 10)) {
    return Error{ErrorCode::kUnsupported, "AV1: only profile Main, 8 and 10 bits, is supported"};
  }
  if (sequence.order_hint_bits > 8) return invalid("AV1: order hints of more than 8 bits");
  if (job.references.size() > V4L2_AV1_TOTAL_REFS_PER_FRAME) {
    return invalid("AV1: more than 8 references");
  }
  if (job.refresh_frame_flags.value_or(0) > 0xff) return invalid("AV1: more than 8 slots");
  if (frame.primary_ref_frame > V4L2_AV1_REFS_PER_FRAME) {
    return invalid("AV1: primary_ref_frame above 7");
  }
  for (const int8_t index : frame.ref_frame_idx) {
    if (index < 0 || index >= V4L2_AV1_TOTAL_REFS_PER_FRAME) {
      return invalid("AV1: ref_frame_idx is outside 0 to 7");
    }
  }
  if (job.display == job.target) return invalid("AV1: the displayed picture is the target");
  if (Status status = validate_av1_enumerations(frame); !status) return status;
  if (Status status = validate_av1_film_grain(parameters.film_grain); !status) return status;
  return validate_av1_tiles(job, parameters);
}

bool begins(const H264Parameters& parameters) {
  const v4l2_ctrl_h264_decode_params& decode = parameters.decode;
  return (decode.flags & V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC) != 0 ||
         std::ranges::none_of(decode.dpb, [](const v4l2_h264_dpb_entry& entry) {
           return (entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) != 0;
         });
}
bool begins(const HevcParameters& parameters) {
  return (parameters.decode.flags & V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC) != 0 ||
         parameters.decode.num_active_dpb_entries == 0;
}
bool begins(const Vp9Parameters& parameters) {
  return (parameters.frame.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME) != 0;
}
bool begins(const Vp8Parameters& parameters) {
  return V4L2_VP8_FRAME_IS_KEY_FRAME(&parameters.frame);
}
bool begins(const Mpeg2Parameters& parameters) {
  return parameters.picture.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_I;
}
bool begins(const Av1Parameters& parameters) {
  return plain(parameters.frame.frame_type) == V4L2_AV1_KEY_FRAME;
}

}  // namespace

uint32_t DecodeJob::coded_width() const {
  if (const auto* av1 = std::get_if<Av1Parameters>(&parameters)) return av1->frame.upscaled_width;
  if (const auto* hevc = std::get_if<HevcParameters>(&parameters)) {
    return hevc->sps.pic_width_in_luma_samples;
  }
  if (const auto* h264 = std::get_if<H264Parameters>(&parameters)) {
    return (h264->sps.pic_width_in_mbs_minus1 + 1u) * 16;
  }
  if (const auto* vp9 = std::get_if<Vp9Parameters>(&parameters)) {
    return vp9->frame.frame_width_minus_1 + 1u;
  }
  if (const auto* vp8 = std::get_if<Vp8Parameters>(&parameters)) return vp8->frame.width;
  return std::get<Mpeg2Parameters>(parameters).sequence.horizontal_size;
}

uint32_t DecodeJob::coded_height() const {
  if (const auto* av1 = std::get_if<Av1Parameters>(&parameters)) {
    // No sum that wraps: validate() has the last word.
    return av1->frame.frame_height_minus_1 > kMaxDimension ? 0
                                                           : av1->frame.frame_height_minus_1 + 1;
  }
  if (const auto* hevc = std::get_if<HevcParameters>(&parameters)) {
    return hevc->sps.pic_height_in_luma_samples;
  }
  if (const auto* h264 = std::get_if<H264Parameters>(&parameters)) {
    const bool frame_mbs_only = h264->sps.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY;
    return (h264->sps.pic_height_in_map_units_minus1 + 1u) * (frame_mbs_only ? 16 : 32);
  }
  if (const auto* vp9 = std::get_if<Vp9Parameters>(&parameters)) {
    return vp9->frame.frame_height_minus_1 + 1u;
  }
  if (const auto* vp8 = std::get_if<Vp8Parameters>(&parameters)) return vp8->frame.height;
  return std::get<Mpeg2Parameters>(parameters).sequence.vertical_size;
}

const Picture& shown_picture(const DecodeJob& job) {
  return job.display != nullptr ? *job.display : *job.target;
}

bool begins_chain(const DecodeJob& job) {
  if (job.field == FieldRole::kSecondField) return false;
  return std::visit([](const auto& parameters) { return begins(parameters); }, job.parameters);
}

Status validate(const DecodeJob& job) {
  if (job.target == nullptr) return invalid("the job has no target picture");
  if (job.display != nullptr && job.codec() != Codec::kAv1) {
    return invalid("only AV1 has a displayed picture beside the target");
  }
  if (job.slices.empty()) return invalid("the picture has no slice data");
  if (job.slices.size() > kMaxSlices || job.bitstream.size() > kMaxCodedBytes) {
    return invalid("a picture of " + std::to_string(job.slices.size()) + " slices and " +
                   std::to_string(job.bitstream.size()) + " bytes is too large");
  }
  size_t bytes = 0;
  for (const ByteRange& range : job.slices) {
    if (range.size == 0 || range.offset > job.bitstream.size() ||
        range.size > job.bitstream.size() - range.offset) {
      return invalid("slice data at byte " + std::to_string(range.offset) + ", " +
                     std::to_string(range.size) + " bytes, is not inside the bitstream of " +
                     std::to_string(job.bitstream.size()));
    }
    bytes += range.size;
  }
  if (bytes > job.bitstream.size()) return invalid("the slices' data overlap");
  const uint32_t width = job.coded_width();
  const uint32_t height = job.coded_height();
  if (width == 0 || height == 0 || width > kMaxDimension || height > kMaxDimension) {
    return Error{ErrorCode::kUnsupported, "a picture of " + std::to_string(width) + "x" +
                                              std::to_string(height) +
                                              " is outside 1x1 to 8192x8192"};
  }
  if (const auto* h264 = std::get_if<H264Parameters>(&job.parameters)) {
    return validate_h264(job, *h264);
  }
  if (const auto* hevc = std::get_if<HevcParameters>(&job.parameters)) {
    return validate_hevc(job, *hevc);
  }
  if (const auto* av1 = std::get_if<Av1Parameters>(&job.parameters)) return validate_av1(job, *av1);
  if (job.codec() != Codec::kMpeg2 && job.slices.size() != 1) {
    return invalid("a VP8 or VP9 frame is one range of bytes");
  }
  if (job.references.size() > (job.codec() == Codec::kMpeg2 ? 2u : 3u)) {
    return invalid("too many references");
  }
  return {};
}

}  // namespace daedalus::core
