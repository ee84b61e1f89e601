// Slice headers of H.264 (7.3.3).
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_H264_SLICE_HEADER_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_H264_SLICE_HEADER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::clients {

enum class H264SliceType : uint8_t { kP = 0, kB = 1, kI = 2, kSp = 3, kSi = 4 };

// One operation of ref_pic_list_modification() (7.3.3.1).
struct H264ListModification {
  uint32_t idc = 0;    // 0, 1: short-term, 2: long-term
  uint32_t value = 0;  // abs_diff_pic_num_minus1 or long_term_pic_num
};

// One memory_management_control_operation (7.3.3.3).
struct H264Marking {
  uint32_t operation = 0;   // 1 to 6
  uint32_t difference = 0;  // difference_of_pic_nums_minus1
  uint32_t long_term = 0;   // long_term_pic_num, long_term_frame_idx, max_long_term_frame_idx_plus1
};

// pred_weight_table() of one list (7.3.3.2) with the defaults of 7.4.3.2 filled in.
struct H264Weights {
  bool luma_present = false;
  bool chroma_present = false;
  std::array<int16_t, 32> luma_weight{};
  std::array<int16_t, 32> luma_offset{};
  std::array<std::array<int16_t, 2>, 32> chroma_weight{};
  std::array<std::array<int16_t, 2>, 32> chroma_offset{};
};

struct H264SliceHeader {
  uint32_t header_bits = 0;  // to slice_data(), NAL unit header included, emulation prevention not
  uint32_t nal_ref_idc = 0;
  bool idr = false;
  uint32_t first_mb_in_slice = 0;
  H264SliceType type = H264SliceType::kI;
  uint32_t pps_id = 0;
  uint8_t colour_plane_id = 0;
  uint32_t frame_num = 0;
  bool field_pic = false;
  bool bottom_field = false;
  uint32_t idr_pic_id = 0;
  uint32_t pic_order_cnt_lsb = 0;
  int32_t delta_pic_order_cnt_bottom = 0;
  std::array<int32_t, 2> delta_pic_order_cnt{};
  uint32_t pic_order_cnt_bits = 0;  // their size
  uint32_t redundant_pic_cnt = 0;
  bool direct_spatial_mv_pred = false;
  std::array<uint8_t, 2> reference_count{};  // num_ref_idx_lX_active; 0 for a list that is not used
  std::array<std::vector<H264ListModification>, 2> modifications;
  uint8_t luma_log2_weight_denom = 0;
  uint8_t chroma_log2_weight_denom = 0;
  std::array<H264Weights, 2> weights;
  // dec_ref_pic_marking()
  bool long_term_reference = false;
  bool adaptive_marking = false;
  std::vector<H264Marking> marking;
  uint32_t marking_bits = 0;  // its size
  uint8_t cabac_init_idc = 0;
  int8_t slice_qp_delta = 0;
  bool sp_for_switch = false;
  int8_t slice_qs_delta = 0;
  uint8_t disable_deblocking_filter_idc = 0;
  int8_t slice_alpha_c0_offset_div2 = 0;
  int8_t slice_beta_offset_div2 = 0;
  uint32_t slice_group_change_cycle = 0;

  bool uses_list(int list) const { return reference_count[list] != 0; }
};

// `nal`: the whole NAL unit, type 1 or 5. `cycle_bits`: of slice_group_change_cycle.
Result<H264SliceHeader> read_h264_slice_header(std::span<const uint8_t> nal,
                                               const v4l2_ctrl_h264_sps& sps,
                                               const v4l2_ctrl_h264_pps& pps, uint32_t cycle_bits);
// pic_parameter_set_id alone, which needs no parameter set.
uint32_t read_h264_slice_pps_id(std::span<const uint8_t> nal);

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_H264_SLICE_HEADER_H_
