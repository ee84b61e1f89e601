// Eighth-sample interpolation of chroma (8.4.2.2.2) and weights (8.4.2.3) for one SIMD target. A
// vector holds the 16-bit values of four pairs (or eight luma samples) of a row.
#if defined(DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_
#undef DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_
#else
#define DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_
#endif

#include "gpu_kernels/mc/h264_luma-inl.h"
#include "gpu_kernels/mc/h264_tables.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::mc {
namespace HWY_NAMESPACE {
namespace {

// Reads exactly kWidth bytes, unlike load_values().
template <size_t kWidth>
HWY_INLINE hn::Vec<hn::FixedTag<int16_t, kWidth>> load_pairs(const uint8_t* from) {
  return hn::PromoteTo(hn::FixedTag<int16_t, kWidth>(), hn::LoadU(Samples<kWidth>(), from));
}

template <size_t kWidth>
HWY_INLINE hn::Vec<hn::FixedTag<int16_t, kWidth>> between_pairs(const uint8_t* from, int fx) {
  const hn::FixedTag<int16_t, kWidth> d;
  return hn::Add(hn::Mul(load_pairs<kWidth>(from), hn::Set(d, static_cast<int16_t>(8 - fx))),
                 hn::Mul(load_pairs<kWidth>(from + 2), hn::Set(d, static_cast<int16_t>(fx))));
}

// A strip of kWidth bytes; reads one pair more than it has, and one row.
template <size_t kWidth, bool kAverage>
HWY_NOINLINE void predict_chroma_strip(const Strip& strip, int fx, int fy) {
  const hn::FixedTag<int16_t, kWidth> d;
  const Samples<kWidth> d8;
  const auto upper_weight = hn::Set(d, static_cast<int16_t>(8 - fy));
  const auto lower_weight = hn::Set(d, static_cast<int16_t>(fy));
  const auto rounding = hn::Set(d, 32);
  auto upper = between_pairs<kWidth>(strip.from, fx);
  for (int y = 0; y < strip.rows; ++y) {
    const auto lower = between_pairs<kWidth>(strip.from + (y + 1) * strip.from_stride, fx);
    const auto sum =
        hn::Add(hn::Add(hn::Mul(upper, upper_weight), hn::Mul(lower, lower_weight)), rounding);
    auto pairs = hn::DemoteTo(d8, hn::ShiftRight<6>(sum));
    uint8_t* const to = strip.to + y * strip.to_stride;
    if constexpr (kAverage) pairs = hn::AverageRound(pairs, hn::LoadU(d8, to));
    hn::StoreU(pairs, d8, to);
    upper = lower;
  }
}

// `bytes`: of a row.
template <bool kAverage>
HWY_INLINE void predict_chroma(const Strip& block, int bytes, int fx, int fy) {
  if (fx == 0 && fy == 0) {
    copy_block<kAverage>(block, bytes);
  } else if (bytes == 4) {
    predict_chroma_strip<4, kAverage>(block, fx, fy);
  } else {
    Strip strip = block;
    for (int x = 0; x < bytes; x += 8, strip.from += 8, strip.to += 8) {
      predict_chroma_strip<8, kAverage>(strip, fx, fy);
    }
  }
}

// The two predictions of a block that are combined, 16 bytes a row.
struct Predictions {
  const uint8_t* first;
  const uint8_t* second;
};

// Combinations of even and odd samples, which fit 16 bits and have the same shift.
template <size_t kWidth>
HWY_NOINLINE void combine_strip(Predictions from, const H264Combination& even,
                                const H264Combination& odd, uint8_t* to, ptrdiff_t stride,
                                int rows) {
  const hn::FixedTag<int16_t, kWidth> d;
  const auto alternate = [&](int of_even, int of_odd) HWY_ATTR {
    return hn::OddEven(hn::Set(d, static_cast<int16_t>(of_odd)),
                       hn::Set(d, static_cast<int16_t>(of_even)));
  };
  const auto w0 = alternate(even.w0, odd.w0);
  const auto w1 = alternate(even.w1, odd.w1);
  const auto offset = alternate(even.offset, odd.offset);
  const auto rounding = hn::Set(d, static_cast<int16_t>(even.rounding));
  for (int y = 0; y < rows; ++y) {
    const auto sum = hn::Add(hn::Mul(load_pairs<kWidth>(from.first + 16 * y), w0),
                             hn::Mul(load_pairs<kWidth>(from.second + 16 * y), w1));
    const auto scaled = hn::ShiftRightSame(hn::Add(sum, rounding), even.shift);
    hn::StoreU(hn::DemoteTo(Samples<kWidth>(), hn::SaturatedAdd(scaled, offset)), Samples<kWidth>(),
               to + y * stride);
  }
}

// `bytes`: of a row, 16, 8 or 4.
HWY_INLINE void combine(Predictions from, const H264Combination& even, const H264Combination& odd,
                        uint8_t* to, ptrdiff_t stride, int bytes, int rows) {
  if (!even.fits_16() || !odd.fits_16() || even.shift != odd.shift) {
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < bytes; ++x) {
        const H264Combination& combination = x % 2 != 0 ? odd : even;
        to[y * stride + x] = combination(from.first[16 * y + x], from.second[16 * y + x]);
      }
    }
  } else if (bytes == 4) {
    combine_strip<4>(from, even, odd, to, stride, rows);
  } else {
    for (int x = 0; x < bytes; x += 8) {
      combine_strip<8>({from.first + x, from.second + x}, even, odd, to + x, stride, rows);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::mc
HWY_AFTER_NAMESPACE();

#endif  // include guard of each target
