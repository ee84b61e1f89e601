// The scaling of film grain (7.18.3.5): samples looked up in a table of 256 bytes or more, for one
// SIMD target.
#if defined(DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_LOOK_UP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_LOOK_UP_INL_H_
#undef DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_LOOK_UP_INL_H_
#else
#define DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_LOOK_UP_INL_H_
#endif

#include <cstring>
#include <type_traits>

#include "gpu_kernels/film_grain/av1_tables.h"
#include "gpu_kernels/film_grain/av1_targets.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::film_grain {
namespace HWY_NAMESPACE {
namespace {

template <typename Sample>
HWY_INLINE int sample_at(const uint8_t* from, size_t x) {
  Sample sample;
  std::memcpy(&sample, from + x * sizeof sample, sizeof sample);
  return sample;
}

// What the samples are scaled by.
template <typename Sample>
void look_up(const Av1PlaneGrain& plane, const uint8_t* HWY_RESTRICT samples, size_t count,
             uint8_t* HWY_RESTRICT to) {
  // Four at a time, for fewer loads and stores.
  using Four = std::conditional_t<sizeof(Sample) == 1, uint32_t, uint64_t>;
  constexpr size_t kBits = 8 * sizeof(Sample);
  const auto at = [&](Four sample) { return uint32_t{plane.scaling[static_cast<Sample>(sample)]}; };
  size_t x = 0;
  for (; x + 4 <= count; x += 4) {
    Four four;
    std::memcpy(&four, samples + x * sizeof(Sample), sizeof four);
    const uint32_t found = at(four) | at(four >> kBits) << 8 | at(four >> 2 * kBits) << 16 |
                           at(four >> 3 * kBits) << 24;
    std::memcpy(to + x, &found, sizeof found);
  }
  for (; x < count; ++x) to[x] = plane.scaling[sample_at<Sample>(samples, x)];
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
// 256 bytes in four registers, of which a permutation takes two.
struct Table {
  explicit HWY_INLINE Table(const uint8_t* from)
      : quarters{_mm512_loadu_si512(from), _mm512_loadu_si512(from + 64),
                 _mm512_loadu_si512(from + 128), _mm512_loadu_si512(from + 192)} {}
  HWY_INLINE __m512i at(__m512i index) const {
    const __m512i lower = _mm512_permutex2var_epi8(quarters[0], index, quarters[1]);
    const __m512i upper = _mm512_permutex2var_epi8(quarters[2], index, quarters[3]);
    return _mm512_mask_mov_epi8(lower, _mm512_movepi8_mask(index), upper);
  }
  __m512i quarters[4];
};

HWY_INLINE __mmask64 first_lanes(size_t count) {
  return count < 64 ? (__mmask64{1} << count) - 1 : ~__mmask64{0};
}

template <>
HWY_ATTR void look_up<uint8_t>(const Av1PlaneGrain& plane, const uint8_t* HWY_RESTRICT samples,
                               size_t count, uint8_t* HWY_RESTRICT to) {
  const Table table(plane.scaling.data());
  for (size_t x = 0; x < count; x += 64) {
    const __mmask64 some = first_lanes(count - x);
    _mm512_mask_storeu_epi8(to + x, some, table.at(_mm512_maskz_loadu_epi8(some, samples + x)));
  }
}

// Of 10 bits the scaling is linear between two of 257 points: (4 - rem) shares of the one and rem
// of the other.
template <>
HWY_ATTR void look_up<uint16_t>(const Av1PlaneGrain& plane, const uint8_t* HWY_RESTRICT samples,
                                size_t count, uint8_t* HWY_RESTRICT to) {
  const Table starts(plane.scaling_points.data());
  const Table ends(plane.scaling_points.data() + 1);
  const __m512i three = _mm512_set1_epi16(3);
  const __m512i four = _mm512_set1_epi8(4);
  const __m512i in_order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  for (size_t x = 0; x < count; x += 64) {
    const __mmask64 some = first_lanes(count - x);
    const __m512i lower = _mm512_maskz_loadu_epi16(static_cast<__mmask32>(some), samples + 2 * x);
    const __m512i upper =
        _mm512_maskz_loadu_epi16(static_cast<__mmask32>(some >> 32), samples + 2 * x + 64);
    // In the order that unpacking undoes.
    const __m512i index =
        _mm512_packus_epi16(_mm512_srli_epi16(lower, 2), _mm512_srli_epi16(upper, 2));
    const __m512i rem =
        _mm512_packus_epi16(_mm512_and_si512(lower, three), _mm512_and_si512(upper, three));
    const __m512i rest = _mm512_sub_epi8(four, rem);
    const __m512i start = starts.at(index);
    const __m512i end = ends.at(index);
    const auto between = [](__m512i both, __m512i shares) HWY_ATTR {
      const __m512i sum = _mm512_maddubs_epi16(both, shares);
      return _mm512_srli_epi16(_mm512_add_epi16(sum, _mm512_set1_epi16(2)), 2);
    };
    const __m512i found = _mm512_packus_epi16(
        between(_mm512_unpacklo_epi8(start, end), _mm512_unpacklo_epi8(rest, rem)),
        between(_mm512_unpackhi_epi8(start, end), _mm512_unpackhi_epi8(rest, rem)));
    _mm512_mask_storeu_epi8(to + x, some, _mm512_permutexvar_epi64(in_order, found));
  }
}
#elif HWY_TARGET == HWY_AVX2
// A shuffle looks up in one row of sixteen; which row's was meant the upper four bits say.
template <>
HWY_ATTR void look_up<uint8_t>(const Av1PlaneGrain& plane, const uint8_t* HWY_RESTRICT samples,
                               size_t count, uint8_t* HWY_RESTRICT to) {
  const uint8_t* const table = plane.scaling.data();
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
void look_up<uint8_t>(const Av1PlaneGrain& plane, const uint8_t* HWY_RESTRICT samples, size_t count,
                      uint8_t* HWY_RESTRICT to) {
  const uint8_t* const table = plane.scaling.data();
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

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::film_grain
HWY_AFTER_NAMESPACE();

#endif  // include guard of each target
