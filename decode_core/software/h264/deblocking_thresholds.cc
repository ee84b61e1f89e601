#include "decode_core/software/h264/deblocking_thresholds.h"

#include <algorithm>

namespace daedalus::core::h264 {
namespace {

constexpr int kHighestQp = 51;

// QPC of qPI (table 8-15).
uint8_t chroma_qp(int index) {
  constexpr int kFirst = 30;
  constexpr std::array<uint8_t, 22> kTable = {29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36,
                                              36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39};
  return index < kFirst ? static_cast<uint8_t>(index) : kTable[static_cast<size_t>(index - kFirst)];
}

}  // namespace

DeblockingThresholds::DeblockingThresholds(const v4l2_ctrl_h264_pps& pps) {
  for (size_t i = 0; i < component_qps_.size(); ++i) {
    const int qp = std::min(static_cast<int>(i), kHighestQp);
    const auto of_chroma = [&](int offset) {
      return chroma_qp(std::clamp(qp + offset, 0, kHighestQp));
    };
    component_qps_[i] = {static_cast<uint8_t>(qp), of_chroma(pps.chroma_qp_index_offset),
                         of_chroma(pps.second_chroma_qp_index_offset), 0};
  }
  fill();
}

std::array<int, 2> DeblockingThresholds::offsets_of(const Slice& slice) {
  return {std::clamp(slice.header.slice.slice_alpha_c0_offset_div2 * 2, -12, 12),
          std::clamp(slice.header.slice.slice_beta_offset_div2 * 2, -12, 12)};
}

void DeblockingThresholds::select(const Slice& slice) {
  if (!differ_for(slice)) return;
  offsets_ = offsets_of(slice);
  fill();
}

void DeblockingThresholds::fill() {
  for (size_t qp = 0; qp < table_.size(); ++qp) {
    table_[qp] = gpu_kernels::h264_edge_thresholds(static_cast<int>(qp), offsets_[0], offsets_[1]);
  }
}

}  // namespace daedalus::core::h264
