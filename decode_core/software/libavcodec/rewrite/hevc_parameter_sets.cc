#include "decode_core/software/libavcodec/rewrite/hevc_parameter_sets.h"

#include <algorithm>
#include <array>
#include <span>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::core::rewrite {
namespace {

constexpr uint8_t kVps = 32;
constexpr uint8_t kSps = 33;
constexpr uint8_t kPps = 34;
constexpr uint8_t kProfileMain = 1;
constexpr uint8_t kProfileMain10 = 2;
constexpr uint8_t kLevel62 = 186;  // holds every picture that we take
constexpr uint32_t kMostPictures = 16;

// nal_unit_header() of layer 0 and temporal id 0, then the payload.
void append_unit(uint8_t type, BitWriter& bits, std::vector<uint8_t>& out) {
  bits.trailing_bits();
  std::vector<uint8_t> rest = {1};
  rest.insert(rest.end(), bits.bytes().begin(), bits.bytes().end());
  append_nal(static_cast<uint8_t>(type << 1), rest, out);
}

// profile_tier_level(1, 0) (7.3.3).
void write_profile_tier_level(const v4l2_ctrl_hevc_sps& sps, BitWriter& bits) {
  const uint8_t profile = sps.bit_depth_luma_minus8 > 0 ? kProfileMain10 : kProfileMain;
  bits.u(2, 0);
  bits.flag(false);  // general_tier_flag
  bits.u(5, profile);
  for (uint32_t i = 0; i < 32; ++i) bits.flag(i == profile || (profile == 1 && i == 2));
  bits.flag(true);   // general_progressive_source_flag
  bits.flag(false);  // general_interlaced_source_flag
  bits.flag(false);  // general_non_packed_constraint_flag
  bits.flag(true);   // general_frame_only_constraint_flag
  bits.u(32, 0);
  bits.u(12, 0);
  bits.u(8, kLevel62);
}

void write_sub_layer_ordering(BitWriter& bits) {
  bits.flag(true);
  bits.ue(kMostPictures - 1);  // max_dec_pic_buffering_minus1
  bits.ue(0);                  // max_num_reorder_pics
  bits.ue(0);                  // max_latency_increase_plus1
}

void append_vps(const v4l2_ctrl_hevc_sps& sps, std::vector<uint8_t>& out) {
  BitWriter bits;
  bits.u(4, sps.video_parameter_set_id & 15u);
  bits.u(2, 3);     // base layer internal and available
  bits.u(6, 0);     // vps_max_layers_minus1
  bits.u(3, 0);     // vps_max_sub_layers_minus1
  bits.flag(true);  // vps_temporal_id_nesting_flag
  bits.u(16, 0xffff);
  write_profile_tier_level(sps, bits);
  write_sub_layer_ordering(bits);
  bits.u(6, 0);      // vps_max_layer_id
  bits.ue(0);        // vps_num_layer_sets_minus1
  bits.flag(false);  // vps_timing_info_present_flag
  bits.flag(false);  // vps_extension_flag
  append_unit(kVps, bits, out);
}

// Raster positions of the up-right diagonal scan (6.5.3) of a block of `size` by `size`.
template <size_t Size>
constexpr std::array<uint8_t, Size * Size> make_diagonal_scan() {
  std::array<uint8_t, Size * Size> scan{};
  size_t next = 0;
  for (size_t diagonal = 0; diagonal < 2 * Size - 1; ++diagonal) {
    for (size_t x = 0; x <= diagonal; ++x) {
      const size_t y = diagonal - x;
      if (x < Size && y < Size) scan[next++] = static_cast<uint8_t>(y * Size + x);
    }
  }
  return scan;
}
constexpr auto kScan4x4 = make_diagonal_scan<4>();
constexpr auto kScan8x8 = make_diagonal_scan<8>();

// One list of scaling_list_data() (7.3.4), coded as itself. Values are 1 to 255; a 0 from a
// careless client becomes flat 16. `dc`: negative where the size has none.
void write_scaling_list(std::span<const uint8_t> raster, std::span<const uint8_t> scan, int dc,
                        BitWriter& bits) {
  const auto value_of = [](uint8_t value) { return value != 0 ? int{value} : 16; };
  const auto write_delta = [&](int delta) {
    bits.se(delta > 127 ? delta - 256 : delta < -128 ? delta + 256 : delta);
  };
  bits.flag(true);  // scaling_list_pred_mode_flag
  int last = 8;
  if (dc >= 0) {
    last = value_of(static_cast<uint8_t>(dc));
    bits.se(last - 8);
  }
  for (const uint8_t position : scan) {
    const int value = value_of(raster[position]);
    write_delta(value - last);
    last = value;
  }
}

void write_scaling_lists(const v4l2_ctrl_hevc_scaling_matrix& matrix, BitWriter& bits) {
  for (const auto& list : matrix.scaling_list_4x4) write_scaling_list(list, kScan4x4, -1, bits);
  for (const auto& list : matrix.scaling_list_8x8) write_scaling_list(list, kScan8x8, -1, bits);
  for (int i = 0; i < 6; ++i) {
    write_scaling_list(matrix.scaling_list_16x16[i], kScan8x8, matrix.scaling_list_dc_coef_16x16[i],
                       bits);
  }
  for (int i = 0; i < 2; ++i) {
    write_scaling_list(matrix.scaling_list_32x32[i], kScan8x8, matrix.scaling_list_dc_coef_32x32[i],
                       bits);
  }
}

void write_tiles(const v4l2_ctrl_hevc_pps& pps, BitWriter& bits) {
  bits.ue(pps.num_tile_columns_minus1);
  bits.ue(pps.num_tile_rows_minus1);
  const bool uniform = (pps.flags & V4L2_HEVC_PPS_FLAG_UNIFORM_SPACING) != 0;
  bits.flag(uniform);
  if (!uniform) {
    for (int i = 0; i < pps.num_tile_columns_minus1; ++i) bits.ue(pps.column_width_minus1[i]);
    for (int i = 0; i < pps.num_tile_rows_minus1; ++i) bits.ue(pps.row_height_minus1[i]);
  }
  bits.flag((pps.flags & V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED) != 0);
}

void write_deblocking(const v4l2_ctrl_hevc_pps& pps, BitWriter& bits) {
  const bool disabled = (pps.flags & V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER) != 0;
  bits.flag((pps.flags & V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED) != 0);
  bits.flag(disabled);
  if (disabled) return;
  bits.se(pps.pps_beta_offset_div2);
  bits.se(pps.pps_tc_offset_div2);
}

}  // namespace

