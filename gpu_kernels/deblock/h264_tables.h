// The two tables behind h264_deblock_functions().
#ifndef DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_
#define DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_

#include "gpu_kernels/deblock/h264.h"

namespace daedalus::gpu_kernels::deblock {

// Thresholds of Cb and Cr of the left edge (0), the top edge (1), inner edges (2).
inline std::array<H264EdgeThresholds, 2> chroma_thresholds(const H264DeblockMacroblock& macroblock,
                                                           size_t which) {
  return {macroblock.thresholds[1][which], macroblock.thresholds[2][which]};
}

const H264DeblockFunctions& h264_scalar_functions();

}  // namespace daedalus::gpu_kernels::deblock

#endif  // DAEDALUS_GPU_KERNELS_DEBLOCK_H264_TABLES_H_
