// alpha, beta and tC0 of edges (8.7.2.2) from the QP of the macroblocks on both sides.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_THRESHOLDS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_THRESHOLDS_H_

#include <array>
#include <bit>
#include <cstdint>

#include "decode_core/software/h264/macroblock_list.h"
#include "gpu_kernels/deblock/h264.h"

namespace daedalus::core::h264 {

class DeblockingThresholds {
 public:
  // qPav of Y, Cb, Cr; the fourth is nothing.
  using Qps = std::array<uint8_t, 4>;

  explicit DeblockingThresholds(const v4l2_ctrl_h264_pps& pps);

  // Whether the filter offsets of a slice are others than those selected.
  bool differ_for(const Slice& slice) const { return offsets_of(slice) != offsets_; }
  // Takes the filter offsets of the slice of the macroblocks that follow.
  void select(const Slice& slice);
  // By qPav, with those offsets.
  const gpu_kernels::H264ThresholdTable& table() const { return table_; }

  // Of an edge between two macroblocks, or of the inner edges of one.
  Qps between(const Macroblock& p, const Macroblock& q) const {
    const uint32_t a = qps_of(p);
    const uint32_t b = qps_of(q);
    // (a + b + 1) >> 1 of each byte.
    return std::bit_cast<Qps>((a | b) - ((a ^ b) >> 1 & 0x7F7F7F7F));
  }
  Qps inside(const Macroblock& macroblock) const { return std::bit_cast<Qps>(qps_of(macroblock)); }

 private:
  uint32_t qps_of(const Macroblock& macroblock) const {
    return std::bit_cast<uint32_t>(
        component_qps_[static_cast<size_t>(macroblock.luma_qp) % component_qps_.size()]);
  }
  static std::array<int, 2> offsets_of(const Slice& slice);  // FilterOffsetA, FilterOffsetB
  void fill();

  std::array<int, 2> offsets_{};
  gpu_kernels::H264ThresholdTable table_;
  std::array<Qps, 64> component_qps_;  // by luma QP, which is not above 51
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_THRESHOLDS_H_
