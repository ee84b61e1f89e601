// H.264's inverse transforms, added to what was predicted (8.5.12, 8.5.13, 8.5.14).
//
// Coefficients are scaled already: row-major, value [y * n + x] of horizontal frequency x. Every
// value on the way is a wrapping 16-bit integer, which conforming streams never exceed; so the
// substrates agree for all coefficients. Sums with the prediction are clipped to 0..255.
#ifndef DAEDALUS_GPU_KERNELS_IDCT_H264_H_
#define DAEDALUS_GPU_KERNELS_IDCT_H264_H_

#include <cstddef>
#include <cstdint>

#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// The residual of one macroblock. Bits and coefficients as decode_core's macroblock list has them:
// bits 0 to 15 luma blocks by index (6.4.3; 8x8 ones are bits 0, 4, 8, 12), 16 to 19 Cb, 20 to 23
// Cr.
struct H264Residual {
  uint32_t full_blocks = 0;
  uint32_t dc_blocks = 0;
  bool transform_8x8 = false;
  // First the full blocks in the order of their bits, 16 or 64 values each, then one value a bit of
  // dc_blocks.
  const int16_t* coefficients = nullptr;
};

// A macroblock's place in an NV12 picture (a frame or, with doubled strides, a field).
struct H264Target {
  uint8_t* luma = nullptr;    // its first sample
  uint8_t* chroma = nullptr;  // its first pair: Cb, Cr
  ptrdiff_t luma_stride = 0;  // bytes
  ptrdiff_t chroma_stride = 0;
};

struct H264ResidualMacroblock {
  H264Residual residual;
  H264Target target;
};

struct H264IdctFunctions {
  Substrate substrate;
  const char* target;

  // One block of 4x4 or 8x8 luma samples, between the predictions of intra blocks.
  void (*add_4x4)(uint8_t* samples, ptrdiff_t stride, const int16_t* coefficients);
  void (*add_8x8)(uint8_t* samples, ptrdiff_t stride, const int16_t* coefficients);
  void (*add_4x4_dc)(uint8_t* samples, ptrdiff_t stride, int16_t dc);
  void (*add_8x8_dc)(uint8_t* samples, ptrdiff_t stride, int16_t dc);
  // The chroma blocks of one macroblock (bits 16 to 23), after the intra prediction of chroma.
  void (*add_chroma)(const H264Residual& residual, const H264Target& target);
  // All blocks of many macroblocks that are predicted already.
  void (*add_macroblocks)(const H264ResidualMacroblock* macroblocks, size_t count);
};

// What a wish gives, as pack_functions().
const H264IdctFunctions& h264_idct_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_IDCT_H264_H_
