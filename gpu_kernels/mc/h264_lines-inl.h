// Rows of a block for one SIMD target: loads, stores, copies, and sums of products of samples.
#if defined(DAEDALUS_GPU_KERNELS_MC_H264_LINES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DAEDALUS_GPU_KERNELS_MC_H264_LINES_INL_H_
#undef DAEDALUS_GPU_KERNELS_MC_H264_LINES_INL_H_
#else
#define DAEDALUS_GPU_KERNELS_MC_H264_LINES_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::mc {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <size_t kCount>
using Samples = hn::FixedTag<uint8_t, kCount>;
// A row of kWidth bytes; of four the other lanes are undefined.
template <size_t kWidth>
using Line = hn::Vec<Samples<kWidth == 16 ? 16 : 8>>;
using Values = hn::FixedTag<int16_t, 8>;
using Row = hn::Vec<Values>;

template <size_t kWidth>
HWY_INLINE Line<kWidth> load(const uint8_t* from) {
  if constexpr (kWidth == 4) {
    uint32_t word;
    std::memcpy(&word, from, sizeof word);
    return hn::BitCast(Samples<8>(), hn::Set(hn::FixedTag<uint32_t, 2>(), word));
  } else {
    return hn::LoadU(Samples<kWidth>(), from);
  }
}

// With kAverage the averages with the bytes that are there are stored.
template <size_t kWidth, bool kAverage>
HWY_INLINE void store(Line<kWidth> line, uint8_t* to) {
  if constexpr (kAverage) line = hn::AverageRound(line, load<kWidth>(to));
  if constexpr (kWidth == 4) {
    hn::StoreU(hn::LowerHalf(Samples<4>(), line), Samples<4>(), to);
  } else {
    hn::StoreU(line, Samples<kWidth>(), to);
  }
}

struct Strip {
  const uint8_t* from;
  ptrdiff_t from_stride;
  uint8_t* to;
  ptrdiff_t to_stride;
  int rows;
};

template <size_t kWidth, bool kAverage>
HWY_INLINE void copy_rows(const Strip& strip) {
  // Not strip's own: stores of bytes might change it.
  const auto [from, from_stride, to, to_stride, rows] = strip;
  for (int y = 0; y < rows; ++y) {
    store<kWidth, kAverage>(load<kWidth>(from + y * from_stride), to + y * to_stride);
  }
}

// A block of 16, 8 or 4 bytes a row.
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

// Sums of products of bytes, which Highway does not name: they take half the instructions of those
// of 16-bit values. kHalf: of lanes 0 to 7 (0), or 8 to 15 of a row of 16 (1).
//
// Weights, of a first and a second row.
// weighted_sum: first * weight + second * weight.
// filter: of half samples (8-241), (1, -5, 20, 20, -5, 1).
// round: Clip1((value + (1 << (kShift - 1))) >> kShift).
#if HWY_ARCH_ARM

struct Weights {
  Line<16> first;
  Line<16> second;

  Weights(int of_first, int of_second)
      : first(hn::Set(Samples<16>(), static_cast<uint8_t>(of_first))),
        second(hn::Set(Samples<16>(), static_cast<uint8_t>(of_second))) {}
};

HWY_INLINE uint8x8_t lower(Line<8> line) { return line.raw; }
HWY_INLINE uint8x8_t lower(Line<16> line) { return vget_low_u8(line.raw); }

template <size_t kHalf, typename LineType>
HWY_INLINE Row weighted_sum(LineType first, LineType second, const Weights& w) {
  uint16x8_t sum;
  if constexpr (kHalf == 0) {
    sum = vmull_u8(lower(first), lower(w.first));
    sum = vmlal_u8(sum, lower(second), lower(w.second));
  } else {
    sum = vmull_high_u8(first.raw, w.first.raw);
    sum = vmlal_high_u8(sum, second.raw, w.second.raw);
  }
  return Row(vreinterpretq_s16_u16(sum));
}

