// Eighth-sample interpolation of chroma (8.4.2.2.2) and weights (8.4.2.3) for one SIMD target. A
// vector holds a row of up to eight pairs.
#if defined(DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_
#undef DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_
#else
#define DAEDALUS_GPU_KERNELS_MC_H264_CHROMA_INL_H_
#endif

#include "gpu_kernels/mc/h264_lines-inl.h"
#include "gpu_kernels/mc/h264_tables.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::mc {
namespace HWY_NAMESPACE {
namespace {

// Between samples and those `step` bytes on, in eighths (`fraction`).
template <size_t kWidth, bool kAverage>
HWY_NOINLINE void predict_chroma_between(const Strip& strip, ptrdiff_t step, int fraction) {
  const Weights w(8 - fraction, fraction);
  // Not strip's own: stores of bytes might change it.
  const auto [from, from_stride, to, to_stride, rows] = strip;
  for (int y = 0; y < rows; ++y) {
    const Line<kWidth> first = load<kWidth>(from + y * from_stride);
    const Line<kWidth> second = load<kWidth>(from + y * from_stride + step);
    Line<kWidth> line;
    if constexpr (kWidth == 16) {
      line = round<3>(weighted_sum<0>(first, second, w), weighted_sum<1>(first, second, w));
    } else {
      line = round<3>(weighted_sum<0>(first, second, w));
    }
    store<kWidth, kAverage>(line, to + y * to_stride);
  }
}

// Samples with those right of them, of one row.
template <size_t kWidth>
struct Pairs {
  Line<kWidth> left;
  Line<kWidth> right;
};

template <size_t kWidth>
HWY_INLINE Pairs<kWidth> load_pairs(const uint8_t* from) {
  return {load<kWidth>(from), load<kWidth>(from + 2)};
}

// The weighted sum of (8-270), of lanes 0 to 7 or 8 to 15.
struct ChromaFilter {
  Weights upper;
  Weights lower;

  template <size_t kHalf, size_t kWidth>
  HWY_INLINE Row sum(const Pairs<kWidth>& above, const Pairs<kWidth>& below) const {
    return hn::Add(weighted_sum<kHalf>(above.left, above.right, upper),
                   weighted_sum<kHalf>(below.left, below.right, lower));
  }
};

template <size_t kWidth, bool kAverage>
HWY_NOINLINE void predict_chroma_strip(const Strip& strip, int fx, int fy) {
  const ChromaFilter filter = {Weights((8 - fx) * (8 - fy), fx * (8 - fy)),
                               Weights((8 - fx) * fy, fx * fy)};
  const auto [from, from_stride, to, to_stride, rows] = strip;
  Pairs<kWidth> above = load_pairs<kWidth>(from);
  for (int y = 0; y < rows; ++y) {
    const Pairs<kWidth> below = load_pairs<kWidth>(from + (y + 1) * from_stride);
    Line<kWidth> line;
    if constexpr (kWidth == 16) {
      line = round<6>(filter.sum<0>(above, below), filter.sum<1>(above, below));
    } else {
      line = round<6>(filter.sum<0>(above, below));
    }
    store<kWidth, kAverage>(line, to + y * to_stride);
    above = below;
  }
}

// Any fraction but (0, 0). Reads a pair more than the strip has, and a row, in the directions that
// the vector has a fraction in.
template <size_t kWidth, bool kAverage>
HWY_INLINE void predict_chroma_fraction(const Strip& strip, int fx, int fy) {
  if (fy == 0) {
    predict_chroma_between<kWidth, kAverage>(strip, 2, fx);
  } else if (fx == 0) {
    predict_chroma_between<kWidth, kAverage>(strip, strip.from_stride, fy);
  } else {
    predict_chroma_strip<kWidth, kAverage>(strip, fx, fy);
  }
}

// `bytes`: of a row, 16, 8 or 4.
template <bool kAverage>
HWY_INLINE void predict_chroma(const Strip& block, int bytes, int fx, int fy) {
  if (fx == 0 && fy == 0) {
    copy_block<kAverage>(block, bytes);
  } else if (bytes == 16) {
    predict_chroma_fraction<16, kAverage>(block, fx, fy);
  } else if (bytes == 8) {
    predict_chroma_fraction<8, kAverage>(block, fx, fy);
  } else {
    predict_chroma_fraction<4, kAverage>(block, fx, fy);
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
  const auto values = [&](const uint8_t* samples) HWY_ATTR {
    return hn::PromoteTo(d, hn::LoadU(Samples<kWidth>(), samples));
  };
  for (int y = 0; y < rows; ++y) {
    const auto sum = hn::Add(hn::Mul(values(from.first + 16 * y), w0),
                             hn::Mul(values(from.second + 16 * y), w1));
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
