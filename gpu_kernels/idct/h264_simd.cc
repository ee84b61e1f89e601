// The inverse transforms in Highway, compiled once for each SIMD target. A vector holds a row or a
// column of one 8x8 block, or of two 4x4 blocks side by side.
#include <algorithm>
#include <bit>

#include "gpu_kernels/idct/h264_tables.h"
#include "gpu_kernels/vectors_128.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/idct/h264_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::idct {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const H264IdctFunctions* h264_target_functions() { return &h264_scalar_functions(); }

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <size_t kLanes>
using Residuals = hn::FixedTag<int16_t, kLanes>;
template <size_t kLanes>
using Samples = hn::FixedTag<uint8_t, kLanes>;
using V = hn::Vec<Residuals<8>>;

// Four rows (or columns) of 4x4 blocks by 8.5.12.2, across the vectors.
template <typename Vector>
HWY_INLINE void transform_4(Vector& v0, Vector& v1, Vector& v2, Vector& v3) {
  const auto e0 = hn::Add(v0, v2);
  const auto e1 = hn::Sub(v0, v2);
  const auto e2 = hn::Sub(hn::ShiftRight<1>(v1), v3);
  const auto e3 = hn::Add(v1, hn::ShiftRight<1>(v3));
  v0 = hn::Add(e0, e3);
  v1 = hn::Add(e1, e2);
  v2 = hn::Sub(e1, e2);
  v3 = hn::Sub(e0, e3);
}

// Columns of one block to its rows.
HWY_INLINE void transpose_4(Residuals<4> d, hn::Vec<Residuals<4>>& v0, hn::Vec<Residuals<4>>& v1,
                            hn::Vec<Residuals<4>>& v2, hn::Vec<Residuals<4>>& v3) {
  const hn::FixedTag<uint32_t, 2> pairs;
  const auto upper01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto lower01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto upper23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto lower23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  v0 = hn::BitCast(d, hn::InterleaveLower(pairs, upper01, upper23));
  v1 = hn::BitCast(d, hn::InterleaveUpper(pairs, upper01, upper23));
  v2 = hn::BitCast(d, hn::InterleaveLower(pairs, lower01, lower23));
  v3 = hn::BitCast(d, hn::InterleaveUpper(pairs, lower01, lower23));
}

// The same of two blocks, one in the lower half of each vector and one in the upper.
HWY_INLINE void transpose_4(Residuals<8> d, V& v0, V& v1, V& v2, V& v3) {
  const hn::FixedTag<uint32_t, 4> pairs;
  const hn::FixedTag<uint64_t, 2> fours;
  const auto first01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto second01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto first23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto second23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  const auto first_upper = hn::BitCast(fours, hn::InterleaveLower(pairs, first01, first23));
  const auto first_lower = hn::BitCast(fours, hn::InterleaveUpper(pairs, first01, first23));
  const auto second_upper = hn::BitCast(fours, hn::InterleaveLower(pairs, second01, second23));
  const auto second_lower = hn::BitCast(fours, hn::InterleaveUpper(pairs, second01, second23));
  v0 = hn::BitCast(d, hn::InterleaveLower(fours, first_upper, second_upper));
  v1 = hn::BitCast(d, hn::InterleaveUpper(fours, first_upper, second_upper));
  v2 = hn::BitCast(d, hn::InterleaveLower(fours, first_lower, second_lower));
  v3 = hn::BitCast(d, hn::InterleaveUpper(fours, first_lower, second_lower));
}

// Adds what the transform gave, (value + 32) >> 6, to the samples.
template <size_t kLanes>
HWY_INLINE void add_row(uint8_t* samples, hn::Vec<Residuals<kLanes>> row) {
  const Residuals<kLanes> d;
  const Samples<kLanes> d8;
  const auto residual = hn::ShiftRight<6>(hn::Add(row, hn::Set(d, 32)));
  const auto sum = hn::Add(hn::PromoteTo(d, hn::LoadU(d8, samples)), residual);
  hn::StoreU(hn::DemoteTo(d8, sum), d8, samples);
}

