// The two tables behind h264_deblock_functions().
#ifndef DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_
#define DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_

#include <bit>

#include "gpu_kernels/deblock/h264.h"

namespace daedalus::gpu_kernels::deblock {

// Thresholds of Cb and Cr of the left edge (0), the top edge (1), inner edges (2).
inline std::array<H264EdgeThresholds, 2> chroma_thresholds(const H264DeblockMacroblock& macroblock,
                                                           size_t which) {
  return {macroblock.thresholds[which][1], macroblock.thresholds[which][2]};
}

inline bool is_any(const std::array<uint8_t, 4>& strength) {
  return std::bit_cast<uint32_t>(strength) != 0;
}

// filter_macroblocks() by the functions of one edge.
template <typename LumaEdge, typename ChromaEdge>
void filter_edges(const H264DeblockMacroblock* macroblocks, size_t count, ptrdiff_t luma_stride,
                  ptrdiff_t chroma_stride, LumaEdge* luma_vertical, LumaEdge* luma_horizontal,
                  ChromaEdge* chroma_vertical, ChromaEdge* chroma_horizontal) {
  for (const H264DeblockMacroblock* mb = macroblocks; mb != macroblocks + count; ++mb) {
    const auto& [vertical, horizontal] = mb->strength;
    for (size_t i = 0; i < 4; ++i) {
      if (!is_any(vertical[i])) continue;
      luma_vertical(mb->luma + 4 * i, luma_stride, vertical[i], mb->thresholds[i == 0 ? 0 : 2][0]);
    }
    for (size_t i = 0; i < 4; ++i) {
      if (!is_any(horizontal[i])) continue;
      luma_horizontal(mb->luma + 4 * i * luma_stride, luma_stride, horizontal[i],
                      mb->thresholds[i == 0 ? 1 : 2][0]);
    }
    if (mb->chroma == nullptr) continue;
    for (size_t i = 0; i < 4; i += 2) {
      if (!is_any(vertical[i])) continue;
      chroma_vertical(mb->chroma + 4 * i, chroma_stride, vertical[i],
                      chroma_thresholds(*mb, i == 0 ? 0 : 2));
    }
    for (size_t i = 0; i < 4; i += 2) {
      if (!is_any(horizontal[i])) continue;
      chroma_horizontal(mb->chroma + 2 * i * chroma_stride, chroma_stride, horizontal[i],
                        chroma_thresholds(*mb, i == 0 ? 1 : 2));
    }
  }
}

const H264DeblockFunctions& h264_scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const H264DeblockFunctions& h264_simd_functions();

}  // namespace daedalus::gpu_kernels::deblock

#endif  // DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_
