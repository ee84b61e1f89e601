// The two tables behind h264_idct_functions(), and where a macroblock's blocks and coefficients
// are.
#ifndef DAEDALUS_GPU_KERNELS_IDCT_H264_TABLES_H_
#define DAEDALUS_GPU_KERNELS_IDCT_H264_TABLES_H_

#include <bit>

#include "gpu_kernels/idct/h264.h"

namespace daedalus::gpu_kernels::idct {

inline constexpr uint32_t kLumaBlocks = 0xFFFF;
inline constexpr uint32_t kChromaBlocks = 0xFF0000;
inline constexpr uint32_t kCbBlocks = 0x0F0000;

// What is added to the prediction, of a transformed value or of DC alone (8.5.12.2, 8.5.13).
inline int residual_of(int16_t value) { return static_cast<int16_t>(value + 32) >> 6; }

// Luma blocks by index go in quarters, each in a z (6.4.3).
inline uint8_t* luma_block(const H264Target& target, int block) {
  const int x = (block & 1) * 4 + (block & 4) * 2;
  const int y = (block & 2) * 2 + (block & 8);
  return target.luma + y * target.luma_stride + x;
}

// `block` is 16 to 23; 20 and up are Cr.
inline uint8_t* chroma_block(const H264Target& target, int block) {
  const int x = (block & 1) * 4;
  const int y = (block & 2) * 2;
  return target.chroma + y * target.chroma_stride + 2 * x + (block >= 20 ? 1 : 0);
}

inline size_t luma_block_values(const H264Residual& residual) {
  return residual.transform_8x8 ? 64 : 16;
}

inline const int16_t* first_full_chroma(const H264Residual& residual) {
  return residual.coefficients +
         std::popcount(residual.full_blocks & kLumaBlocks) * luma_block_values(residual);
}

// Where the values of dc_blocks begin.
inline const int16_t* full_end(const H264Residual& residual) {
  return first_full_chroma(residual) + std::popcount(residual.full_blocks & kChromaBlocks) * 16;
}

inline const int16_t* first_dc_chroma(const H264Residual& residual) {
  return full_end(residual) + std::popcount(residual.dc_blocks & kLumaBlocks);
}

const H264IdctFunctions& h264_scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const H264IdctFunctions& h264_simd_functions();

}  // namespace daedalus::gpu_kernels::idct

#endif  // DAEDALUS_GPU_KERNELS_IDCT_H264_TABLES_H_
