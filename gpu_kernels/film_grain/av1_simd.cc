// Film grain in Highway, compiled once for each SIMD target. A row goes by segments, whose scaling
// is looked up into a small buffer. The noise of whole blocks comes straight from the template;
// that of rows which overlap others, and of the ends of a row, is gathered into another.
//
// (scaling * noise) rounded by 8 to 11 bits is one multiplication with rounding by 15 bits: the
// scaling, of 8 bits, is shifted to the left first.
#include <cstring>

#include "gpu_kernels/film_grain/av1_tables.h"
#include "gpu_kernels/film_grain/av1_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/film_grain/av1_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

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
// Samples of a segment: blocks of luma and chroma fit in. The last one takes what would be less
// than a vector with it.
constexpr size_t kSegment = 512;
constexpr size_t kLongestSegment = kSegment + kLanes;
// Buffers are written in whole vectors and blocks.
constexpr size_t kBuffer = kLongestSegment + 2 * kLumaBlocks.size();

using Words = hn::FixedTag<int16_t, kLanes>;
using UnsignedWords = hn::RebindToUnsigned<Words>;
using Bytes = hn::Rebind<uint8_t, Words>;
using AllBytes = hn::Repartition<uint8_t, Words>;
using HalfWords = hn::Half<Words>;
using Sums = hn::Rebind<int32_t, HalfWords>;
using V = hn::Vec<Words>;

HWY_INLINE V word(int value) { return hn::Set(Words(), static_cast<int16_t>(value)); }

// From unaligned samples of one or two bytes.
template <typename Sample>
HWY_INLINE V load(const uint8_t* from, size_t x) {
  if constexpr (sizeof(Sample) == 1) {
    return hn::PromoteTo(Words(), hn::LoadU(Bytes(), from + x));
  } else {
    return hn::BitCast(Words(), hn::LoadU(AllBytes(), from + 2 * x));
  }
}

template <typename Sample, int kShift>
HWY_INLINE void store(V samples, uint8_t* to, size_t x) {
  if constexpr (sizeof(Sample) == 1) {
    hn::StoreU(hn::DemoteTo(Bytes(), samples), Bytes(), to + x);
  } else {
    hn::StoreU(hn::BitCast(AllBytes(), hn::ShiftLeft<kShift>(samples)), AllBytes(), to + 2 * x);
  }
}

template <typename Sample, int kShift>
HWY_INLINE void store_pairs(V cb, V cr, uint8_t* to, size_t x) {
  if constexpr (sizeof(Sample) == 1) {
    hn::StoreInterleaved2(hn::DemoteTo(Bytes(), cb), hn::DemoteTo(Bytes(), cr), Bytes(),
                          to + 2 * x);
  } else {
    const UnsignedWords d;
    hn::StoreInterleaved2(hn::BitCast(d, hn::ShiftLeft<kShift>(cb)),
                          hn::BitCast(d, hn::ShiftLeft<kShift>(cr)), d,
                          reinterpret_cast<uint16_t*>(to + 4 * x));
  }
}

template <typename Sample>
HWY_INLINE int sample_at(const uint8_t* from, size_t x) {
  Sample sample;
  std::memcpy(&sample, from + x * sizeof sample, sizeof sample);
  return sample;
}

// Steps of one vector; the last overlaps the one before it. At least one vector.
template <typename Step>
HWY_INLINE void in_vectors(size_t count, const Step& step) {
  size_t x = 0;
  for (; x + kLanes <= count; x += kLanes) step(x);
  if (x != count) step(count - kLanes);
}

// A part of a row: `count` samples from column x on.
struct Segment {
  uint32_t x;
  uint32_t y;
  size_t count;
};

