// Film grain in Highway, compiled once for each SIMD target. A row goes by segments: their noise,
// gathered from the blocks, and their scaling, looked up, lie in small buffers; adding and storing
// is then the same for every sample.
//
// (scaling * noise) rounded by 8 to 11 bits is one multiplication with rounding by 15 bits: the
// scaling, of 8 bits, is shifted to the left first.

#include "gpu_kernels/film_grain/av1_tables.h"
#include "gpu_kernels/film_grain/av1_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/film_grain/av1_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"
// Once more for each target.
#include "gpu_kernels/film_grain/av1_look_up-inl.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::film_grain {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const Av1FilmGrainFunctions* av1_target_functions() { return &av1_scalar_functions(); }

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Planes = Av1FilmGrainFunctions::Planes;

constexpr size_t kLanes = hn::MaxLanes(hn::ScalableTag<int16_t>());
// The samples of a vector of bytes: what is shorter is the reference's.
constexpr size_t kShortest = 2 * kLanes;
// Samples of a segment: blocks of luma and chroma fit in. The last one takes what would be less
// than a vector with it.
constexpr size_t kSegment = 512;
constexpr size_t kLongestSegment = kSegment + kShortest;
// Buffers are written in whole blocks, of which the first and the last may lie in part outside.
constexpr size_t kBuffer = kLongestSegment + 2 * kLumaBlocks.size();

using Words = hn::FixedTag<int16_t, kLanes>;
using Bytes = hn::Rebind<uint8_t, Words>;
using AllBytes = hn::Repartition<uint8_t, Words>;
using HalfWords = hn::Half<Words>;
using Sums = hn::Rebind<int32_t, HalfWords>;
using V = hn::Vec<Words>;

// A vector of samples of one or two bytes.
template <typename Sample>
using Tag = hn::Repartition<Sample, Words>;
template <typename Sample>
using Samples = hn::Vec<Tag<Sample>>;
template <typename Sample>
constexpr size_t kVector = 2 * kLanes / sizeof(Sample);

HWY_INLINE V word(int value) { return hn::Set(Words(), static_cast<int16_t>(value)); }

// From unaligned samples.
template <typename Sample>
HWY_INLINE Samples<Sample> load(const uint8_t* from, size_t x) {
  return hn::BitCast(Tag<Sample>(), hn::LoadU(AllBytes(), from + x * sizeof(Sample)));
}

template <int kShift, typename Sample>
HWY_INLINE Samples<Sample> shifted(Samples<Sample> samples) {
  if constexpr (kShift == 0) {
    return samples;
  } else {
    return hn::ShiftLeft<kShift>(samples);
  }
}

template <typename Sample, int kShift>
HWY_INLINE void store(Samples<Sample> samples, uint8_t* to, size_t x) {
  const auto out = hn::BitCast(AllBytes(), shifted<kShift, Sample>(samples));
  hn::StoreU(out, AllBytes(), to + x * sizeof(Sample));
}

template <typename Sample, int kShift>
HWY_INLINE void store_pairs(Samples<Sample> cb, Samples<Sample> cr, uint8_t* to, size_t x) {
  hn::StoreInterleaved2(shifted<kShift, Sample>(cb), shifted<kShift, Sample>(cr), Tag<Sample>(),
                        reinterpret_cast<Sample*>(to + 2 * x * sizeof(Sample)));
}

// Steps of kLanes samples or as many as a vector of Sample has; the last overlaps the one before
// it. At least one.
template <size_t kStep, typename Step>
HWY_INLINE void in_vectors(size_t count, const Step& step) {
  size_t x = 0;
  for (; x + kStep <= count; x += kStep) step(x);
  if (x != count) step(count - kStep);
}

// A part of a row: `count` samples from column x on.
struct Segment {
  uint32_t x;
  uint32_t y;
  size_t count;
};

// Shares of 32 of old and new noise.
template <typename D>
struct Blend {
  using N = hn::Vec<D>;
  HWY_INLINE Blend(N old_share, N share, int bit_depth)
      : old_weight(old_share),
        weight(share),
        lowest(hn::Set(D(), static_cast<int16_t>(grain_min(bit_depth)))),
        highest(hn::Set(D(), static_cast<int16_t>(grain_max(bit_depth)))) {}
  HWY_INLINE N of(N old_noise, N noise) const {
    const N sum = hn::Add(hn::Mul(old_noise, old_weight), hn::Mul(noise, weight));
    return hn::Clamp(hn::ShiftRight<5>(hn::Add(sum, hn::Set(D(), int16_t{16}))), lowest, highest);
  }
  N old_weight;
  N weight;
  N lowest;
  N highest;
};

