// alpha, beta and tC0 of edges (8.7.2.2) from the QP of the macroblocks on both sides.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_THRESHOLDS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_THRESHOLDS_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "decode_core/software/h264/macroblock_list.h"
#include "gpu_kernels/deblock/h264.h"

namespace daedalus::core::h264 {

class DeblockingThresholds {
 public:
  using Components = std::array<gpu_kernels::H264EdgeThresholds, 3>;  // Y, Cb, Cr

  explicit DeblockingThresholds(const v4l2_ctrl_h264_pps& pps);

  // Takes the filter offsets of the slice of the macroblocks that follow.
  void select(const Slice& slice);
  // Of inner edges of such a macroblock.
  const Components& inside(const Macroblock& macroblock) const {
    return inside_[place_of(macroblock.luma_qp)];
  }
  // Of an edge of `q`, a macroblock of that slice, with `p`.
  Components between(const Macroblock& p, const Macroblock& q) const;

 private:
  static constexpr size_t kQps = 52;
  static size_t place_of(int qp) {
    return static_cast<size_t>(std::clamp(qp, 0, static_cast<int>(kQps) - 1));
  }
  void fill();

  int offset_a_ = 0;
  int offset_b_ = 0;
  std::array<gpu_kernels::H264EdgeThresholds, kQps> by_qp_;
  std::array<std::array<uint8_t, 3>, kQps> component_qp_;  // by luma QP
  std::array<Components, kQps> inside_;                    // by luma QP
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_THRESHOLDS_H_