// Row i of a stripe's noise.
template <size_t kPlane>
HWY_INLINE void gather_stripe(const Av1FilmGrain& grain, size_t plane, uint32_t stripe, uint32_t i,
                              const Segment& segment, int16_t* HWY_RESTRICT to) {
  constexpr const BlockLayout& kLayout = blocks_of(kPlane);
  constexpr uint32_t kSize = kLayout.size();
  uint32_t block = segment.x >> kLayout.log2_size;
  uint32_t j = segment.x % kSize;  // only the first block may be entered in its middle
  for (const int16_t* end = to + segment.count; to < end; to += kSize - j, j = 0, ++block) {
    const int16_t* noise = block_row(grain, plane, stripe, block, i);
    if (j == 0) {
      std::memcpy(to, noise, kSize * sizeof *to);
    } else {
      std::copy(noise + j, noise + kSize, to);
    }
    if (!grain.overlap || block == 0) continue;
    const int16_t* old_noise = block_row(grain, plane, stripe, block - 1, i) + kSize;
    for (uint32_t k = j; k < kLayout.overlap; ++k) {
      to[k - j] =
          static_cast<int16_t>(blend(kLayout, k, old_noise[k], noise[k], grain.size.bit_depth));
    }
  }
}

HWY_INLINE void blend_rows(const BlockLayout& layout, uint32_t line, int bit_depth, size_t count,
                           const int16_t* HWY_RESTRICT old_noise, int16_t* HWY_RESTRICT noise) {
  const Words d;
  const V old_weight = word(layout.weights[line][0]);
  const V weight = word(layout.weights[line][1]);
  const V lowest = word(grain_min(bit_depth));
  const V highest = word(grain_max(bit_depth));
  for (size_t x = 0; x < count; x += kLanes) {
    const V sum = hn::Add(hn::Mul(hn::LoadU(d, old_noise + x), old_weight),
                          hn::Mul(hn::LoadU(d, noise + x), weight));
    const V rounded = hn::ShiftRight<5>(hn::Add(sum, word(16)));
    hn::StoreU(hn::Clamp(rounded, lowest, highest), d, noise + x);
  }
}

// A segment of the noise image. kPlane 0: luma; 1: chroma, of which `plane` is one.
template <size_t kPlane>
void gather_noise(const Av1FilmGrain& grain, size_t plane, const Segment& segment, int16_t* to) {
  constexpr const BlockLayout& kLayout = blocks_of(kPlane);
  const uint32_t stripe = segment.y >> kLayout.log2_size;
  const uint32_t i = segment.y % kLayout.size();
  gather_stripe<kPlane>(grain, plane, stripe, i, segment, to);
  if (!grain.overlap || stripe == 0 || i >= kLayout.overlap) return;
  int16_t old_noise[kBuffer];
  gather_stripe<kPlane>(grain, plane, stripe - 1, i + kLayout.size(), segment, old_noise);
  blend_rows(kLayout, i, grain.size.bit_depth, segment.count, old_noise, to);
}

// The lanes of a block's first vector that overlap the block to its left: shares of 32 of the old
// and the new noise. Chroma: also of a vector of two blocks.
template <size_t kPlane>
struct LeftWeights {
  constexpr LeftWeights() {
    constexpr const BlockLayout& kLayout = blocks_of(kPlane);
    for (uint32_t x = 0; x < old_weight.size(); ++x) {
      const uint32_t j = x % kLayout.size();
      const bool overlaps = j < kLayout.overlap;
      old_weight[x] = static_cast<int16_t>(overlaps ? kLayout.weights[j][0] : 0);
      weight[x] = static_cast<int16_t>(overlaps ? kLayout.weights[j][1] : 32);
    }
  }
  std::array<int16_t, 32> old_weight{};
  std::array<int16_t, 32> weight{};
};