void append_hevc_sps(const v4l2_ctrl_hevc_sps& sps, std::vector<uint8_t>& out) {
  append_vps(sps, out);
  const auto has = [&](uint64_t flag) { return (sps.flags & flag) != 0; };
  BitWriter bits;
  bits.u(4, sps.video_parameter_set_id & 15u);
  bits.u(3, 0);     // sps_max_sub_layers_minus1
  bits.flag(true);  // sps_temporal_id_nesting_flag
  write_profile_tier_level(sps, bits);
  bits.ue(sps.seq_parameter_set_id & 15u);
  bits.ue(sps.chroma_format_idc);
  if (sps.chroma_format_idc == 3) bits.flag(has(V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE));
  bits.ue(sps.pic_width_in_luma_samples);
  bits.ue(sps.pic_height_in_luma_samples);
  bits.flag(false);  // conformance_window_flag
  bits.ue(sps.bit_depth_luma_minus8);
  bits.ue(sps.bit_depth_chroma_minus8);
  bits.ue(kHevcOrderCountBits - 4);
  write_sub_layer_ordering(bits);
  bits.ue(sps.log2_min_luma_coding_block_size_minus3);
  bits.ue(sps.log2_diff_max_min_luma_coding_block_size);
  bits.ue(sps.log2_min_luma_transform_block_size_minus2);
  bits.ue(sps.log2_diff_max_min_luma_transform_block_size);
  bits.ue(sps.max_transform_hierarchy_depth_inter);
  bits.ue(sps.max_transform_hierarchy_depth_intra);
  const bool scaling = has(V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED);
  bits.flag(scaling);
  if (scaling) bits.flag(false);  // sps_scaling_list_data_present_flag: the PPS has them
  bits.flag(has(V4L2_HEVC_SPS_FLAG_AMP_ENABLED));
  bits.flag(has(V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET));
  const bool pcm = has(V4L2_HEVC_SPS_FLAG_PCM_ENABLED);
  bits.flag(pcm);
  if (pcm) {
    bits.u(4, sps.pcm_sample_bit_depth_luma_minus1);
    bits.u(4, sps.pcm_sample_bit_depth_chroma_minus1);
    bits.ue(sps.log2_min_pcm_luma_coding_block_size_minus3);
    bits.ue(sps.log2_diff_max_min_pcm_luma_coding_block_size);
    bits.flag(has(V4L2_HEVC_SPS_FLAG_PCM_LOOP_FILTER_DISABLED));
  }
  bits.ue(0);       // num_short_term_ref_pic_sets
  bits.flag(true);  // long_term_ref_pics_present_flag
  bits.ue(0);       // num_long_term_ref_pics_sps
  bits.flag(has(V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED));
  bits.flag(has(V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED));
  bits.flag(false);  // vui_parameters_present_flag
  bits.flag(false);  // sps_extension_present_flag
  append_unit(kSps, bits, out);
}