// The weights of a block's first columns, those that overlap the block to its left and others.
template <size_t kPlane>
struct LeftWeights {
  constexpr LeftWeights() {
    constexpr const BlockLayout& kLayout = blocks_of(kPlane);
    for (uint32_t x = 0; x < kLayout.size(); ++x) {
      const bool overlaps = x < kLayout.overlap;
      old_weight[x] = static_cast<int16_t>(overlaps ? kLayout.weights[x][0] : 0);
      weight[x] = static_cast<int16_t>(overlaps ? kLayout.weights[x][1] : 32);
    }
  }
  std::array<int16_t, blocks_of(kPlane).size()> old_weight{};
  std::array<int16_t, blocks_of(kPlane).size()> weight{};
};

// Row i of a stripe's noise: all samples of the blocks from `first` to `last`.
template <size_t kPlane>
HWY_INLINE void gather_stripe(const Av1FilmGrain& grain, size_t plane, uint32_t stripe, uint32_t i,
                              uint32_t first, uint32_t last, int16_t* HWY_RESTRICT to) {
  constexpr uint32_t kSize = blocks_of(kPlane).size();
  constexpr size_t kPart = std::min<size_t>(kLanes, 16);
  static constexpr LeftWeights<kPlane> kWeights;
  const hn::FixedTag<int16_t, kPart> d;
  const Blend<decltype(d)> blend(hn::LoadU(d, kWeights.old_weight.data()),
                                 hn::LoadU(d, kWeights.weight.data()), grain.size.bit_depth);
  const int16_t* left =
      grain.overlap && first != 0 ? block_row(grain, plane, stripe, first - 1, i) : nullptr;
  for (uint32_t block = first; block <= last; ++block, to += kSize) {
    const int16_t* noise = block_row(grain, plane, stripe, block, i);
    auto begin = hn::LoadU(d, noise);
    if (left != nullptr) {
      begin = blend.of(hn::LoadU(d, left + kSize), begin);
    }
    hn::StoreU(begin, d, to);
    for (size_t j = kPart; j < kSize; j += kPart) hn::StoreU(hn::LoadU(d, noise + j), d, to + j);
    if (grain.overlap) left = noise;
  }
}

// Where a segment of the noise image lies in `buffer` then. kPlane 0: luma; 1: chroma, of which
// `plane` is one.
template <size_t kPlane>
HWY_INLINE const int16_t* gather_noise(const Av1FilmGrain& grain, size_t plane,
                                       const Segment& segment, int16_t* buffer) {
  constexpr const BlockLayout& kLayout = blocks_of(kPlane);
  const uint32_t stripe = segment.y >> kLayout.log2_size;
  const uint32_t i = segment.y % kLayout.size();
  const uint32_t first = segment.x >> kLayout.log2_size;
  const auto last = static_cast<uint32_t>((segment.x + segment.count - 1) >> kLayout.log2_size);
  gather_stripe<kPlane>(grain, plane, stripe, i, first, last, buffer);
  if (grain.overlap && stripe != 0 && i < kLayout.overlap) {
    int16_t old_noise[kBuffer];
    gather_stripe<kPlane>(grain, plane, stripe - 1, i + kLayout.size(), first, last, old_noise);
    const Words d;
    const auto [old_weight, weight] = kLayout.weights[i];
    const Blend<Words> blend(word(old_weight), word(weight), grain.size.bit_depth);
    // Of chroma the last vector may have half a block too much.
    const size_t count = (last - first + 1) * size_t{kLayout.size()};
    for (size_t x = 0; x < count; x += kLanes) {
      hn::StoreU(blend.of(hn::LoadU(d, old_noise + x), hn::LoadU(d, buffer + x)), d, buffer + x);
    }
  }
  return buffer + segment.x % kLayout.size();
}

// What fits into bytes, two vectors in one.
HWY_INLINE hn::Vec<Tag<int8_t>> narrow(V lower, V upper) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  const __m512i in_order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  return hn::Vec<Tag<int8_t>>{
      _mm512_permutexvar_epi64(in_order, _mm512_packs_epi16(lower.raw, upper.raw))};
#elif HWY_TARGET == HWY_AVX2
  return hn::Vec<Tag<int8_t>>{
      _mm256_permute4x64_epi64(_mm256_packs_epi16(lower.raw, upper.raw), 0xD8)};