// The noise of whole blocks in a row that overlaps no row above, straight from the template:
// put(noise, column) for each vector of `blocks` blocks from segment.x on, where one begins.
template <size_t kPlane, typename Put>
HWY_INLINE void for_noise_of_blocks(const Av1FilmGrain& grain, size_t plane, const Segment& segment,
                                    uint32_t blocks, const Put& put) {
  constexpr const BlockLayout& kLayout = blocks_of(kPlane);
  constexpr uint32_t kSize = kLayout.size();
  static constexpr LeftWeights<kPlane> kWeights;
  const Words d;
  const V old_weight = hn::LoadU(d, kWeights.old_weight.data());
  const V weight = hn::LoadU(d, kWeights.weight.data());
  const V lowest = word(grain_min(grain.size.bit_depth));
  const V highest = word(grain_max(grain.size.bit_depth));
  const auto with_left = [&](V noise, V old_noise) HWY_ATTR {
    const V sum = hn::Add(hn::Mul(old_noise, old_weight), hn::Mul(noise, weight));
    return hn::Clamp(hn::ShiftRight<5>(hn::Add(sum, word(16))), lowest, highest);
  };
  const uint32_t stripe = segment.y >> kLayout.log2_size;
  const uint32_t i = segment.y % kSize;
  const uint32_t first = segment.x >> kLayout.log2_size;
  const auto at = [&](uint32_t block) { return block_row(grain, plane, stripe, block, i); };
  const int16_t* left = first != 0 ? at(first - 1) : nullptr;
  for (uint32_t b = 0; b < blocks; ++b) {
    const int16_t* noise = at(first + b);
    if constexpr (kLanes > kSize) {
      // Two blocks a vector; `blocks` is even.
      const int16_t* next = at(first + ++b);
      const HalfWords half;
      const auto both = [&](const int16_t* lower, const int16_t* upper) HWY_ATTR {
        return hn::Combine(d, hn::LoadU(half, upper), hn::LoadU(half, lower));
      };
      V values = both(noise, next);
      if (grain.overlap) {
        const V old_values = both(left != nullptr ? left + kSize : noise, noise + kSize);
        const V blended = with_left(values, old_values);
        values = left != nullptr ? blended : hn::ConcatUpperLower(d, blended, values);
      }
      put(values, (b - 1) * kSize);
      left = next;
    } else {
      V values = hn::LoadU(d, noise);
      if (grain.overlap && left != nullptr) {
        values = with_left(values, hn::LoadU(d, left + kSize));
      }
      put(values, b * kSize);
      for (uint32_t j = kLanes; j < kSize; j += kLanes) {
        put(hn::LoadU(d, noise + j), b * kSize + j);
      }
      left = noise;
    }
  }
}

// How many samples of a segment lie in whole blocks for for_noise_of_blocks().
template <size_t kPlane>
HWY_INLINE uint32_t in_blocks(const Av1FilmGrain& grain, const Segment& segment) {
  constexpr const BlockLayout& kLayout = blocks_of(kPlane);
  const uint32_t i = segment.y % kLayout.size();
  const bool overlaps_above = grain.overlap && i < kLayout.overlap && segment.y >= kLayout.size();
  if (segment.x % kLayout.size() != 0 || overlaps_above) return 0;
  constexpr size_t kUnit = std::max<size_t>(kLayout.size(), kLanes);
  return static_cast<uint32_t>(segment.count / kUnit * kUnit);
}

// What of the segment follows after `done` samples, at least a vector: some may be done again.
HWY_INLINE Segment rest_of(const Segment& segment, uint32_t done) {
  const auto first = static_cast<uint32_t>(std::min<size_t>(done, segment.count - kLanes));
  return {segment.x + first, segment.y, segment.count - first};
}

template <typename Sample>
void look_up(const uint8_t* HWY_RESTRICT table, const uint8_t* HWY_RESTRICT samples, size_t count,
             uint8_t* HWY_RESTRICT to) {
  for (size_t x = 0; x < count; ++x) to[x] = table[sample_at<Sample>(samples, x)];
}

