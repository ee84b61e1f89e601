#include "decode_core/software/h264/deblocking_thresholds.h"

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
  const std::array<int, 3> offset = {0, pps.chroma_qp_index_offset,
                                     pps.second_chroma_qp_index_offset};
  for (size_t component = 0; component < 3; ++component) {
    for (size_t qp = 0; qp < kQps; ++qp) {
      const int index = std::clamp(static_cast<int>(qp) + offset[component], 0, kHighestQp);
      component_qp_[qp][component] = component == 0 ? static_cast<uint8_t>(qp) : chroma_qp(index);
    }
  }
  fill();
}

void DeblockingThresholds::select(const Slice& slice) {
  const int offset_a = std::clamp(slice.header.slice.slice_alpha_c0_offset_div2 * 2, -12, 12);
  const int offset_b = std::clamp(slice.header.slice.slice_beta_offset_div2 * 2, -12, 12);
  if (offset_a == offset_a_ && offset_b == offset_b_) return;
  offset_a_ = offset_a;
  offset_b_ = offset_b;
  fill();
}

void DeblockingThresholds::fill() {
  for (size_t qp = 0; qp < kQps; ++qp) {
    by_qp_[qp] = gpu_kernels::h264_edge_thresholds(static_cast<int>(qp), offset_a_, offset_b_);
  }
  for (size_t qp = 0; qp < kQps; ++qp) {
    for (size_t i = 0; i < 3; ++i) inside_[qp][i] = by_qp_[component_qp_[qp][i]];
  }
}

DeblockingThresholds::Components DeblockingThresholds::between(const Macroblock& p,
                                                               const Macroblock& q) const {
  if (p.luma_qp == q.luma_qp) return inside(q);
  const auto& p_qp = component_qp_[place_of(p.luma_qp)];
  const auto& q_qp = component_qp_[place_of(q.luma_qp)];
  Components components;
  for (size_t i = 0; i < 3; ++i) {
    components[i] = by_qp_[(p_qp[i] + q_qp[i] + 1u) >> 1];
  }
  return components;
}

}  // namespace daedalus::core::h264