#else
  const hn::Half<Tag<int8_t>> half;
  return hn::Combine(Tag<int8_t>(), hn::DemoteTo(half, upper), hn::DemoteTo(half, lower));
#endif
}

// What the samples of one plane become.
class Adder {
 public:
  Adder(const Av1FilmGrain& grain, size_t plane)
      : shift_(15 - grain.scaling_shift),
        min_value_(grain.planes[plane].min_value),
        max_value_(grain.planes[plane].max_value) {}

  // A vector's of samples; their scaling and noise begin at the addresses.
  HWY_INLINE Samples<uint8_t> add(Samples<uint8_t> samples, const uint8_t* scaling,
                                  const int16_t* noise) const {
    // A sum of signed bytes saturates where one of the samples would.
    const Tag<uint8_t> d;
    const Tag<int8_t> with_sign;
    const auto sign = hn::Set(d, uint8_t{0x80});
    const auto scaled =
        narrow(scaled_noise(scaling, noise), scaled_noise(scaling + kLanes, noise + kLanes));
    const auto sum = hn::SaturatedAdd(hn::BitCast(with_sign, hn::Xor(samples, sign)), scaled);
    return hn::Clamp(hn::Xor(hn::BitCast(d, sum), sign),
                     hn::Set(d, static_cast<uint8_t>(min_value_)),
                     hn::Set(d, static_cast<uint8_t>(max_value_)));
  }
  HWY_INLINE Samples<uint16_t> add(Samples<uint16_t> samples, const uint8_t* scaling,
                                   const int16_t* noise) const {
    const V sum = hn::Add(hn::BitCast(Words(), samples), scaled_noise(scaling, noise));
    return hn::BitCast(Tag<uint16_t>(), hn::Clamp(sum, word(min_value_), word(max_value_)));
  }

 private:
  HWY_INLINE V scaled_noise(const uint8_t* scaling, const int16_t* noise) const {
    const V wide = hn::PromoteTo(Words(), hn::LoadU(Bytes(), scaling));
    return hn::MulFixedPoint15(hn::ShiftLeftSame(wide, shift_), hn::LoadU(Words(), noise));
  }

  int shift_;
  int min_value_;
  int max_value_;
};

// Rows of `width` samples by segments: step(first column of the target, segment).
template <typename Step>
HWY_INLINE void in_segments(const Av1GrainWindow& window, uint32_t row, const Step& step) {
  for (uint32_t x = 0; x < window.band.width;) {
    const uint32_t rest = window.band.width - x;
    const uint32_t count = rest > kLongestSegment ? static_cast<uint32_t>(kSegment) : rest;
    step(x, Segment{window.x + x, window.y + row, count});
    x += count;
  }
}

template <typename Sample, int kShift>
void luma_segment(const Av1FilmGrain& grain, const uint8_t* from, const Segment& segment,
                  uint8_t* to) {
  uint8_t scaling[kBuffer];
  look_up<Sample>(grain.planes[0], from, segment.count, scaling);
  int16_t buffer[kBuffer];
  const int16_t* const noise = gather_noise<0>(grain, 0, segment, buffer);
  const Adder adder(grain, 0);
  in_vectors<kVector<Sample>>(segment.count, [&](size_t x) HWY_ATTR {
    store<Sample, kShift>(adder.add(load<Sample>(from, x), scaling + x, noise + x), to, x);
  });
}

template <typename Sample, int kShift>
void luma(const Av1FilmGrain& grain, SourcePlane luma, TargetPlane to,
          const Av1GrainWindow& window) {
  for (uint32_t row = window.band.first_row; row < window.band.end_row; ++row) {
    in_segments(window, row, [&](uint32_t x, const Segment& segment) {
      const uint8_t* from = row_of(luma, segment.y) + segment.x * sizeof(Sample);
      luma_segment<Sample, kShift>(grain, from, segment, row_of(to, row) + x * sizeof(Sample));
    });
  }
}

// The averages of the two luma samples over each chroma sample; `luma` is the first of them. The
// picture's last column may have no neighbour.
template <typename Sample>
void average_luma(const uint8_t* luma, size_t count, size_t pairs, Sample* HWY_RESTRICT to) {
  size_t done = 0;
  if (pairs >= kVector<Sample>) {
    in_vectors<kVector<Sample>>(pairs, [&](size_t x) HWY_ATTR {
      const Tag<Sample> d;
      Samples<Sample> even;
      Samples<Sample> odd;
      hn::LoadInterleaved2(d, reinterpret_cast<const Sample*>(luma + 2 * x * sizeof(Sample)), even,
                           odd);
      hn::StoreU(hn::AverageRound(even, odd), d, to + x);
    });
    done = pairs;
  }
  for (size_t x = done; x < count; ++x) {
    const int left = sample_at<Sample>(luma, 2 * x);
    const int right = x < pairs ? sample_at<Sample>(luma, 2 * x + 1) : left;
    to[x] = static_cast<Sample>((left + right + 1) >> 1);
  }
}