#if HWY_TARGET == HWY_AVX3_DL
// Four registers hold the table; a permutation takes two of them.
template <>
HWY_ATTR void look_up<uint8_t>(const uint8_t* HWY_RESTRICT table,
                               const uint8_t* HWY_RESTRICT samples, size_t count,
                               uint8_t* HWY_RESTRICT to) {
  const __m512i quarters[] = {_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64),
                              _mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192)};
  for (size_t x = 0; x < count; x += 64) {
    const size_t rest = count - x;
    const __mmask64 some = rest < 64 ? (__mmask64{1} << rest) - 1 : ~__mmask64{0};
    const __m512i index = _mm512_maskz_loadu_epi8(some, samples + x);
    const __m512i lower = _mm512_permutex2var_epi8(quarters[0], index, quarters[1]);
    const __m512i upper = _mm512_permutex2var_epi8(quarters[2], index, quarters[3]);
    const __m512i found = _mm512_mask_mov_epi8(lower, _mm512_movepi8_mask(index), upper);
    _mm512_mask_storeu_epi8(to + x, some, found);
  }
}
#elif HWY_TARGET == HWY_AVX2
// A shuffle looks up in one row of sixteen; which row's was meant the upper four bits say.
template <>
HWY_ATTR void look_up<uint8_t>(const uint8_t* HWY_RESTRICT table,
                               const uint8_t* HWY_RESTRICT samples, size_t count,
                               uint8_t* HWY_RESTRICT to) {
  __m256i rows[16];
  for (size_t i = 0; i < 16; ++i) {
    rows[i] = _mm256_broadcastsi128_si256(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * i)));
  }
  size_t x = 0;
  for (; x + 32 <= count; x += 32) {
    const __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(samples + x));
    const __m256i column = _mm256_and_si256(index, _mm256_set1_epi8(15));
    // Selections are by the highest bit of bytes.
    const __m256i bit_6 = _mm256_add_epi8(index, index);
    const __m256i bit_5 = _mm256_add_epi8(bit_6, bit_6);
    const __m256i bit_4 = _mm256_add_epi8(bit_5, bit_5);
    const auto pair = [&](size_t i) HWY_ATTR {
      return _mm256_blendv_epi8(_mm256_shuffle_epi8(rows[i], column),
                                _mm256_shuffle_epi8(rows[i + 1], column), bit_4);
    };
    const auto four = [&](size_t i)
                          HWY_ATTR { return _mm256_blendv_epi8(pair(i), pair(i + 2), bit_5); };
    const auto eight = [&](size_t i)
                           HWY_ATTR { return _mm256_blendv_epi8(four(i), four(i + 4), bit_6); };
    const __m256i found = _mm256_blendv_epi8(eight(0), eight(8), index);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + x), found);
  }
  for (; x < count; ++x) to[x] = table[samples[x]];
}
#elif HWY_ARCH_ARM_A64
// Four registers hold a quarter of the table; lanes with other indices stay as they are.
template <>
void look_up<uint8_t>(const uint8_t* HWY_RESTRICT table, const uint8_t* HWY_RESTRICT samples,
                      size_t count, uint8_t* HWY_RESTRICT to) {
  const uint8x16x4_t quarters[] = {vld1q_u8_x4(table), vld1q_u8_x4(table + 64),
                                   vld1q_u8_x4(table + 128), vld1q_u8_x4(table + 192)};
  const uint8x16_t quarter = vdupq_n_u8(64);
  size_t x = 0;
  for (; x + 16 <= count; x += 16) {
    uint8x16_t index = vld1q_u8(samples + x);
    uint8x16_t found = vqtbl4q_u8(quarters[0], index);
    for (size_t i = 1; i < 4; ++i) {
      index = vsubq_u8(index, quarter);
      found = vqtbx4q_u8(found, quarters[i], index);
    }
    vst1q_u8(to + x, found);
  }
  for (; x < count; ++x) to[x] = table[samples[x]];
}
#endif

// What the samples of one plane become.
class Adder {
 public:
  Adder(const Av1FilmGrain& grain, size_t plane)
      : shift_(15 - grain.scaling_shift),
        min_value_(word(grain.planes[plane].min_value)),
        max_value_(word(grain.planes[plane].max_value)) {}

