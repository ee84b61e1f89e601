// Quarter-sample interpolation of luma (8.4.2.2.1) for one SIMD target, in strips of eight columns
// (of four for blocks that are no wider): a vector holds the 16-bit values of a strip's row.
//
// What may be read around a strip whose rows start at `from`: two columns left and 14 right of its
// first, two rows above and three below, in the directions that the vector has a fraction in.
#if defined(DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_
#undef DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_
#else
#define DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::mc {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <size_t kCount>
using Samples = hn::FixedTag<uint8_t, kCount>;
using Values = hn::FixedTag<int16_t, 8>;
using Row = hn::Vec<Values>;         // before rounding
using RowOf8 = hn::Vec<Samples<8>>;  // samples

// Clip1((value + (1 << (kShift - 1))) >> kShift).
template <int kShift>
HWY_INLINE RowOf8 round_to_samples(Row values) {
#if HWY_ARCH_ARM
  return RowOf8(vqrshrun_n_s16(values.raw, kShift));
#else
  const Values d;
  return hn::DemoteTo(Samples<8>(),
                      hn::ShiftRight<kShift>(hn::Add(values, hn::Set(d, 1 << (kShift - 1)))));
#endif
}

HWY_INLINE Row load_values(const uint8_t* from) {
  return hn::PromoteTo(Values(), hn::LoadU(Samples<8>(), from));
}

// Stores a strip's row; with kAverage its average with what is there.
template <size_t kWidth, bool kAverage>
HWY_INLINE void store_row(RowOf8 row, uint8_t* to) {
  const Samples<kWidth> d;
  hn::Vec<Samples<kWidth>> samples;
  if constexpr (kWidth == 8) {
    samples = row;
  } else {
    samples = hn::LowerHalf(d, row);
  }
  if constexpr (kAverage) samples = hn::AverageRound(samples, hn::LoadU(d, to));
  hn::StoreU(samples, d, to);
}

// The filter of half samples (8-241): (1, -5, 20, 20, -5, 1).
HWY_INLINE Row filter(Row a, Row b, Row c, Row d, Row e, Row f) {
  const Values tag;
  const Row outer = hn::Add(a, f);
  const Row near = hn::Add(b, e);
  const Row middle = hn::Add(c, d);
  return hn::Sub(hn::Add(outer, hn::Mul(middle, hn::Set(tag, 20))), hn::Mul(near, hn::Set(tag, 5)));
}

// The filter of values that are filtered already, divided by 16 (8-245). Only the inner sum can
// exceed 16 bits, and then the result is far beyond a sample either way.
HWY_INLINE Row filter_again(Row a, Row b, Row c, Row d, Row e, Row f) {
  const Row outer = hn::Add(a, f);
  const Row near = hn::Add(b, e);
  const Row middle = hn::Add(c, d);
  const Row inner =
      hn::SaturatedAdd(hn::Sub(hn::ShiftRight<2>(hn::Sub(outer, near)), near), middle);
  return hn::Add(hn::ShiftRight<2>(inner), middle);
}

HWY_INLINE Row filter_row(const uint8_t* from) {
  const Values d;
  const auto bytes = hn::LoadU(Samples<16>(), from - 2);
  const Row low = hn::PromoteTo(d, hn::LowerHalf(Samples<8>(), bytes));
  const Row high = hn::PromoteTo(d, hn::UpperHalf(Samples<8>(), bytes));
  return filter(
      low, hn::CombineShiftRightBytes<2>(d, high, low), hn::CombineShiftRightBytes<4>(d, high, low),
      hn::CombineShiftRightBytes<6>(d, high, low), hn::CombineShiftRightBytes<8>(d, high, low),
      hn::CombineShiftRightBytes<10>(d, high, low));
}

struct Strip {
  const uint8_t* from;
  ptrdiff_t from_stride;
  uint8_t* to;
  ptrdiff_t to_stride;
  int rows;  // a multiple of four
};

// Samples that a result is averaged with.
struct Other {
  const uint8_t* samples = nullptr;
  ptrdiff_t stride = 0;
};

template <bool kHasOther>
HWY_INLINE RowOf8 with_other(RowOf8 row, const Other& other, int y) {
  if constexpr (!kHasOther) return row;
  return hn::AverageRound(row, hn::LoadU(Samples<8>(), other.samples + y * other.stride));
}

template <size_t kWidth, bool kHasOther, bool kAverage>
HWY_NOINLINE void horizontal(const Strip& strip, const Other& other) {
  // Not strip's own: stores of bytes might change it.
  const auto [from, from_stride, to, to_stride, rows] = strip;
  const Other second = other;
  for (int y = 0; y < rows; ++y) {
    const RowOf8 row = round_to_samples<5>(filter_row(from + y * from_stride));
    store_row<kWidth, kAverage>(with_other<kHasOther>(row, second, y), to + y * to_stride);
  }
}

// Calls emit(y, six rows from y - 2) for each row; load(y) gives a row.
template <typename Step>
HWY_INLINE void roll(const Step& step, int rows) {
  Row r0 = step.load(-2);
  Row r1 = step.load(-1);
  Row r2 = step.load(0);
  Row r3 = step.load(1);
  Row r4 = step.load(2);
  for (int y = 0; y < rows; y += 4) {
    const Row r5 = step.load(y + 3);
    step.emit(y, r0, r1, r2, r3, r4, r5);
    const Row r6 = step.load(y + 4);
    step.emit(y + 1, r1, r2, r3, r4, r5, r6);
    const Row r7 = step.load(y + 5);
    step.emit(y + 2, r2, r3, r4, r5, r6, r7);
    const Row r8 = step.load(y + 6);
    step.emit(y + 3, r3, r4, r5, r6, r7, r8);
    r0 = r4;
    r1 = r5;
    r2 = r6;
    r3 = r7;
    r4 = r8;
  }
}

