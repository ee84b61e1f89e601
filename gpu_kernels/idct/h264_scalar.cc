// The reference of the inverse transforms.
#include <algorithm>
#include <array>
#include <bit>

#include "gpu_kernels/idct/h264_tables.h"

namespace daedalus::gpu_kernels::idct {
namespace {

constexpr int16_t wrap(int value) { return static_cast<int16_t>(value); }

void add_sample(uint8_t& sample, int residual) {
  sample = static_cast<uint8_t>(std::clamp(sample + residual, 0, 255));
}

// One row or column of 8.5.12.2.
void transform_4(int16_t* v, size_t step) {
  const int16_t e0 = wrap(v[0] + v[2 * step]);
  const int16_t e1 = wrap(v[0] - v[2 * step]);
  const int16_t e2 = wrap((v[step] >> 1) - v[3 * step]);
  const int16_t e3 = wrap(v[step] + (v[3 * step] >> 1));
  v[0] = wrap(e0 + e3);
  v[step] = wrap(e1 + e2);
  v[2 * step] = wrap(e1 - e2);
  v[3 * step] = wrap(e0 - e3);
}

// One row or column of 8.5.13.
void transform_8(int16_t* v, size_t step) {
  const auto in = [&](size_t i) -> int { return v[i * step]; };
  const int16_t a0 = wrap(in(0) + in(4));
  const int16_t a1 = wrap(-in(3) + in(5) - in(7) - (in(7) >> 1));
  const int16_t a2 = wrap(in(0) - in(4));
  const int16_t a3 = wrap(in(1) + in(7) - in(3) - (in(3) >> 1));
  const int16_t a4 = wrap((in(2) >> 1) - in(6));
  const int16_t a5 = wrap(-in(1) + in(7) + in(5) + (in(5) >> 1));
  const int16_t a6 = wrap(in(2) + (in(6) >> 1));
  const int16_t a7 = wrap(in(3) + in(5) + in(1) + (in(1) >> 1));

  const int16_t b0 = wrap(a0 + a6);
  const int16_t b1 = wrap(a1 + (a7 >> 2));
  const int16_t b2 = wrap(a2 + a4);
  const int16_t b3 = wrap(a3 + (a5 >> 2));
  const int16_t b4 = wrap(a2 - a4);
  const int16_t b5 = wrap((a3 >> 2) - a5);
  const int16_t b6 = wrap(a0 - a6);
  const int16_t b7 = wrap(a7 - (a1 >> 2));

  const std::array<int, 8> out = {b0 + b7, b2 + b5, b4 + b3, b6 + b1,
                                  b6 - b1, b4 - b3, b2 - b5, b0 - b7};
  for (size_t i = 0; i < 8; ++i) v[i * step] = wrap(out[i]);
}

// `pitch`: bytes from one sample to the next of the same component.
template <size_t kSize>
void add_block(uint8_t* samples, ptrdiff_t stride, size_t pitch, const int16_t* coefficients) {
  std::array<int16_t, kSize * kSize> block;
  std::copy_n(coefficients, block.size(), block.begin());
  constexpr auto transform = kSize == 4 ? transform_4 : transform_8;
  for (size_t i = 0; i < kSize; ++i) transform(&block[i * kSize], 1);
  for (size_t i = 0; i < kSize; ++i) transform(&block[i], kSize);
  for (size_t y = 0; y < kSize; ++y, samples += stride) {
    for (size_t x = 0; x < kSize; ++x)
      add_sample(samples[x * pitch], residual_of(block[y * kSize + x]));
  }
}

template <size_t kSize>
void add_dc(uint8_t* samples, ptrdiff_t stride, size_t pitch, int16_t dc) {
  for (size_t y = 0; y < kSize; ++y, samples += stride) {
    for (size_t x = 0; x < kSize; ++x) add_sample(samples[x * pitch], residual_of(dc));
  }
}

void add_4x4(uint8_t* samples, ptrdiff_t stride, const int16_t* coefficients) {
  add_block<4>(samples, stride, 1, coefficients);
}

void add_8x8(uint8_t* samples, ptrdiff_t stride, const int16_t* coefficients) {
  add_block<8>(samples, stride, 1, coefficients);
}

void add_4x4_dc(uint8_t* samples, ptrdiff_t stride, int16_t dc) {
  add_dc<4>(samples, stride, 1, dc);
}

void add_8x8_dc(uint8_t* samples, ptrdiff_t stride, int16_t dc) {
  add_dc<8>(samples, stride, 1, dc);
}

void add_luma(const H264Residual& residual, const H264Target& target) {
  const int16_t* full = residual.coefficients;
  const int16_t* dc = full_end(residual);
  for (uint32_t left = (residual.full_blocks | residual.dc_blocks) & kLumaBlocks; left != 0;
       left &= left - 1) {
    const int block = std::countr_zero(left);
    uint8_t* const samples = luma_block(target, block);
    const bool is_full = (residual.full_blocks >> block & 1) != 0;
    if (residual.transform_8x8) {
      is_full ? add_8x8(samples, target.luma_stride, full)
              : add_8x8_dc(samples, target.luma_stride, *dc);
    } else {
      is_full ? add_4x4(samples, target.luma_stride, full)
              : add_4x4_dc(samples, target.luma_stride, *dc);
    }
    is_full ? full += luma_block_values(residual) : ++dc;
  }
}

void add_chroma(const H264Residual& residual, const H264Target& target) {
  const int16_t* full = first_full_chroma(residual);
  const int16_t* dc = first_dc_chroma(residual);
  for (uint32_t left = (residual.full_blocks | residual.dc_blocks) & kChromaBlocks; left != 0;
       left &= left - 1) {
    const int block = std::countr_zero(left);
    uint8_t* const samples = chroma_block(target, block);
    if ((residual.full_blocks >> block & 1) != 0) {
      add_block<4>(samples, target.chroma_stride, 2, full);
      full += 16;
    } else {
      add_dc<4>(samples, target.chroma_stride, 2, *dc++);
    }
  }
}

void add_macroblocks(const H264ResidualMacroblock* macroblocks, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    add_luma(macroblocks[i].residual, macroblocks[i].target);
    add_chroma(macroblocks[i].residual, macroblocks[i].target);
  }
}

}  // namespace

const H264IdctFunctions& h264_scalar_functions() {
  static constexpr H264IdctFunctions kFunctions = {
      .substrate = Substrate::kScalar,
      .target = "scalar",
      .add_4x4 = add_4x4,
      .add_8x8 = add_8x8,
      .add_4x4_dc = add_4x4_dc,
      .add_8x8_dc = add_8x8_dc,
      .add_chroma = add_chroma,
      .add_macroblocks = add_macroblocks,
  };
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::idct
