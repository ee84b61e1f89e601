// The two tables behind h264_deblock_functions().
#ifndef DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_
#define DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_

#include <bit>

#include "gpu_kernels/deblock/h264.h"

namespace daedalus::gpu_kernels::deblock {

using Strengths = std::array<uint8_t, 4>;

inline bool is_any(const Strengths& strength) { return std::bit_cast<uint32_t>(strength) != 0; }

// filter_macroblocks() by the functions of one edge.
template <typename LumaEdge, typename ChromaEdge>
void filter_edges(const H264DeblockMacroblock* macroblocks, size_t count,
                  const H264ThresholdTable& thresholds, ptrdiff_t luma_stride,
                  ptrdiff_t chroma_stride, const LumaEdge& luma_vertical,
                  const LumaEdge& luma_horizontal, const ChromaEdge& chroma_vertical,
                  const ChromaEdge& chroma_horizontal) {
  for (const H264DeblockMacroblock* mb = macroblocks; mb != macroblocks + count; ++mb) {
    const auto& [vertical, horizontal] = mb->strength;
    const auto& [left_qp, top_qp, inner_qp] = mb->qp;
    const auto luma = [&](const auto& filter, const Strengths& strength, ptrdiff_t offset,
                          const std::array<uint8_t, 4>& qp) {
      if (is_any(strength)) filter(mb->luma + offset, luma_stride, strength, thresholds[qp[0]]);
    };
    luma(luma_vertical, vertical[0], 0, left_qp);
    for (int i = 1; i < 4; ++i) luma(luma_vertical, vertical[i], 4 * i, inner_qp);
    luma(luma_horizontal, horizontal[0], 0, top_qp);
    for (int i = 1; i < 4; ++i) luma(luma_horizontal, horizontal[i], 4 * i * luma_stride, inner_qp);
    if (mb->chroma == nullptr) continue;
    const auto chroma = [&](const auto& filter, const Strengths& strength, ptrdiff_t offset,
                            const std::array<uint8_t, 4>& qp) {
      if (!is_any(strength)) return;
      filter(mb->chroma + offset, chroma_stride, strength, thresholds[qp[1]], thresholds[qp[2]]);
    };
    chroma(chroma_vertical, vertical[0], 0, left_qp);
    chroma(chroma_vertical, vertical[2], 8, inner_qp);
    chroma(chroma_horizontal, horizontal[0], 0, top_qp);
    chroma(chroma_horizontal, horizontal[2], 4 * chroma_stride, inner_qp);
  }
}

const H264DeblockFunctions& h264_scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const H264DeblockFunctions& h264_simd_functions();

}  // namespace daedalus::gpu_kernels::deblock

#endif  // DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_