  HWY_INLINE V add(V samples, const uint8_t* scaling, V noise) const {
    const V wide = hn::PromoteTo(Words(), hn::LoadU(Bytes(), scaling));
    const V scaled = hn::MulFixedPoint15(hn::ShiftLeftSame(wide, shift_), noise);
    return hn::Clamp(hn::Add(samples, scaled), min_value_, max_value_);
  }

 private:
  int shift_;
  V min_value_;
  V max_value_;
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
  look_up<Sample>(grain.planes[0].scaling.data(), from, segment.count, scaling);
  const Adder adder(grain, 0);
  const auto add = [&](V noise, size_t x) HWY_ATTR {
    store<Sample, kShift>(adder.add(load<Sample>(from, x), scaling + x, noise), to, x);
  };
  const uint32_t done = in_blocks<0>(grain, segment);
  for_noise_of_blocks<0>(grain, 0, segment, done / kLumaBlocks.size(), add);
  if (done == segment.count) return;
  const Segment rest = rest_of(segment, done);
  const size_t first = rest.x - segment.x;
  int16_t noise[kBuffer];
  gather_noise<0>(grain, 0, rest, noise);
  in_vectors(rest.count, [&](size_t x) HWY_ATTR { add(hn::LoadU(Words(), noise + x), first + x); });
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
void average_luma(const uint8_t* luma, size_t count, size_t pairs, int16_t* HWY_RESTRICT to) {
  size_t done = 0;
  if (pairs >= kLanes) {
    in_vectors(pairs, [&](size_t x) HWY_ATTR {
      using Tag = std::conditional_t<sizeof(Sample) == 1, Bytes, UnsignedWords>;
      const Tag d;
      hn::Vec<Tag> even;
      hn::Vec<Tag> odd;
      hn::LoadInterleaved2(d, reinterpret_cast<const Sample*>(luma + 2 * x * sizeof(Sample)), even,
                           odd);
      const auto average = hn::AverageRound(even, odd);
      if constexpr (sizeof(Sample) == 1) {
        hn::StoreU(hn::PromoteTo(Words(), average), Words(), to + x);
      } else {
        hn::StoreU(hn::BitCast(Words(), average), Words(), to + x);
      }
    });
    done = pairs;
  }
  for (size_t x = done; x < count; ++x) {
    const int left = sample_at<Sample>(luma, 2 * x);
    const int right = x < pairs ? sample_at<Sample>(luma, 2 * x + 1) : left;
    to[x] = static_cast<int16_t>((left + right + 1) >> 1);
  }
}

// By which value each chroma sample is scaled. In words: sums that saturate are beyond the clipping
// whatever the offset.
HWY_INLINE void merge(const Av1PlaneGrain& plane, const int16_t* HWY_RESTRICT average,
                      const uint8_t* HWY_RESTRICT chroma, size_t count, uint8_t* HWY_RESTRICT to) {
  const V luma_mult = word(plane.luma_mult);
  const V mult = word(plane.mult);
  const V offset = word(plane.offset);
  in_vectors(count, [&](size_t x) HWY_ATTR {
    const V combined = hn::SaturatedAdd(hn::Mul(hn::LoadU(Words(), average + x), luma_mult),
                                        hn::Mul(load<uint8_t>(chroma, x), mult));
    const V merged = hn::Add(hn::ShiftRight<6>(combined), offset);
    hn::StoreU(hn::DemoteTo(Bytes(), merged), Bytes(), to + x);
  });
}

// 10 bits need sums of 32.
HWY_INLINE void merge(const Av1PlaneGrain& plane, const int16_t* HWY_RESTRICT average,
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
  in_vectors(count, [&](size_t x) HWY_ATTR {
    const V luma = hn::LoadU(Words(), average + x);
    const V sample = load<uint16_t>(chroma, x);
    const auto lower = merge_half(hn::LowerHalf(half, luma), hn::LowerHalf(half, sample));
    const auto upper = merge_half(hn::UpperHalf(half, luma), hn::UpperHalf(half, sample));
    const V merged = hn::Clamp(hn::Combine(Words(), upper, lower), word(0), word(1023));
    hn::StoreU(hn::BitCast(UnsignedWords(), merged), UnsignedWords(), to + x);
  });
}

// One plane's noise and scaling in a segment.
struct ChromaSegment {
  int16_t noise[kBuffer];
  uint8_t scaling[kBuffer];

