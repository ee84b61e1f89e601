// Which parsed parameters are refused, as std_validate_compound does.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <iterator>

#include "cuse_device/v4l2/stateless_controls.h"

namespace daedalus::v4l2 {
namespace {

template <typename T>
bool within(T value, int low, int high) {
  return value >= low && value <= high;
}

template <typename T>
void clear(T& reserved) {
  std::memset(&reserved, 0, sizeof reserved);
}

constexpr int kLastReference = V4L2_H264_REF_LIST_LEN - 1;

bool valid(v4l2_vp9_loop_filter& filter) {
  constexpr int kFlags =
      V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED | V4L2_VP9_LOOP_FILTER_FLAG_DELTA_UPDATE;
  const auto delta = [](int value) { return within(value, -63, 63); };
  clear(filter.reserved);
  return (filter.flags & ~kFlags) == 0 && filter.level <= 63 && filter.sharpness <= 7 &&
         std::all_of(std::begin(filter.ref_deltas), std::end(filter.ref_deltas), delta) &&
         std::all_of(std::begin(filter.mode_deltas), std::end(filter.mode_deltas), delta);
}

bool valid(v4l2_vp9_quantization& quantization) {
  clear(quantization.reserved);
  return within(quantization.delta_q_y_dc, -15, 15) &&
         within(quantization.delta_q_uv_dc, -15, 15) && within(quantization.delta_q_uv_ac, -15, 15);
}

bool valid(v4l2_vp9_segmentation& segmentation) {
  constexpr int kFlags =
      V4L2_VP9_SEGMENTATION_FLAG_ENABLED | V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP |
      V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE | V4L2_VP9_SEGMENTATION_FLAG_UPDATE_DATA |
      V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE;
  constexpr std::array<int, V4L2_VP9_SEG_LVL_MAX> kRange = {255, 63, 3, 0};
  clear(segmentation.reserved);
  if ((segmentation.flags & ~kFlags) != 0) return false;
  for (const uint8_t enabled : segmentation.feature_enabled) {
    if (enabled & ~V4L2_VP9_SEGMENT_FEATURE_ENABLED_MASK) return false;
  }
  for (const auto& segment : segmentation.feature_data) {
    for (size_t i = 0; i < kRange.size(); ++i) {
      if (!within(segment[i], -kRange[i], kRange[i])) return false;
    }
  }
  return true;
}

bool valid_vp9_format(const v4l2_ctrl_vp9_frame& frame) {
  constexpr uint32_t k420 = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
  if ((frame.flags & k420) != k420) return false;
  return (frame.profile == 0 && frame.bit_depth == 8) ||
         (frame.profile == 2 && frame.bit_depth == 10);
}

// 2 to the power of `bits` less 1.
constexpr uint32_t ones(unsigned bits) { return (1u << bits) - 1; }

bool valid(const v4l2_av1_quantization& q) {
  const auto deltas = {q.delta_q_y_dc, q.delta_q_u_dc, q.delta_q_u_ac, q.delta_q_v_dc,
                       q.delta_q_v_ac};
  return q.flags <= ones(3) && q.delta_q_res <= 3 && q.qm_y <= 15 && q.qm_u <= 15 && q.qm_v <= 15 &&
         std::all_of(deltas.begin(), deltas.end(),
                     [](int delta) { return within(delta, -64, 63); });
}

// Segmentation_Feature_Signed and _Max (AV1 5.9.14).
bool valid(const v4l2_av1_segmentation& segmentation) {
  constexpr std::array<int, V4L2_AV1_SEG_LVL_MAX> kMost = {255, 63, 63, 63, 63, 7, 0, 0};
  constexpr size_t kSigned = 5;
  if (segmentation.flags > ones(5)) return false;
  for (const auto& segment : segmentation.feature_data) {
    for (size_t i = 0; i < kMost.size(); ++i) {
      if (!within(segment[i], i < kSigned ? -kMost[i] : 0, kMost[i])) return false;
    }
  }
  return true;
}

bool valid(const v4l2_av1_loop_filter& filter) {
  const auto delta = [](int value) { return within(value, -64, 63); };
  return filter.flags <= ones(4) && filter.sharpness <= 7 &&
         std::all_of(std::begin(filter.level), std::end(filter.level),
                     [](uint8_t level) { return level <= 63; }) &&
         std::all_of(std::begin(filter.ref_deltas), std::end(filter.ref_deltas), delta) &&
         std::all_of(std::begin(filter.mode_deltas), std::end(filter.mode_deltas), delta);
}

bool valid(const v4l2_av1_cdef& cdef) {
  if (cdef.damping_minus_3 > 3 || cdef.bits > 3) return false;
  for (size_t i = 0; i < size_t{1} << cdef.bits; ++i) {
    if (cdef.y_pri_strength[i] > 15 || cdef.y_sec_strength[i] > 4 || cdef.uv_pri_strength[i] > 15 ||
        cdef.uv_sec_strength[i] > 4) {
      return false;
    }
  }
  return true;
}

// Points of a scaling function ascend (AV1 5.9.30).
bool ascending(const uint8_t* points, uint8_t count) {
  return std::adjacent_find(points, points + count, std::greater_equal<>()) == points + count;
}

}  // namespace

int validate_control(v4l2_ctrl_h264_sps& sps) {
  if (sps.pic_order_cnt_type != 0) {
    sps.log2_max_pic_order_cnt_lsb_minus4 = 0;
  } else {
    sps.num_ref_frames_in_pic_order_cnt_cycle = 0;
    sps.offset_for_non_ref_pic = 0;
    sps.offset_for_top_to_bottom_field = 0;
    clear(sps.offset_for_ref_frame);
  }
  if (!V4L2_H264_SPS_HAS_CHROMA_FORMAT(&sps)) {
    sps.chroma_format_idc = 1;
    sps.bit_depth_luma_minus8 = 0;
    sps.bit_depth_chroma_minus8 = 0;
    sps.flags &= ~V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS;
  }
  if (sps.chroma_format_idc < 3) sps.flags &= ~V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE;
  if (sps.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) {
    sps.flags &= ~V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD;
  }
  const bool decodable = sps.chroma_format_idc <= 1 && sps.bit_depth_luma_minus8 == 0 &&
                         sps.bit_depth_chroma_minus8 == 0;
  const bool standard = sps.log2_max_frame_num_minus4 <= 12 && sps.pic_order_cnt_type <= 2 &&
                        sps.log2_max_pic_order_cnt_lsb_minus4 <= 12 &&
                        sps.max_num_ref_frames <= kLastReference + 1;
  return decodable && standard ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_h264_pps& pps) {
  // 62: 26 and the six a bit of the deepest samples.
  const bool good = pps.num_slice_groups_minus1 <= 7 &&
                    pps.num_ref_idx_l0_default_active_minus1 <= kLastReference &&
                    pps.num_ref_idx_l1_default_active_minus1 <= kLastReference &&
                    pps.weighted_bipred_idc <= 2 && within(pps.pic_init_qp_minus26, -62, 25) &&
                    within(pps.pic_init_qs_minus26, -26, 25) &&
                    within(pps.chroma_qp_index_offset, -12, 12) &&
                    within(pps.second_chroma_qp_index_offset, -12, 12);
  return good ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_h264_pred_weights& weights) {
  return weights.luma_log2_weight_denom <= 7 && weights.chroma_log2_weight_denom <= 7 ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_h264_slice_params& slice) {
  const bool b = slice.slice_type == V4L2_H264_SLICE_TYPE_B;
  const bool intra =
      slice.slice_type == V4L2_H264_SLICE_TYPE_I || slice.slice_type == V4L2_H264_SLICE_TYPE_SI;
  if (!b) slice.flags &= ~V4L2_H264_SLICE_FLAG_DIRECT_SPATIAL_MV_PRED;
  if (intra) slice.num_ref_idx_l0_active_minus1 = 0;
  if (!b) slice.num_ref_idx_l1_active_minus1 = 0;
  slice.reserved = 0;
  const bool good = slice.colour_plane_id <= 2 && slice.cabac_init_idc <= 2 &&
                    slice.disable_deblocking_filter_idc <= 2 &&
                    within(slice.slice_alpha_c0_offset_div2, -6, 6) &&
                    within(slice.slice_beta_offset_div2, -6, 6) &&
                    slice.num_ref_idx_l0_active_minus1 <= kLastReference &&
                    slice.num_ref_idx_l1_active_minus1 <= kLastReference;
  return good ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_h264_decode_params& decode) {
  if (decode.nal_ref_idc > 3) return EINVAL;
  for (v4l2_h264_dpb_entry& entry : decode.dpb) clear(entry.reserved);
  clear(decode.reserved);
  return 0;
}

int validate_control(v4l2_ctrl_vp8_frame& frame) {
  const uint8_t parts = frame.num_dct_parts;
  if (parts != 1 && parts != 2 && parts != 4 && parts != 8) return EINVAL;
  clear(frame.segment.padding);
  clear(frame.lf.padding);
  clear(frame.quant.padding);
  clear(frame.entropy.padding);
  clear(frame.coder_state.padding);
  return 0;
}

int validate_control(v4l2_ctrl_vp9_frame& frame) {
  constexpr uint32_t kFlags =
      V4L2_VP9_FRAME_FLAG_KEY_FRAME | V4L2_VP9_FRAME_FLAG_SHOW_FRAME |
      V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT | V4L2_VP9_FRAME_FLAG_INTRA_ONLY |
      V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV | V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX |
      V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE | V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING |
      V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING;
  constexpr uint32_t kContradiction =
      V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT | V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX;
  if ((frame.flags & ~kFlags) != 0 || (frame.flags & kContradiction) == kContradiction) {
    return EINVAL;
  }
  const bool good = frame.reset_frame_context <= V4L2_VP9_RESET_FRAME_CTX_ALL &&
                    frame.frame_context_idx < V4L2_VP9_NUM_FRAME_CTX && valid_vp9_format(frame) &&
                    frame.interpolation_filter <= V4L2_VP9_INTERP_FILTER_SWITCHABLE &&
                    frame.tile_cols_log2 <= 6 &&
                    frame.reference_mode <= V4L2_VP9_REFERENCE_MODE_SELECT && valid(frame.lf) &&
                    valid(frame.quant) && valid(frame.seg);
  clear(frame.reserved);
  return good ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_vp9_compressed_hdr& header) {
  return header.tx_mode <= V4L2_VP9_TX_MODE_SELECT ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_mpeg2_sequence& sequence) {
  return within(sequence.chroma_format, 1, 3) ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_mpeg2_picture& picture) {
  clear(picture.reserved);
  const bool good =
      picture.intra_dc_precision <= 3 &&
      within(picture.picture_structure, V4L2_MPEG2_PIC_TOP_FIELD, V4L2_MPEG2_PIC_FRAME) &&
      within(picture.picture_coding_type, V4L2_MPEG2_PIC_CODING_TYPE_I,
             V4L2_MPEG2_PIC_CODING_TYPE_B);
  return good ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_hevc_sps& sps) {
  if (!(sps.flags & V4L2_HEVC_SPS_FLAG_PCM_ENABLED)) {
    sps.pcm_sample_bit_depth_luma_minus1 = 0;
    sps.pcm_sample_bit_depth_chroma_minus1 = 0;
    sps.log2_min_pcm_luma_coding_block_size_minus3 = 0;
    sps.log2_diff_max_min_pcm_luma_coding_block_size = 0;
  }
  if (!(sps.flags & V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT)) {
    sps.num_long_term_ref_pics_sps = 0;
  }
  clear(sps.reserved);
  const bool decodable = sps.chroma_format_idc <= 1 &&
                         sps.bit_depth_luma_minus8 == sps.bit_depth_chroma_minus8 &&
                         (sps.bit_depth_luma_minus8 == 0 || sps.bit_depth_luma_minus8 == 2);
  // Coding tree blocks are at most 64x64, transform blocks 32x32 (7.4.3.2.1).
  const bool standard =
      sps.log2_max_pic_order_cnt_lsb_minus4 <= 12 &&
      sps.sps_max_dec_pic_buffering_minus1 < V4L2_HEVC_DPB_ENTRIES_NUM_MAX &&
      sps.log2_min_luma_coding_block_size_minus3 + sps.log2_diff_max_min_luma_coding_block_size <=
          3 &&
      sps.log2_min_luma_transform_block_size_minus2 +
              sps.log2_diff_max_min_luma_transform_block_size <=
          3 &&
      sps.num_short_term_ref_pic_sets <= 64 && sps.num_long_term_ref_pics_sps <= 32;
  return decodable && standard ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_hevc_pps& pps) {
  if (!(pps.flags & V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED)) pps.diff_cu_qp_delta_depth = 0;
  if (!(pps.flags & V4L2_HEVC_PPS_FLAG_TILES_ENABLED)) {
    pps.num_tile_columns_minus1 = 0;
    pps.num_tile_rows_minus1 = 0;
    clear(pps.column_width_minus1);
    clear(pps.row_height_minus1);
    pps.flags &= ~V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED;
  }
  if (pps.flags & V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER) {
    pps.pps_beta_offset_div2 = 0;
    pps.pps_tc_offset_div2 = 0;
  }
  pps.reserved = 0;
  // 38: 26 and the six a bit of 10-bit samples.
  const bool good =
      pps.num_extra_slice_header_bits <= 7 && pps.num_ref_idx_l0_default_active_minus1 <= 14 &&
      pps.num_ref_idx_l1_default_active_minus1 <= 14 && within(pps.init_qp_minus26, -38, 25) &&
      pps.diff_cu_qp_delta_depth <= 3 && within(pps.pps_cb_qp_offset, -12, 12) &&
      within(pps.pps_cr_qp_offset, -12, 12) &&
      pps.num_tile_columns_minus1 < std::size(pps.column_width_minus1) &&
      pps.num_tile_rows_minus1 < std::size(pps.row_height_minus1) &&
      within(pps.pps_beta_offset_div2, -6, 6) && within(pps.pps_tc_offset_div2, -6, 6) &&
      pps.log2_parallel_merge_level_minus2 <= 4;
  return good ? 0 : EINVAL;
}

// The kernel's drivers take the rest as it is: many clients leave fields of theirs unfilled.
int validate_control(v4l2_ctrl_hevc_slice_params& slice) {
  clear(slice.reserved0);
  clear(slice.reserved1);
  const bool good = slice.slice_type <= V4L2_HEVC_SLICE_TYPE_I && slice.colour_plane_id <= 2 &&
                    slice.num_ref_idx_l0_active_minus1 < V4L2_HEVC_DPB_ENTRIES_NUM_MAX &&
                    slice.num_ref_idx_l1_active_minus1 < V4L2_HEVC_DPB_ENTRIES_NUM_MAX;
  return good ? 0 : EINVAL;
}

// An index that leads to no entry of the buffer stands for a picture that is missing.
int validate_control(v4l2_ctrl_hevc_decode_params& decode) {
  for (v4l2_hevc_dpb_entry& entry : decode.dpb) entry.reserved = 0;
  clear(decode.reserved);
  for (const uint8_t count : {decode.num_active_dpb_entries, decode.num_poc_st_curr_before,
                              decode.num_poc_st_curr_after, decode.num_poc_lt_curr}) {
    if (count > V4L2_HEVC_DPB_ENTRIES_NUM_MAX) return EINVAL;
  }
  return 0;
}

int validate_control(v4l2_ctrl_av1_sequence& sequence) {
  const bool decodable =
      sequence.seq_profile == 0 && (sequence.bit_depth == 8 || sequence.bit_depth == 10);
  clear(sequence.reserved);
  return decodable && sequence.flags <= ones(20) ? 0 : EINVAL;
}

// Enumerations, tiles and indices, which the kernel lets pass, the core checks.
int validate_control(v4l2_ctrl_av1_frame& frame) {
  constexpr uint8_t kMostDenominator = 16;
  const bool good = valid(frame.quantization) && valid(frame.segmentation) &&
                    valid(frame.loop_filter) && valid(frame.cdef) &&
                    frame.loop_restoration.lr_unit_shift <= 3 &&
                    frame.loop_restoration.lr_uv_shift <= 1 && frame.flags <= ones(20) &&
                    frame.superres_denom <= kMostDenominator;
  clear(frame.tile_info.reserved);
  clear(frame.loop_restoration.reserved);
  clear(frame.global_motion.reserved);
  clear(frame.reserved);
  return good ? 0 : EINVAL;
}

int validate_control(v4l2_ctrl_av1_film_grain& grain) {
  const bool good =
      grain.flags <= ones(5) && grain.film_grain_params_ref_idx <= 7 && grain.num_y_points <= 14 &&
      grain.num_cb_points <= 10 && grain.num_cr_points <= 10 && grain.grain_scaling_minus_8 <= 3 &&
      grain.ar_coeff_lag <= 3 && grain.ar_coeff_shift_minus_6 <= 3 && grain.grain_scale_shift <= 3;
  clear(grain.reserved);
  if (!good) return EINVAL;
  if ((grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN) == 0) return 0;
  return ascending(grain.point_y_value, grain.num_y_points) &&
                 ascending(grain.point_cb_value, grain.num_cb_points) &&
                 ascending(grain.point_cr_value, grain.num_cr_points)
             ? 0
             : EINVAL;
}

}  // namespace daedalus::v4l2