// By which value each chroma sample is scaled. In words: sums that saturate are beyond the clipping
// whatever the offset.
HWY_INLINE void merge(const Av1PlaneGrain& plane, const uint8_t* HWY_RESTRICT average,
                      const uint8_t* HWY_RESTRICT chroma, size_t count, uint8_t* HWY_RESTRICT to) {
  const V luma_mult = word(plane.luma_mult);
  const V mult = word(plane.mult);
  const V offset = word(plane.offset);
  const Words d;
  in_vectors<kLanes>(count, [&](size_t x) HWY_ATTR {
    const V luma = hn::PromoteTo(d, hn::LoadU(Bytes(), average + x));
    const V sample = hn::PromoteTo(d, hn::LoadU(Bytes(), chroma + x));
    const V combined = hn::SaturatedAdd(hn::Mul(luma, luma_mult), hn::Mul(sample, mult));
    const V merged = hn::Add(hn::ShiftRight<6>(combined), offset);
    hn::StoreU(hn::DemoteTo(Bytes(), merged), Bytes(), to + x);
  });
}

// 10 bits need sums of 32.
HWY_INLINE void merge(const Av1PlaneGrain& plane, const uint16_t* HWY_RESTRICT average,
                      const uint8_t* HWY_RESTRICT chroma, size_t count, uint16_t* HWY_RESTRICT to) {
  const Sums d;
  const HalfWords half;
  const auto luma_mult = hn::Set(d, plane.luma_mult);
  const auto mult = hn::Set(d, plane.mult);
  const auto offset = hn::Set(d, plane.offset);
  const auto merge_half = [&](hn::Vec<HalfWords> luma, hn::Vec<HalfWords> sample) HWY_ATTR {
    const auto combined = hn::Add(hn::Mul(hn::PromoteTo(d, luma), luma_mult),
                                  hn::Mul(hn::PromoteTo(d, sample), mult));
    return hn::DemoteTo(half, hn::Add(hn::ShiftRight<6>(combined), offset));
  };
  in_vectors<kLanes>(count, [&](size_t x) HWY_ATTR {
    const V luma = hn::BitCast(Words(), hn::LoadU(Tag<uint16_t>(), average + x));
    const V sample = hn::BitCast(Words(), load<uint16_t>(chroma, x));
    const auto lower = merge_half(hn::LowerHalf(half, luma), hn::LowerHalf(half, sample));
    const auto upper = merge_half(hn::UpperHalf(half, luma), hn::UpperHalf(half, sample));
    const V merged = hn::Clamp(hn::Combine(Words(), upper, lower), word(0), word(1023));
    hn::StoreU(hn::BitCast(Tag<uint16_t>(), merged), Tag<uint16_t>(), to + x);
  });
}

// One plane's noise and scaling in a segment.
class ChromaSegment {
 public:
  template <typename Sample>
  ChromaSegment(const Av1FilmGrain& grain, size_t plane, const Segment& segment,
                const Sample* average, const uint8_t* chroma)
      : noise_(gather_noise<1>(grain, plane, segment, buffer_)), adder_(grain, plane) {
    const Av1PlaneGrain& p = grain.planes[plane];
    Sample merged[kBuffer];
    const Sample* by = average;
    if (p.luma_mult != 64 || p.mult != 0 || p.offset != 0) {
      merge(p, average, chroma, segment.count, merged);
      by = merged;
    }
    look_up<Sample>(p, reinterpret_cast<const uint8_t*>(by), segment.count, scaling_);
  }
  ChromaSegment(const ChromaSegment&) = delete;  // noise_ is inside
  ChromaSegment& operator=(const ChromaSegment&) = delete;

  template <typename Sample>
  HWY_INLINE Samples<Sample> add(const uint8_t* chroma, size_t x) const {
    return adder_.add(load<Sample>(chroma, x), scaling_ + x, noise_ + x);
  }

 private:
  int16_t buffer_[kBuffer];
  uint8_t scaling_[kBuffer];
  const int16_t* noise_;
  Adder adder_;
};