  template <typename Sample>
  void prepare(const Av1FilmGrain& grain, size_t plane, const Segment& segment,
               const int16_t* average, const uint8_t* chroma) {
    Sample merged[kBuffer];
    merge(grain.planes[plane], average, chroma, segment.count, merged);
    look_up<Sample>(grain.planes[plane].scaling.data(), reinterpret_cast<const uint8_t*>(merged),
                    segment.count, scaling);
    const uint32_t done = in_blocks<1>(grain, segment);
    for_noise_of_blocks<1>(grain, plane, segment, done / kChromaBlocks.size(),
                           [&](V values, size_t x)
                               HWY_ATTR { hn::StoreU(values, Words(), noise + x); });
    if (done == segment.count) return;
    const Segment rest = rest_of(segment, done);
    gather_noise<1>(grain, plane, rest, noise + (rest.x - segment.x));
  }
};

// `put`: stores a vector of each at a column of the segment.
template <typename Sample, typename Put>
HWY_INLINE void chroma_segment(const Av1FilmGrain& grain, const Planes& from,
                               const Segment& segment, const Put& put) {
  const auto at = [&](size_t plane) {
    return row_of(from[plane], segment.y) + segment.x * sizeof(Sample);
  };
  int16_t average[kBuffer];
  average_luma<Sample>(row_of(from[0], 2 * segment.y) + 2 * segment.x * sizeof(Sample),
                       segment.count,
                       std::min<size_t>(segment.count, grain.size.width / 2 - segment.x), average);
  ChromaSegment cb;
  ChromaSegment cr;
  cb.prepare<Sample>(grain, 1, segment, average, at(1));
  cr.prepare<Sample>(grain, 2, segment, average, at(2));
  const Adder add_cb(grain, 1);
  const Adder add_cr(grain, 2);
  in_vectors(segment.count, [&](size_t x) HWY_ATTR {
    put(add_cb.add(load<Sample>(at(1), x), cb.scaling + x, hn::LoadU(Words(), cb.noise + x)),
        add_cr.add(load<Sample>(at(2), x), cr.scaling + x, hn::LoadU(Words(), cr.noise + x)), x);
  });
}

template <typename Sample>
void chroma(const Av1FilmGrain& grain, const Planes& from, TargetPlane cb, TargetPlane cr,
            const Av1GrainWindow& window) {
  for (uint32_t row = window.band.first_row; row < window.band.end_row; ++row) {
    in_segments(window, row, [&](uint32_t first, const Segment& segment) {
      uint8_t* to_cb = row_of(cb, row) + first * sizeof(Sample);
      uint8_t* to_cr = row_of(cr, row) + first * sizeof(Sample);
      chroma_segment<Sample>(grain, from, segment, [=](V cb_out, V cr_out, size_t x) HWY_ATTR {
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
      chroma_segment<Sample>(grain, from, segment, [=](V cb_out, V cr_out, size_t x) HWY_ATTR {
        store_pairs<Sample, kShift>(cb_out, cr_out, to, x);
      });
    });
  }
}

// Rows shorter than a vector are the reference's.
template <auto kFunction, auto kScalar, typename... Arguments>
void unless_short(const Av1FilmGrain& grain, Arguments... arguments, const Av1GrainWindow& window) {
  if (window.band.width < kLanes) {
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
