#include "decode_core/software/libavcodec/rewrite/h264_parameter_sets.h"

#include <algorithm>
#include <array>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::core::rewrite {
namespace {

constexpr uint8_t kSpsNal = 0x67;  // nal_ref_idc 3, nal_unit_type 7
constexpr uint8_t kPpsNal = 0x68;  // nal_ref_idc 3, nal_unit_type 8
constexpr uint32_t kProfileHigh = 100;
// Where the interface carries no level: 5.1 has room for 16 frames of any size that we take.
constexpr uint8_t kDefaultLevel = 51;

// Zig-zag scans of frame macroblocks (H.264 table 8-2 and figure 8-8), raster positions.
constexpr std::array<uint8_t, 16> kZigzag4x4 = {0, 1,  4,  8,  5, 2,  3,  6,
                                                9, 12, 13, 10, 7, 11, 14, 15};
constexpr std::array<uint8_t, 64> make_zigzag_8x8() {
  std::array<uint8_t, 64> scan{};
  size_t next = 0;
  for (int diagonal = 0; diagonal < 15; ++diagonal) {
    const int low = std::max(0, diagonal - 7);
    const int high = std::min(diagonal, 7);
    for (int i = low; i <= high; ++i) {
      // Even diagonals run upwards, odd ones downwards.
      const int y = diagonal % 2 == 0 ? high - (i - low) : i;
      scan[next++] = static_cast<uint8_t>(y * 8 + (diagonal - y));
    }
  }
  return scan;
}
constexpr std::array<uint8_t, 64> kZigzag8x8 = make_zigzag_8x8();

// scaling_list() (7.3.2.1.1.1). Values are 1 to 255; a 0 from a careless client becomes flat 16.
template <size_t N>
void write_scaling_list(BitWriter& bits, const uint8_t* raster,
                        const std::array<uint8_t, N>& scan) {
  bits.flag(true);
  int last = 8;
  for (const uint8_t position : scan) {
    const int value = raster[position] != 0 ? raster[position] : 16;
    const int delta = value - last;
    bits.se(delta > 127 ? delta - 256 : delta < -128 ? delta + 256 : delta);
    last = value;
  }
}

}  // namespace

void append_sps(const v4l2_ctrl_h264_sps& sps, std::vector<uint8_t>& out) {
  const auto has = [&](uint32_t flag) { return (sps.flags & flag) != 0; };
  BitWriter bits;
  bits.u(8, kProfileHigh);
  bits.u(8, 0);  // constraint_set flags
  bits.u(8, sps.level_idc != 0 ? sps.level_idc : kDefaultLevel);
  bits.ue(sps.seq_parameter_set_id & 31u);
  bits.ue(sps.chroma_format_idc);
  bits.ue(sps.bit_depth_luma_minus8);
  bits.ue(sps.bit_depth_chroma_minus8);
  bits.flag(has(V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS));
  bits.flag(false);  // seq_scaling_matrix_present_flag: the PPS has all lists
  bits.ue(sps.log2_max_frame_num_minus4);
  bits.ue(sps.pic_order_cnt_type);
  if (sps.pic_order_cnt_type == 0) {
    bits.ue(sps.log2_max_pic_order_cnt_lsb_minus4);
  } else if (sps.pic_order_cnt_type == 1) {
    bits.flag(has(V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO));
    // The least int32 has no code; nobody means it.
    const auto code = [&](int32_t offset) { bits.se(std::max(offset, -0x7fffffff)); };
    code(sps.offset_for_non_ref_pic);
    code(sps.offset_for_top_to_bottom_field);
    bits.ue(sps.num_ref_frames_in_pic_order_cnt_cycle);
    for (int i = 0; i < sps.num_ref_frames_in_pic_order_cnt_cycle; ++i) {
      code(sps.offset_for_ref_frame[i]);
    }
  }
  bits.ue(sps.max_num_ref_frames);
  bits.flag(has(V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED));
  bits.ue(sps.pic_width_in_mbs_minus1);
  bits.ue(sps.pic_height_in_map_units_minus1);
  const bool frame_mbs_only = has(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY);
  bits.flag(frame_mbs_only);
  if (!frame_mbs_only) bits.flag(has(V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD));
  // 7.4.2.1.1: without frame_mbs_only_flag it has to be 1.
  bits.flag(!frame_mbs_only || has(V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE));
  bits.flag(false);  // frame_cropping_flag
  bits.flag(false);  // vui_parameters_present_flag
  bits.trailing_bits();
  append_nal(kSpsNal, bits.bytes(), out);
}

void append_pps(const v4l2_ctrl_h264_pps& pps, uint8_t pps_id,
                const v4l2_ctrl_h264_scaling_matrix* scaling, std::vector<uint8_t>& out) {
  const auto has = [&](uint32_t flag) { return (pps.flags & flag) != 0; };
  BitWriter bits;
  bits.ue(pps_id);
  bits.ue(pps.seq_parameter_set_id & 31u);
  bits.flag(has(V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE));
  bits.flag(has(V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT));
  bits.ue(0);  // num_slice_groups_minus1
  bits.ue(pps.num_ref_idx_l0_default_active_minus1);
  bits.ue(pps.num_ref_idx_l1_default_active_minus1);
  bits.flag(has(V4L2_H264_PPS_FLAG_WEIGHTED_PRED));
  bits.u(2, pps.weighted_bipred_idc);
  bits.se(pps.pic_init_qp_minus26);
  bits.se(pps.pic_init_qs_minus26);
  bits.se(pps.chroma_qp_index_offset);
  bits.flag(has(V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT));
  bits.flag(has(V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED));
  bits.flag(has(V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT));
  const bool transform_8x8 = has(V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
  bits.flag(transform_8x8);
  bits.flag(scaling != nullptr);
  if (scaling != nullptr) {
    for (const auto& list : scaling->scaling_list_4x4) write_scaling_list(bits, list, kZigzag4x4);
    // 4:2:0 transmits Intra Y and Inter Y only.
    for (int i = 0; transform_8x8 && i < 2; ++i) {
      write_scaling_list(bits, scaling->scaling_list_8x8[i], kZigzag8x8);
    }
  }
  bits.se(pps.second_chroma_qp_index_offset);
  bits.trailing_bits();
  append_nal(kPpsNal, bits.bytes(), out);
}

}  // namespace daedalus::core::rewrite