template <size_t kWidth, bool kHasOther, bool kAverage>
struct VerticalStep {
  const Strip strip;
  const Other other;

  HWY_INLINE Row load(int y) const { return load_values(strip.from + y * strip.from_stride); }
  HWY_INLINE void emit(int y, Row a, Row b, Row c, Row d, Row e, Row f) const {
    const RowOf8 row = round_to_samples<5>(filter(a, b, c, d, e, f));
    store_row<kWidth, kAverage>(with_other<kHasOther>(row, other, y),
                                strip.to + y * strip.to_stride);
  }
};

template <size_t kWidth, bool kHasOther, bool kAverage>
HWY_NOINLINE void vertical(const Strip& strip, const Other& other) {
  roll(VerticalStep<kWidth, kHasOther, kAverage>{strip, other}, strip.rows);
}

// Which half samples of a row the diagonal ones are averaged with: b, s, or none.
enum class Beside { kNothing, kRow, kRowBelow };

template <size_t kWidth, Beside kBeside, bool kAverage>
struct DiagonalStep {
  const Strip strip;

  HWY_INLINE Row load(int y) const { return filter_row(strip.from + y * strip.from_stride); }
  HWY_INLINE void emit(int y, Row a, Row b, Row c, Row d, Row e, Row f) const {
    RowOf8 row = round_to_samples<6>(filter_again(a, b, c, d, e, f));
    if constexpr (kBeside == Beside::kRow) row = hn::AverageRound(row, round_to_samples<5>(c));
    if constexpr (kBeside == Beside::kRowBelow) row = hn::AverageRound(row, round_to_samples<5>(d));
    store_row<kWidth, kAverage>(row, strip.to + y * strip.to_stride);
  }
};

template <size_t kWidth, Beside kBeside, bool kAverage>
HWY_NOINLINE void diagonal(const Strip& strip) {
  roll(DiagonalStep<kWidth, kBeside, kAverage>{strip}, strip.rows);
}

// Any fraction but (0, 0), in quarter samples (table 8-12). Where the second of two half samples
// is one of a column it comes last, averaged with the first, which is kept aside.
template <size_t kWidth, bool kAverage>
void predict_strip(const Strip& strip, int fx, int fy) {
  const ptrdiff_t right = fx == 3 ? 1 : 0;
  const ptrdiff_t below = fy == 3 ? strip.from_stride : 0;
  if (fy == 0) {
    fx == 2 ? horizontal<kWidth, false, kAverage>(strip, {})
            : horizontal<kWidth, true, kAverage>(strip, {strip.from + right, strip.from_stride});
    return;
  }
  if (fx == 0) {
    fy == 2 ? vertical<kWidth, false, kAverage>(strip, {})
            : vertical<kWidth, true, kAverage>(strip, {strip.from + below, strip.from_stride});
    return;
  }
  if (fx == 2) {
    fy == 2   ? diagonal<kWidth, Beside::kNothing, kAverage>(strip)
    : fy == 1 ? diagonal<kWidth, Beside::kRow, kAverage>(strip)
              : diagonal<kWidth, Beside::kRowBelow, kAverage>(strip);
    return;
  }
  HWY_ALIGN uint8_t first[16 * 8];
  const Strip aside = {strip.from, strip.from_stride, first, 8, strip.rows};
  if (fy == 2) {
    diagonal<8, Beside::kNothing, false>(aside);
  } else {
    horizontal<8, false, false>({strip.from + below, strip.from_stride, first, 8, strip.rows}, {});
  }
  vertical<kWidth, true, kAverage>(
      {strip.from + right, strip.from_stride, strip.to, strip.to_stride, strip.rows}, {first, 8});
}

template <size_t kWidth, bool kAverage>
HWY_INLINE void copy_rows(const Strip& strip) {
  const Samples<kWidth> d;
  const auto [from, from_stride, to_first, to_stride, rows] = strip;
  for (int y = 0; y < rows; ++y) {
    auto samples = hn::LoadU(d, from + y * from_stride);
    uint8_t* const to = to_first + y * to_stride;
    if constexpr (kAverage) samples = hn::AverageRound(samples, hn::LoadU(d, to));
    hn::StoreU(samples, d, to);
  }
}

// A block of 16, 8 or 4 bytes a row, of luma or of pairs of chroma. Any number of rows.
template <bool kAverage>
HWY_NOINLINE void copy_block(const Strip& block, int bytes) {
  if (bytes == 16) {
    copy_rows<16, kAverage>(block);
  } else if (bytes == 8) {
    copy_rows<8, kAverage>(block);
  } else {
    copy_rows<4, kAverage>(block);
  }
}

template <bool kAverage>
HWY_INLINE void predict_luma(const Strip& block, int width, int fx, int fy) {
  if (fx == 0 && fy == 0) {
    copy_block<kAverage>(block, width);
  } else if (width == 4) {
    predict_strip<4, kAverage>(block, fx, fy);
  } else {
    Strip strip = block;
    for (int x = 0; x < width; x += 8, strip.from += 8, strip.to += 8) {
      predict_strip<8, kAverage>(strip, fx, fy);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::mc
HWY_AFTER_NAMESPACE();

#endif  // include guard of each target