// `put`: stores a vector of each at a column of the segment.
template <typename Sample, typename Put>
HWY_INLINE void chroma_segment(const Av1FilmGrain& grain, const Planes& from,
                               const Segment& segment, const Put& put) {
  const auto at = [&](size_t plane) {
    return row_of(from[plane], segment.y) + segment.x * sizeof(Sample);
  };
  Sample average[kBuffer];
  average_luma<Sample>(row_of(from[0], 2 * segment.y) + 2 * segment.x * sizeof(Sample),
                       segment.count,
                       std::min<size_t>(segment.count, grain.size.width / 2 - segment.x), average);
  const uint8_t* const from_cb = at(1);
  const uint8_t* const from_cr = at(2);
  const ChromaSegment cb(grain, 1, segment, average, from_cb);
  const ChromaSegment cr(grain, 2, segment, average, from_cr);
  in_vectors<kVector<Sample>>(segment.count, [&](size_t x) HWY_ATTR {
    put(cb.add<Sample>(from_cb, x), cr.add<Sample>(from_cr, x), x);
  });
}

template <typename Sample>
void chroma(const Av1FilmGrain& grain, const Planes& from, TargetPlane cb, TargetPlane cr,
            const Av1GrainWindow& window) {
  for (uint32_t row = window.band.first_row; row < window.band.end_row; ++row) {
    in_segments(window, row, [&](uint32_t first, const Segment& segment) {
      uint8_t* to_cb = row_of(cb, row) + first * sizeof(Sample);
      uint8_t* to_cr = row_of(cr, row) + first * sizeof(Sample);
      chroma_segment<Sample>(grain, from, segment,
                             [=](auto cb_out, auto cr_out, size_t x) HWY_ATTR {
                               store<Sample, 0>(cb_out, to_cb, x);
                               store<Sample, 0>(cr_out, to_cr, x);
                             });
    });
  }
}

template <typename Sample, int kShift>
void interleaved(const Av1FilmGrain& grain, const Planes& from, TargetPlane pairs,
                 const Av1GrainWindow& window) {
  for (uint32_t row = window.band.first_row; row < window.band.end_row; ++row) {
    in_segments(window, row, [&](uint32_t first, const Segment& segment) {
      uint8_t* to = row_of(pairs, row) + 2 * first * sizeof(Sample);
      chroma_segment<Sample>(grain, from, segment,
                             [=](auto cb_out, auto cr_out, size_t x)
                                 HWY_ATTR { store_pairs<Sample, kShift>(cb_out, cr_out, to, x); });
    });
  }
}

// Short rows are the reference's.
template <auto kFunction, auto kScalar, typename... Arguments>
void unless_short(const Av1FilmGrain& grain, Arguments... arguments, const Av1GrainWindow& window) {
  if (window.band.width < kShortest) {
    (av1_scalar_functions().*kScalar)(grain, arguments..., window);
  } else {
    kFunction(grain, arguments..., window);
  }
}

}  // namespace

const Av1FilmGrainFunctions* av1_target_functions() {
  using F = Av1FilmGrainFunctions;
  using From = const Planes&;
  static const Av1FilmGrainFunctions functions = {
      .substrate = Substrate::kSimd,
      .target = hwy::TargetName(HWY_TARGET),
      .luma_8 = unless_short<luma<uint8_t, 0>, &F::luma_8, SourcePlane, TargetPlane>,
      .luma_10 = unless_short<luma<uint16_t, 0>, &F::luma_10, SourcePlane, TargetPlane>,
      .luma_10_to_high =
          unless_short<luma<uint16_t, 6>, &F::luma_10_to_high, SourcePlane, TargetPlane>,
      .chroma_8 = unless_short<chroma<uint8_t>, &F::chroma_8, From, TargetPlane, TargetPlane>,
      .chroma_8_interleaved =
          unless_short<interleaved<uint8_t, 0>, &F::chroma_8_interleaved, From, TargetPlane>,
      .chroma_10 = unless_short<chroma<uint16_t>, &F::chroma_10, From, TargetPlane, TargetPlane>,
      .chroma_10_to_high_interleaved =
          unless_short<interleaved<uint16_t, 6>, &F::chroma_10_to_high_interleaved, From,
                       TargetPlane>,
  };
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::film_grain
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::film_grain {

HWY_EXPORT(av1_target_functions);

const Av1FilmGrainFunctions& av1_simd_functions() {
  return *HWY_DYNAMIC_DISPATCH(av1_target_functions)();
}

}  // namespace daedalus::gpu_kernels::film_grain
#endif  // HWY_ONCE