template <size_t kHalf, typename LineType>
HWY_INLINE Row filter(LineType a, LineType b, LineType c, LineType d, LineType e, LineType f) {
  const uint8x16_t five = vdupq_n_u8(5);
  const uint8x16_t twenty = vdupq_n_u8(20);
  uint16x8_t sum;
  if constexpr (kHalf == 0) {
    sum = vaddl_u8(lower(a), lower(f));
    sum = vmlal_u8(sum, lower(c), vget_low_u8(twenty));
    sum = vmlal_u8(sum, lower(d), vget_low_u8(twenty));
    sum = vmlsl_u8(sum, lower(b), vget_low_u8(five));
    sum = vmlsl_u8(sum, lower(e), vget_low_u8(five));
  } else {
    sum = vaddl_high_u8(a.raw, f.raw);
    sum = vmlal_high_u8(sum, c.raw, twenty);
    sum = vmlal_high_u8(sum, d.raw, twenty);
    sum = vmlsl_high_u8(sum, b.raw, five);
    sum = vmlsl_high_u8(sum, e.raw, five);
  }
  return Row(vreinterpretq_s16_u16(sum));
}

template <int kShift>
HWY_INLINE Line<8> round(Row row) {
  return Line<8>(vqrshrun_n_s16(row.raw, kShift));
}

template <int kShift>
HWY_INLINE Line<16> round(Row lower, Row upper) {
  return Line<16>(vqrshrun_high_n_s16(vqrshrun_n_s16(lower.raw, kShift), upper.raw, kShift));
}

#else

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2

struct Weights {
  __m128i by_turns;

  Weights(int first, int second)
      : by_turns(_mm_set1_epi16(static_cast<int16_t>((first & 0xFF) | second << 8))) {}
};

template <size_t kHalf, typename LineType>
HWY_INLINE Row weighted_sum(LineType first, LineType second, const Weights& w) {
  const __m128i pairs = kHalf == 0 ? _mm_unpacklo_epi8(first.raw, second.raw)
                                   : _mm_unpackhi_epi8(first.raw, second.raw);
  return Row{_mm_maddubs_epi16(pairs, w.by_turns)};
}

#else

struct Weights {
  Row first;
  Row second;

  Weights(int of_first, int of_second)
      : first(hn::Set(Values(), static_cast<int16_t>(of_first))),
        second(hn::Set(Values(), static_cast<int16_t>(of_second))) {}
};

template <size_t kHalf>
HWY_INLINE Row promote(Line<16> line) {
  return hn::PromoteTo(
      Values(), kHalf == 0 ? hn::LowerHalf(Samples<8>(), line) : hn::UpperHalf(Samples<8>(), line));
}
template <size_t kHalf>
HWY_INLINE Row promote(Line<8> line) {
  return hn::PromoteTo(Values(), line);
}

template <size_t kHalf, typename LineType>
HWY_INLINE Row weighted_sum(LineType first, LineType second, const Weights& w) {
  return hn::Add(hn::Mul(promote<kHalf>(first), w.first),
                 hn::Mul(promote<kHalf>(second), w.second));
}

#endif

template <size_t kHalf, typename LineType>
HWY_INLINE Row filter(LineType a, LineType b, LineType c, LineType d, LineType e, LineType f) {
  const Row outer = weighted_sum<kHalf>(a, f, Weights(1, 1));
  const Row near = weighted_sum<kHalf>(b, e, Weights(-5, -5));
  return hn::Add(hn::Add(outer, near), weighted_sum<kHalf>(c, d, Weights(20, 20)));
}

template <int kShift>
HWY_INLINE Line<8> round(Row row) {
  const auto rounding = hn::Set(Values(), 1 << (kShift - 1));
  return hn::DemoteTo(Samples<8>(), hn::ShiftRight<kShift>(hn::Add(row, rounding)));
}

template <int kShift>
HWY_INLINE Line<16> round(Row lower, Row upper) {
  return hn::Combine(Samples<16>(), round<kShift>(upper), round<kShift>(lower));
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::mc
HWY_AFTER_NAMESPACE();

#endif  // include guard of each target