// kLanes / 4 blocks, whose coefficients follow each other, to samples beside each other.
template <size_t kLanes>
HWY_INLINE void add_4_rows(uint8_t* samples, ptrdiff_t stride, const int16_t* coefficients) {
  const Residuals<kLanes> d;
  hn::Vec<Residuals<kLanes>> v0, v1, v2, v3;
  hn::LoadInterleaved4(d, coefficients, v0, v1, v2, v3);
  transform_4(v0, v1, v2, v3);
  transpose_4(d, v0, v1, v2, v3);
  transform_4(v0, v1, v2, v3);
  add_row<kLanes>(samples, v0);
  add_row<kLanes>(samples + stride, v1);
  add_row<kLanes>(samples + 2 * stride, v2);
  add_row<kLanes>(samples + 3 * stride, v3);
}

void add_4x4(uint8_t* samples, ptrdiff_t stride, const int16_t* coefficients) {
  add_4_rows<4>(samples, stride, coefficients);
}

// Eight rows (or columns) of an 8x8 block by 8.5.13, across the vectors.
HWY_INLINE void transform_8(V* HWY_RESTRICT v) {
  const V a0 = hn::Add(v[0], v[4]);
  const V a2 = hn::Sub(v[0], v[4]);
  const V a4 = hn::Sub(hn::ShiftRight<1>(v[2]), v[6]);
  const V a6 = hn::Add(v[2], hn::ShiftRight<1>(v[6]));
  const V a1 = hn::Sub(hn::Sub(hn::Sub(v[5], v[3]), v[7]), hn::ShiftRight<1>(v[7]));
  const V a3 = hn::Sub(hn::Sub(hn::Add(v[1], v[7]), v[3]), hn::ShiftRight<1>(v[3]));
  const V a5 = hn::Add(hn::Add(hn::Sub(v[7], v[1]), v[5]), hn::ShiftRight<1>(v[5]));
  const V a7 = hn::Add(hn::Add(hn::Add(v[3], v[5]), v[1]), hn::ShiftRight<1>(v[1]));

  const V b0 = hn::Add(a0, a6);
  const V b2 = hn::Add(a2, a4);
  const V b4 = hn::Sub(a2, a4);
  const V b6 = hn::Sub(a0, a6);
  const V b1 = hn::Add(a1, hn::ShiftRight<2>(a7));
  const V b3 = hn::Add(a3, hn::ShiftRight<2>(a5));
  const V b5 = hn::Sub(hn::ShiftRight<2>(a3), a5);
  const V b7 = hn::Sub(a7, hn::ShiftRight<2>(a1));

  v[0] = hn::Add(b0, b7);
  v[1] = hn::Add(b2, b5);
  v[2] = hn::Add(b4, b3);
  v[3] = hn::Add(b6, b1);
  v[4] = hn::Sub(b6, b1);
  v[5] = hn::Sub(b4, b3);
  v[6] = hn::Sub(b2, b5);
  v[7] = hn::Sub(b0, b7);
}

// Each stage takes vectors i and i + 4 and leaves twice as long runs of a column in a vector.
HWY_INLINE void transpose_8(V* HWY_RESTRICT v) {
  const Residuals<8> d;
  const auto stage = [&](const V* HWY_RESTRICT from, V* HWY_RESTRICT to) HWY_ATTR {
    to[0] = hn::InterleaveLower(d, from[0], from[4]);
    to[1] = hn::InterleaveUpper(d, from[0], from[4]);
    to[2] = hn::InterleaveLower(d, from[1], from[5]);
    to[3] = hn::InterleaveUpper(d, from[1], from[5]);
    to[4] = hn::InterleaveLower(d, from[2], from[6]);
    to[5] = hn::InterleaveUpper(d, from[2], from[6]);
    to[6] = hn::InterleaveLower(d, from[3], from[7]);
    to[7] = hn::InterleaveUpper(d, from[3], from[7]);
  };
  V once[8];
  V twice[8];
  stage(v, once);
  stage(once, twice);
  stage(twice, v);
}

void add_8x8(uint8_t* samples, ptrdiff_t stride, const int16_t* coefficients) {
  const Residuals<8> d;
  V v[8];
  for (int y = 0; y < 8; ++y) v[y] = hn::LoadU(d, coefficients + 8 * y);
  transpose_8(v);
  transform_8(v);
  transpose_8(v);
  transform_8(v);
  for (int y = 0; y < 8; ++y) add_row<8>(samples + y * stride, v[y]);
}

