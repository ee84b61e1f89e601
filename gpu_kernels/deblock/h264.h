// H.264's deblocking filter (8.7.2), strengths known.
#ifndef DAEDALUS_GPU_KERNELS_DEBLOCK_H264_H_
#define DAEDALUS_GPU_KERNELS_DEBLOCK_H264_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// alpha, beta and the row of tC0 (tables 8-16, 8-17) of one edge.
struct alignas(8) H264EdgeThresholds {
  uint8_t alpha = 0;  // 0: nothing is filtered
  uint8_t beta = 0;
  alignas(4) std::array<uint8_t, 4> tc0{};  // by bS; 0 for bS 0, which is not filtered
};
// By qPav.
using H264ThresholdTable = std::array<H264EdgeThresholds, 52>;
// average_qp: qPav, 0 to 51; offsets: FilterOffsetA, FilterOffsetB, -12 to 12.
H264EdgeThresholds h264_edge_thresholds(int average_qp, int offset_a, int offset_b);

// The edges of one macroblock whose neighbours are of its own kind (all but the mixed edges of
// MBAFF frames).
struct H264DeblockMacroblock {
  uint8_t* luma = nullptr;    // its first sample
  uint8_t* chroma = nullptr;  // its first pair: Cb, Cr; null: luma alone is filtered
  // bS, 0 to 4: [vertical edges, horizontal edges][edge from left or top][run of four luma
  // samples]. Edge 0 is 0 where it is not to be filtered, edges 1 and 3 with 8x8 transforms. Chroma
  // uses edges 0 and 2.
  std::array<std::array<std::array<uint8_t, 4>, 4>, 2> strength{};
  // qPav of [left edge, top edge, inner edges][Y, Cb, Cr, nothing]; read for edges whose bS are not
  // all 0.
  std::array<std::array<uint8_t, 4>, 3> qp{};
};

struct H264DeblockFunctions {
  Substrate substrate;
  const char* target;

  // One edge of 16 luma samples (or 8 chroma pairs); `strength` has one entry for four luma samples
  // (two pairs). `samples` is the first one right of, or below, the edge. Vertical edges lie
  // between columns.
  void (*luma_vertical)(uint8_t* samples, ptrdiff_t stride, const std::array<uint8_t, 4>& strength,
                        const H264EdgeThresholds& thresholds);
  void (*luma_horizontal)(uint8_t* samples, ptrdiff_t stride,
                          const std::array<uint8_t, 4>& strength,
                          const H264EdgeThresholds& thresholds);
  void (*chroma_vertical)(uint8_t* pairs, ptrdiff_t stride, const std::array<uint8_t, 4>& strength,
                          const H264EdgeThresholds& cb, const H264EdgeThresholds& cr);
  void (*chroma_horizontal)(uint8_t* pairs, ptrdiff_t stride,
                            const std::array<uint8_t, 4>& strength, const H264EdgeThresholds& cb,
                            const H264EdgeThresholds& cr);
  // The left edge of a macroblock of an MBAFF frame whose left pair is of the other kind: 8 rows of
  // luma (4 of chroma), a bS for every two luma rows (every chroma row).
  void (*luma_vertical_mixed)(uint8_t* samples, ptrdiff_t stride,
                              const std::array<uint8_t, 4>& strength,
                              const H264EdgeThresholds& thresholds);
  void (*chroma_vertical_mixed)(uint8_t* pairs, ptrdiff_t stride,
                                const std::array<uint8_t, 4>& strength,
                                const H264EdgeThresholds& cb, const H264EdgeThresholds& cr);

  // Macroblocks in their order, each with all its edges: vertical ones from the left, then
  // horizontal ones from the top; luma and chroma.
  void (*filter_macroblocks)(const H264DeblockMacroblock* macroblocks, size_t count,
                             const H264ThresholdTable& thresholds, ptrdiff_t luma_stride,
                             ptrdiff_t chroma_stride);
};

// What a wish gives, as pack_functions().
const H264DeblockFunctions& h264_deblock_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DEBLOCK_H264_H_
