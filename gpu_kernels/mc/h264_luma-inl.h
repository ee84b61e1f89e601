// Quarter-sample interpolation of luma (8.4.2.2.1) for one SIMD target, in strips of 16, eight or
// four columns. A vector holds a strip's row, in its first lanes; 16-bit values of 16 columns take
// two.
//
// What is read around a strip: two columns left and three right, two rows above and three below, in
// the directions that the vector has a fraction in.
#if defined(DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_
#undef DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_
#else
#define DAEDALUS_GPU_KERNELS_MC_H264_LUMA_INL_H_
#endif

#include "gpu_kernels/mc/h264_lines-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::mc {
namespace HWY_NAMESPACE {
namespace {

// Half samples of kWidth columns.
template <size_t kWidth>
HWY_INLINE Line<kWidth> half_samples(Line<kWidth> a, Line<kWidth> b, Line<kWidth> c, Line<kWidth> d,
                                     Line<kWidth> e, Line<kWidth> f) {
  const Row lower = filter<0>(a, b, c, d, e, f);
  if constexpr (kWidth == 16) {
    return round<5>(lower, filter<1>(a, b, c, d, e, f));
  } else {
    return round<5>(lower);
  }
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

// Samples that a result is averaged with.
struct Other {
  const uint8_t* samples = nullptr;
  ptrdiff_t stride = 0;
};

template <size_t kWidth, bool kHasOther>
HWY_INLINE Line<kWidth> with_other(Line<kWidth> line, const Other& other, int y) {
  if constexpr (!kHasOther) return line;
  return hn::AverageRound(line, load<kWidth>(other.samples + y * other.stride));
}

template <size_t kWidth, bool kHasOther, bool kAverage>
HWY_NOINLINE void horizontal(const Strip& strip, const Other& other) {
  // Not strip's own: stores of bytes might change it.
  const auto [from, from_stride, to, to_stride, rows] = strip;
  const Other second = other;
  for (int y = 0; y < rows; ++y) {
    const uint8_t* const row = from + y * from_stride;
    const Line<kWidth> line =
        half_samples<kWidth>(load<kWidth>(row - 2), load<kWidth>(row - 1), load<kWidth>(row),
                             load<kWidth>(row + 1), load<kWidth>(row + 2), load<kWidth>(row + 3));
    store<kWidth, kAverage>(with_other<kWidth, kHasOther>(line, second, y), to + y * to_stride);
  }
}

// Calls emit(y, six rows from y - 2) for each row; load(y) gives a row. Rows: a multiple of four.
template <typename Step>
HWY_INLINE void roll(const Step& step, int rows) {
  auto r0 = step.load(-2);
  auto r1 = step.load(-1);
  auto r2 = step.load(0);
  auto r3 = step.load(1);
  auto r4 = step.load(2);
  for (int y = 0; y < rows; y += 4) {
    const auto r5 = step.load(y + 3);
    step.emit(y, r0, r1, r2, r3, r4, r5);
    const auto r6 = step.load(y + 4);
    step.emit(y + 1, r1, r2, r3, r4, r5, r6);
    const auto r7 = step.load(y + 5);
    step.emit(y + 2, r2, r3, r4, r5, r6, r7);
    const auto r8 = step.load(y + 6);
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

  HWY_INLINE Line<kWidth> load(int y) const {
    return mc::HWY_NAMESPACE::load<kWidth>(strip.from + y * strip.from_stride);
  }
  HWY_INLINE void emit(int y, Line<kWidth> a, Line<kWidth> b, Line<kWidth> c, Line<kWidth> d,
                       Line<kWidth> e, Line<kWidth> f) const {
    const Line<kWidth> line = half_samples<kWidth>(a, b, c, d, e, f);
    store<kWidth, kAverage>(with_other<kWidth, kHasOther>(line, other, y),
                            strip.to + y * strip.to_stride);
  }
};

template <size_t kWidth, bool kHasOther, bool kAverage>
HWY_NOINLINE void vertical(const Strip& strip, const Other& other) {
  roll(VerticalStep<kWidth, kHasOther, kAverage>{strip, other}, strip.rows);
}

// Which half samples of a row the diagonal ones are averaged with: b, s, or none.
enum class Beside { kNothing, kRow, kRowBelow };

// Of eight or four columns.
template <size_t kWidth, Beside kBeside, bool kAverage>
struct DiagonalStep {
  const Strip strip;

  HWY_INLINE Row load(int y) const {
    const uint8_t* const row = strip.from + y * strip.from_stride;
    const auto at = [&](int x) HWY_ATTR { return mc::HWY_NAMESPACE::load<kWidth>(row + x); };
    return filter<0>(at(-2), at(-1), at(0), at(1), at(2), at(3));
  }
  HWY_INLINE void emit(int y, Row a, Row b, Row c, Row d, Row e, Row f) const {
    Line<kWidth> line = round<6>(filter_again(a, b, c, d, e, f));
    if constexpr (kBeside == Beside::kRow) line = hn::AverageRound(line, round<5>(c));
    if constexpr (kBeside == Beside::kRowBelow) line = hn::AverageRound(line, round<5>(d));
    store<kWidth, kAverage>(line, strip.to + y * strip.to_stride);
  }
};

template <size_t kWidth, Beside kBeside, bool kAverage>
HWY_NOINLINE void diagonal(const Strip& strip) {
  if constexpr (kWidth == 16) {
    diagonal<8, kBeside, kAverage>(strip);
    diagonal<8, kBeside, kAverage>(
        {strip.from + 8, strip.from_stride, strip.to + 8, strip.to_stride, strip.rows});
  } else {
    roll(DiagonalStep<kWidth, kBeside, kAverage>{strip}, strip.rows);
  }
}

// Between a half sample of a row and one of a column, or the diagonal one: the first is kept aside,
// the one of the column comes last, averaged with it.
template <size_t kWidth, bool kAverage>
HWY_NOINLINE void between_half_samples(const Strip& strip, int fx, int fy) {
  HWY_ALIGN uint8_t first[16 * kWidth];
  const Strip aside = {strip.from + (fy == 3 ? strip.from_stride : 0), strip.from_stride, first,
                       kWidth, strip.rows};
  if (fy == 2) {
    diagonal<kWidth, Beside::kNothing, false>(aside);
  } else {
    horizontal<kWidth, false, false>(aside, {});
  }
  vertical<kWidth, true, kAverage>(
      {strip.from + (fx == 3 ? 1 : 0), strip.from_stride, strip.to, strip.to_stride, strip.rows},
      {first, kWidth});
}

// Any fraction but (0, 0), in quarter samples (table 8-12).
template <size_t kWidth, bool kAverage>
HWY_NOINLINE void predict_strip(const Strip& strip, int fx, int fy) {
  const uint8_t* const right = strip.from + (fx == 3 ? 1 : 0);
  const uint8_t* const below = strip.from + (fy == 3 ? strip.from_stride : 0);
  if (fy == 0) {
    fx == 2 ? horizontal<kWidth, false, kAverage>(strip, {})
            : horizontal<kWidth, true, kAverage>(strip, {right, strip.from_stride});
  } else if (fx == 0) {
    fy == 2 ? vertical<kWidth, false, kAverage>(strip, {})
            : vertical<kWidth, true, kAverage>(strip, {below, strip.from_stride});
  } else if (fx != 2) {
    between_half_samples<kWidth, kAverage>(strip, fx, fy);
  } else if (fy == 2) {
    diagonal<kWidth, Beside::kNothing, kAverage>(strip);
  } else {
    fy == 1 ? diagonal<kWidth, Beside::kRow, kAverage>(strip)
            : diagonal<kWidth, Beside::kRowBelow, kAverage>(strip);
  }
}

// A block of 16, 8 or 4 columns.
template <bool kAverage>
HWY_INLINE void predict_luma(const Strip& block, int width, int fx, int fy) {
  if (fx == 0 && fy == 0) {
    copy_block<kAverage>(block, width);
  } else if (width == 16) {
    predict_strip<16, kAverage>(block, fx, fy);
  } else if (width == 8) {
    predict_strip<8, kAverage>(block, fx, fy);
  } else {
    predict_strip<4, kAverage>(block, fx, fy);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::mc
HWY_AFTER_NAMESPACE();

#endif  // include guard of each target