// `rise` and `fall`: what the samples gain or lose; one of them is 0 in each lane.
template <size_t kLanes>
HWY_INLINE void move_rows(uint8_t* samples, ptrdiff_t stride, hn::Vec<Samples<kLanes>> rise,
                          hn::Vec<Samples<kLanes>> fall, int rows) {
  const Samples<kLanes> d;
  for (int y = 0; y < rows; ++y, samples += stride) {
    const auto sum = hn::SaturatedSub(hn::SaturatedAdd(hn::LoadU(d, samples), rise), fall);
    hn::StoreU(sum, d, samples);
  }
}

template <size_t kSize>
HWY_INLINE void add_dc(uint8_t* samples, ptrdiff_t stride, int16_t dc) {
  const Samples<kSize> d;
  const int residual = residual_of(dc);
  move_rows<kSize>(samples, stride, hn::Set(d, static_cast<uint8_t>(std::clamp(residual, 0, 255))),
                   hn::Set(d, static_cast<uint8_t>(std::clamp(-residual, 0, 255))), kSize);
}

void add_4x4_dc(uint8_t* samples, ptrdiff_t stride, int16_t dc) { add_dc<4>(samples, stride, dc); }

void add_8x8_dc(uint8_t* samples, ptrdiff_t stride, int16_t dc) { add_dc<8>(samples, stride, dc); }

// Four pairs in four rows.
HWY_INLINE void add_chroma_dc(uint8_t* pairs, ptrdiff_t stride, int16_t cb, int16_t cr) {
  const hn::FixedTag<uint16_t, 4> d;
  const Samples<8> d8;
  const auto pair = [&](int of_cb, int of_cr) HWY_ATTR {
    const int both = std::clamp(of_cb, 0, 255) | std::clamp(of_cr, 0, 255) << 8;
    return hn::BitCast(d8, hn::Set(d, static_cast<uint16_t>(both)));
  };
  const int b = residual_of(cb);
  const int r = residual_of(cr);
  move_rows<8>(pairs, stride, pair(b, r), pair(-b, -r), 4);
}

// `coefficients`: 16 of Cb, then 16 of Cr.
HWY_INLINE void add_chroma_4x4(uint8_t* pairs, ptrdiff_t stride, const int16_t* coefficients) {
  const Residuals<8> d;
  V v0, v1, v2, v3;
  hn::LoadInterleaved4(d, coefficients, v0, v1, v2, v3);
  transform_4(v0, v1, v2, v3);
  transpose_4(d, v0, v1, v2, v3);
  transform_4(v0, v1, v2, v3);
  const auto to_pairs = [&](V row) HWY_ATTR {
    return hn::InterleaveLower(d, row, hn::ConcatUpperUpper(d, row, row));
  };
  add_row<8>(pairs, to_pairs(v0));
  add_row<8>(pairs + stride, to_pairs(v1));
  add_row<8>(pairs + 2 * stride, to_pairs(v2));
  add_row<8>(pairs + 3 * stride, to_pairs(v3));
}

void add_luma_4x4(const H264Residual& residual, const H264Target& target) {
  const int16_t* full = residual.coefficients;
  const int16_t* dc = full_end(residual);
  for (uint32_t left = (residual.full_blocks | residual.dc_blocks) & kLumaBlocks; left != 0;
       left &= left - 1) {
    const int block = std::countr_zero(left);
    uint8_t* const samples = luma_block(target, block);
    const uint32_t full_here = residual.full_blocks >> block;
    if ((full_here & 3) == 3 && block % 2 == 0) {
      add_4_rows<8>(samples, target.luma_stride, full);
      full += 32;
      left &= left - 1;
    } else if ((full_here & 1) != 0) {
      add_4x4(samples, target.luma_stride, full);
      full += 16;
    } else {
      add_4x4_dc(samples, target.luma_stride, *dc++);
    }
  }
}

