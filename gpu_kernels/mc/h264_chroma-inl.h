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

// Stores samples; with kAverage their average with what is there.
template <size_t kWidth, bool kAverage>
HWY_INLINE void store_chroma(hn::Vec<Samples<kWidth>> samples, uint8_t* to) {
  const Samples<kWidth> d;
  if constexpr (kAverage) samples = hn::AverageRound(samples, hn::LoadU(d, to));
  hn::StoreU(samples, d, to);
}

// The weighted sum of (8-270) over kWidth samples: of a row's with the samples right of them, and
// of those below. Multiplications of bytes, which Highway does not name, take half the
// instructions.
template <size_t kWidth>
class ChromaFilter {
 public:
  ChromaFilter(int fx, int fy)
      : upper_(weights((8 - fx) * (8 - fy), fx * (8 - fy))),
        lower_(weights((8 - fx) * fy, fx * fy)) {}

#if HWY_ARCH_ARM
  struct Row {
    hn::Vec<Samples<kWidth>> left;
    hn::Vec<Samples<kWidth>> right;
  };

  HWY_INLINE static Row load(const uint8_t* from) {
    const Samples<kWidth> d;
    return {hn::LoadU(d, from), hn::LoadU(d, from + 2)};
  }
  HWY_INLINE hn::Vec<Samples<kWidth>> operator()(const Row& upper, const Row& lower) const {
    const auto above =
        vmlal_u8(vmull_u8(upper.left.raw, upper_.left.raw), upper.right.raw, upper_.right.raw);
    const auto both = vmlal_u8(vmlal_u8(above, lower.left.raw, lower_.left.raw), lower.right.raw,
                               lower_.right.raw);
    return hn::Vec<Samples<kWidth>>(vrshrn_n_u16(both, 6));
  }

 private:
  HWY_INLINE static Row weights(int left, int right) {
    const Samples<kWidth> d;
    return {hn::Set(d, static_cast<uint8_t>(left)), hn::Set(d, static_cast<uint8_t>(right))};
  }
#elif HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2
  // Left and right by turns.
  using Row = hn::Vec<Samples<16>>;

  HWY_INLINE static Row load(const uint8_t* from) {
    const Samples<kWidth> d;
    return Row{_mm_unpacklo_epi8(hn::LoadU(d, from).raw, hn::LoadU(d, from + 2).raw)};
  }
  HWY_INLINE hn::Vec<Samples<kWidth>> operator()(Row upper, Row lower) const {
    const __m128i sum = _mm_add_epi16(_mm_maddubs_epi16(upper.raw, upper_.raw),
                                      _mm_maddubs_epi16(lower.raw, lower_.raw));
    const __m128i rounded = _mm_srli_epi16(_mm_add_epi16(sum, _mm_set1_epi16(32)), 6);
    return hn::Vec<Samples<kWidth>>{_mm_packus_epi16(rounded, rounded)};
  }

 private:
  HWY_INLINE static Row weights(int left, int right) {
    return Row{_mm_set1_epi16(static_cast<int16_t>(left | right << 8))};
  }
#else
  using Tag = hn::FixedTag<int16_t, kWidth>;
  struct Row {
    hn::Vec<Tag> left;
    hn::Vec<Tag> right;
  };

  HWY_INLINE static Row load(const uint8_t* from) {
    return {load_pairs<kWidth>(from), load_pairs<kWidth>(from + 2)};
  }
  HWY_INLINE hn::Vec<Samples<kWidth>> operator()(const Row& upper, const Row& lower) const {
    const auto sum =
        hn::Add(hn::Add(hn::Mul(upper.left, upper_.left), hn::Mul(upper.right, upper_.right)),
                hn::Add(hn::Mul(lower.left, lower_.left), hn::Mul(lower.right, lower_.right)));
    return hn::DemoteTo(Samples<kWidth>(), hn::ShiftRight<6>(hn::Add(sum, hn::Set(Tag(), 32))));
  }

 private:
  HWY_INLINE static Row weights(int left, int right) {
    return {hn::Set(Tag(), static_cast<int16_t>(left)),
            hn::Set(Tag(), static_cast<int16_t>(right))};
  }
#endif
  Row upper_;
  Row lower_;
};

// A strip of kWidth bytes; reads one pair more than it has, and one row.
template <size_t kWidth, bool kAverage>
HWY_NOINLINE void predict_chroma_strip(const Strip& strip, int fx, int fy) {
  using Filter = ChromaFilter<kWidth>;
  const Filter filter(fx, fy);
  // Not strip's own: stores of bytes might change it.
  const auto [from, from_stride, to, to_stride, rows] = strip;
  auto upper = Filter::load(from);
  for (int y = 0; y < rows; ++y) {
    const auto lower = Filter::load(from + (y + 1) * from_stride);
    store_chroma<kWidth, kAverage>(filter(upper, lower), to + y * to_stride);
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