void append_hevc_pps(const v4l2_ctrl_hevc_pps& pps, uint8_t pps_id, const v4l2_ctrl_hevc_sps& sps,
                     const v4l2_ctrl_hevc_scaling_matrix* scaling, std::vector<uint8_t>& out) {
  const auto has = [&](uint64_t flag) { return (pps.flags & flag) != 0; };
  BitWriter bits;
  bits.ue(pps_id);
  bits.ue(sps.seq_parameter_set_id & 15u);
  bits.flag(has(V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED));
  bits.flag(has(V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT));
  bits.u(3, pps.num_extra_slice_header_bits);
  bits.flag(has(V4L2_HEVC_PPS_FLAG_SIGN_DATA_HIDING_ENABLED));
  bits.flag(has(V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT));
  bits.ue(pps.num_ref_idx_l0_default_active_minus1);
  bits.ue(pps.num_ref_idx_l1_default_active_minus1);
  bits.se(pps.init_qp_minus26);
  bits.flag(has(V4L2_HEVC_PPS_FLAG_CONSTRAINED_INTRA_PRED));
  bits.flag(has(V4L2_HEVC_PPS_FLAG_TRANSFORM_SKIP_ENABLED));
  const bool qp_delta = has(V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED);
  bits.flag(qp_delta);
  if (qp_delta) bits.ue(pps.diff_cu_qp_delta_depth);
  bits.se(pps.pps_cb_qp_offset);
  bits.se(pps.pps_cr_qp_offset);
  bits.flag(has(V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT));
  bits.flag(has(V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED));
  bits.flag(has(V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED));
  bits.flag(has(V4L2_HEVC_PPS_FLAG_TRANSQUANT_BYPASS_ENABLED));
  const bool tiles = has(V4L2_HEVC_PPS_FLAG_TILES_ENABLED);
  bits.flag(tiles);
  bits.flag(has(V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED));
  if (tiles) write_tiles(pps, bits);
  bits.flag(has(V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED));
  const bool deblocking = has(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
  bits.flag(deblocking);
  if (deblocking) write_deblocking(pps, bits);
  bits.flag(scaling != nullptr);
  if (scaling != nullptr) write_scaling_lists(*scaling, bits);
  bits.flag(true);  // lists_modification_present_flag
  bits.ue(pps.log2_parallel_merge_level_minus2);
  bits.flag(has(V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT));
  bits.flag(false);  // pps_extension_present_flag
  append_unit(kPps, bits, out);
}

}  // namespace daedalus::core::rewrite