void add_luma_8x8(const H264Residual& residual, const H264Target& target) {
  const int16_t* full = residual.coefficients;
  const int16_t* dc = full_end(residual);
  for (uint32_t left = (residual.full_blocks | residual.dc_blocks) & kLumaBlocks; left != 0;
       left &= left - 1) {
    const int block = std::countr_zero(left);
    uint8_t* const samples = luma_block(target, block);
    if ((residual.full_blocks >> block & 1) != 0) {
      add_8x8(samples, target.luma_stride, full);
      full += 64;
    } else {
      add_8x8_dc(samples, target.luma_stride, *dc++);
    }
  }
}

// The values of chroma blocks in the order of their bits.
class ChromaCoefficients {
 public:
  explicit ChromaCoefficients(const H264Residual& residual)
      : residual_(residual),
        cb_full_(first_full_chroma(residual)),
        cr_full_(cb_full_ + 16 * std::popcount(residual.full_blocks & kCbBlocks)),
        cb_dc_(first_dc_chroma(residual)),
        cr_dc_(cb_dc_ + std::popcount(residual.dc_blocks & kCbBlocks)) {}

  // The next DC value of each, 0 where there is none.
  int16_t next_cb_dc(int block) { return has(residual_.dc_blocks, block) ? *cb_dc_++ : 0; }
  int16_t next_cr_dc(int block) { return has(residual_.dc_blocks, block + 4) ? *cr_dc_++ : 0; }
  // Writes 16 values of each.
  void next(int block, int16_t* to) {
    next(block, cb_full_, cb_dc_, to);
    next(block + 4, cr_full_, cr_dc_, to + 16);
  }

 private:
  static bool has(uint32_t blocks, int block) { return (blocks >> block & 1) != 0; }
  void next(int block, const int16_t*& full, const int16_t*& dc, int16_t* to) const {
    if (has(residual_.full_blocks, block)) {
      std::copy_n(full, 16, to);
      full += 16;
      return;
    }
    std::fill_n(to, 16, int16_t{0});
    if (has(residual_.dc_blocks, block)) to[0] = *dc++;
  }

  const H264Residual& residual_;
  const int16_t* cb_full_;
  const int16_t* cr_full_;
  const int16_t* cb_dc_;
  const int16_t* cr_dc_;
};

// Cb and Cr of one place at a time, since their samples alternate.
void add_chroma(const H264Residual& residual, const H264Target& target) {
  const uint32_t both = residual.full_blocks | residual.dc_blocks;
  if ((both & kChromaBlocks) == 0) return;
  ChromaCoefficients coefficients(residual);
  for (int block = 16; block < 20; ++block) {
    const uint32_t bits = 0x11u << block;
    uint8_t* const pairs = chroma_block(target, block);
    if ((residual.full_blocks & bits) != 0) {
      HWY_ALIGN int16_t values[32];
      coefficients.next(block, values);
      add_chroma_4x4(pairs, target.chroma_stride, values);
    } else if ((both & bits) != 0) {
      const int16_t cb = coefficients.next_cb_dc(block);
      add_chroma_dc(pairs, target.chroma_stride, cb, coefficients.next_cr_dc(block));
    }
  }
}

void add_macroblocks(const H264ResidualMacroblock* macroblocks, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto& [residual, target] = macroblocks[i];
    residual.transform_8x8 ? add_luma_8x8(residual, target) : add_luma_4x4(residual, target);
    add_chroma(residual, target);
  }
}

}  // namespace

const H264IdctFunctions* h264_target_functions() {
  static const H264IdctFunctions functions = {
      .substrate = Substrate::kSimd,
      .target = hwy::TargetName(HWY_TARGET),
      .add_4x4 = add_4x4,
      .add_8x8 = add_8x8,
      .add_4x4_dc = add_4x4_dc,
      .add_8x8_dc = add_8x8_dc,
      .add_chroma = add_chroma,
      .add_macroblocks = add_macroblocks,
  };
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::idct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::idct {

HWY_EXPORT(h264_target_functions);

const H264IdctFunctions& h264_simd_functions() {
  return *HWY_DYNAMIC_DISPATCH(h264_target_functions)();
}

}  // namespace daedalus::gpu_kernels::idct
#endif  // HWY_ONCE
