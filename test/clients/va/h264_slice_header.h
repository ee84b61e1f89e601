// The slice header fields that VA's slice parameters carry (H.264 7.3.3).
#ifndef DAEDALUS_TEST_CLIENTS_VA_H264_SLICE_HEADER_H_
#define DAEDALUS_TEST_CLIENTS_VA_H264_SLICE_HEADER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/job.h"

namespace daedalus::va_client {

enum class H264SliceType : uint8_t { kP = 0, kB = 1, kI = 2, kSp = 3, kSi = 4 };

// One operation of ref_pic_list_modification() (7.3.3.1).
struct H264ListModification {
  uint32_t idc = 0;    // 0, 1: short-term, 2: long-term
  uint32_t value = 0;  // abs_diff_pic_num_minus1 or long_term_pic_num
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
  uint32_t first_mb_in_slice = 0;
  H264SliceType type = H264SliceType::kI;
  bool direct_spatial_mv_pred = false;
  std::array<uint8_t, 2> reference_count{};  // num_ref_idx_lX_active; 0 for a list that is not used
  std::array<std::vector<H264ListModification>, 2> modifications;
  uint8_t luma_log2_weight_denom = 0;
  uint8_t chroma_log2_weight_denom = 0;
  std::array<H264Weights, 2> weights;
  uint8_t cabac_init_idc = 0;
  int8_t slice_qp_delta = 0;
  uint8_t disable_deblocking_filter_idc = 0;
  int8_t slice_alpha_c0_offset_div2 = 0;
  int8_t slice_beta_offset_div2 = 0;

  bool uses_list(int list) const { return reference_count[list] != 0; }
};

// Reads the header of the slice `index` of the job, whose counts come from
// slice_reference_counts_minus1 where the PPS's defaults are not known.
Result<H264SliceHeader> read_h264_slice_header(const core::DecodeJob& job, size_t index);

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_H264_SLICE_HEADER_H_
