// The deblocking filter in Highway, compiled once for each SIMD target. A vector holds one line of
// samples along an edge: p0 of 16 luma rows or columns, or of eight pairs of chroma. Everything but
// the long filter of bS 4 is computed in bytes.
#include <cstring>

#include "gpu_kernels/deblock/h264_tables.h"
#include "gpu_kernels/vectors_128.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/deblock/h264_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::deblock {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const H264DeblockFunctions* h264_target_functions() { return &h264_scalar_functions(); }

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::FixedTag<uint8_t, 16>;
using Pairs = hn::FixedTag<uint16_t, 8>;
using Words = hn::FixedTag<uint32_t, 4>;
using Half = hn::FixedTag<uint8_t, 8>;
using Wide = hn::FixedTag<int16_t, 8>;
using V = hn::Vec<Bytes>;
using VWide = hn::Vec<Wide>;
using Mask = hn::Mask<Bytes>;

constexpr uint32_t kAnyStrong = 0x04040404;
constexpr uint32_t kAnyNormal = 0x03030303;

uint32_t word_of(const Strengths& strength) {
  uint32_t word;
  std::memcpy(&word, strength.data(), sizeof word);
  return word;
}

HWY_INLINE V all(int value) { return hn::Set(Bytes(), static_cast<uint8_t>(value)); }

HWY_INLINE V difference(V a, V b) {
#if HWY_ARCH_ARM
  return V(vabdq_u8(a.raw, b.raw));
#else
  return hn::Or(hn::SaturatedSub(a, b), hn::SaturatedSub(b, a));
#endif
}

// (a + b) >> 1.
HWY_INLINE V average_down(V a, V b) {
#if HWY_ARCH_ARM
  return V(vhaddq_u8(a.raw, b.raw));
#else
  return hn::Sub(hn::AverageRound(a, b), hn::And(hn::Xor(a, b), all(1)));
#endif
}

// Is |a - b| less than the limit?
HWY_INLINE Mask is_near(V a, V b, V limit) {
#if HWY_ARCH_ARM
  return hn::Lt(difference(a, b), limit);
#else
  return hn::Ne(hn::SaturatedSub(limit, difference(a, b)), hn::Zero(Bytes()));
#endif
}

// Four lanes for each run's strength.
HWY_INLINE V lanes_of(uint32_t strengths) {
  HWY_ALIGN static constexpr uint8_t kRuns[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
  const V bytes = hn::BitCast(Bytes(), hn::Set(Words(), strengths));
  return hn::TableLookupBytes(bytes, hn::Load(Bytes(), kRuns));
}

// Four bytes in each word.
HWY_INLINE V repeat(const std::array<uint8_t, 4>& bytes) {
  return hn::BitCast(Bytes(), hn::Set(Words(), word_of(bytes)));
}

// tC0 of lanes of bS 1 to 3; 0 of others: the table repeats, so the index of bS 4 finds that of 0.
HWY_INLINE V tc0_of(V strengths, const H264EdgeThresholds& t) {
  return hn::TableLookupBytes(repeat(t.tc0), strengths);
}

// Moves p0 and q0 towards each other by (4 (q0 - p0) + p1 - q1 + 4) >> 3, at most tc (8-467). In
// bytes: averages with complements are halves of differences with 128 added, so that `sum` is 161
// more than the step; sums that saturate are beyond any tc.
HWY_INLINE void move_inner(V p1, V& p0, V& q0, V q1, V tc) {
  const V quarter = hn::AverageRound(hn::AverageRound(p1, hn::Not(q1)), all(3));
  const V odd = hn::And(hn::Xor(p0, q0), all(1));
  const V sum = hn::SaturatedAdd(hn::AverageRound(q0, hn::Not(p0)), hn::AverageRound(quarter, odd));
  const V up = hn::Min(hn::SaturatedSub(sum, all(161)), tc);
  const V down = hn::Min(hn::SaturatedSub(all(161), sum), tc);
  p0 = hn::SaturatedSub(hn::SaturatedAdd(p0, up), down);
  q0 = hn::SaturatedSub(hn::SaturatedAdd(q0, down), up);
}

// Lines 0 to 2 of each side, and line 3, which only the long filter reads.
struct Lines {
  V p3, p2, p1, p0, q0, q1, q2, q3;
};

// What differences have to be less than to be filtered.
struct Limits {
  V alpha;
  V beta;
};

HWY_INLINE Mask is_filtered(V p1, V p0, V q0, V q1, const Limits& limits) {
  return hn::And(is_near(p0, q0, limits.alpha),
                 hn::And(is_near(p1, p0, limits.beta), is_near(q1, q0, limits.beta)));
}

// Lanes of bS 1 to 3.
HWY_INLINE Mask is_normal(V lanes, uint32_t strengths) {
  const Mask any = hn::Gt(lanes, hn::Zero(Bytes()));
  return (strengths & kAnyStrong) == 0 ? any : hn::And(any, hn::Lt(lanes, all(4)));
}

// p1 towards the middle of its neighbours by tc0 at most (8-470).
HWY_INLINE V move_outer(V p2, V p1, V middle, V tc0) {
  return hn::Min(hn::Max(average_down(p2, middle), hn::SaturatedSub(p1, tc0)),
                 hn::SaturatedAdd(p1, tc0));
}

// 8.7.2.3: `tc0` is 0 in lanes that are not `chosen`.
HWY_INLINE void filter_normal(Lines& l, V tc0, Mask chosen, const Limits& limits) {
  const Bytes d;
  const V chosen_bits = hn::VecFromMask(d, chosen);
  const V smooth_p = hn::And(hn::VecFromMask(d, is_near(l.p2, l.p0, limits.beta)), chosen_bits);
  const V smooth_q = hn::And(hn::VecFromMask(d, is_near(l.q2, l.q0, limits.beta)), chosen_bits);
  const V middle = hn::AverageRound(l.p0, l.q0);
  const V p1 = move_outer(l.p2, l.p1, middle, hn::And(tc0, smooth_p));
  const V q1 = move_outer(l.q2, l.q1, middle, hn::And(tc0, smooth_q));
  // A true mask is -1.
  move_inner(l.p1, l.p0, l.q0, l.q1, hn::Sub(hn::Sub(tc0, smooth_p), smooth_q));
  l.p1 = p1;
  l.q1 = q1;
}

// One side's new lines, 0 to 2.
struct Side {
  V s0, s1, s2;
};

HWY_INLINE void smooth_half(VWide p3, VWide p2, VWide p1, VWide p0, VWide q0, VWide q1,
                            hn::Vec<Half>& s0, hn::Vec<Half>& s1, hn::Vec<Half>& s2) {
  const Wide d;
  const Half to;
  const VWide four = hn::Set(d, 4);
  const VWide sum = hn::Add(hn::Add(p2, p1), hn::Add(p0, q0));
  const VWide inner = hn::Add(hn::Sub(hn::Add(sum, sum), p2), q1);
  s0 = hn::DemoteTo(to, hn::ShiftRight<3>(hn::Add(inner, four)));
  s1 = hn::DemoteTo(to, hn::ShiftRight<2>(hn::Add(sum, hn::Set(d, 2))));
  const VWide outer = hn::Add(sum, hn::ShiftLeft<1>(hn::Add(p3, p2)));
  s2 = hn::DemoteTo(to, hn::ShiftRight<3>(hn::Add(outer, four)));
}

HWY_INLINE VWide low(V v) { return hn::PromoteTo(Wide(), hn::LowerHalf(Half(), v)); }
HWY_INLINE VWide high(V v) { return hn::PromoteTo(Wide(), hn::UpperHalf(Half(), v)); }

// The long filter of 8.7.2.4.
HWY_INLINE Side smooth(V p3, V p2, V p1, V p0, V q0, V q1) {
  const Bytes d;
  hn::Vec<Half> l0, l1, l2, h0, h1, h2;
  smooth_half(low(p3), low(p2), low(p1), low(p0), low(q0), low(q1), l0, l1, l2);
  smooth_half(high(p3), high(p2), high(p1), high(p0), high(q0), high(q1), h0, h1, h2);
  return {hn::Combine(d, h0, l0), hn::Combine(d, h1, l1), hn::Combine(d, h2, l2)};
}

// (2 p1 + p0 + q1 + 2) >> 2.
HWY_INLINE V smooth_inner(V p1, V p0, V q1) { return hn::AverageRound(p1, average_down(p0, q1)); }

// 8.7.2.4.
HWY_INLINE void filter_strong(Lines& l, Mask chosen, const Limits& limits, int alpha) {
  const Mask small = hn::And(chosen, is_near(l.p0, l.q0, all((alpha >> 2) + 2)));
  const Mask smooth_p = hn::And(small, is_near(l.p2, l.p0, limits.beta));
  const Mask smooth_q = hn::And(small, is_near(l.q2, l.q0, limits.beta));
  const Side p = smooth(l.p3, l.p2, l.p1, l.p0, l.q0, l.q1);
  const Side q = smooth(l.q3, l.q2, l.q1, l.q0, l.p0, l.p1);
  const V p0 = hn::IfThenElse(smooth_p, p.s0, smooth_inner(l.p1, l.p0, l.q1));
  const V q0 = hn::IfThenElse(smooth_q, q.s0, smooth_inner(l.q1, l.q0, l.p1));
  l.p0 = hn::IfThenElse(chosen, p0, l.p0);
  l.q0 = hn::IfThenElse(chosen, q0, l.q0);
  l.p1 = hn::IfThenElse(smooth_p, p.s1, l.p1);
  l.q1 = hn::IfThenElse(smooth_q, q.s1, l.q1);
  l.p2 = hn::IfThenElse(smooth_p, p.s2, l.p2);
  l.q2 = hn::IfThenElse(smooth_q, q.s2, l.q2);
}

// Is there anything to change?
HWY_INLINE bool filter_luma(Lines& l, uint32_t strengths, const H264EdgeThresholds& t) {
  const Limits limits = {all(t.alpha), all(t.beta)};
  const Mask filtered = is_filtered(l.p1, l.p0, l.q0, l.q1, limits);
  if (hn::AllFalse(Bytes(), filtered)) return false;
  const V lanes = lanes_of(strengths);
  if ((strengths & kAnyStrong) != 0) {
    filter_strong(l, hn::And(filtered, hn::Eq(lanes, all(4))), limits, t.alpha);
  }
  if ((strengths & kAnyNormal) != 0) {
    const Mask chosen = hn::And(filtered, is_normal(lanes, strengths));
    filter_normal(l, hn::IfThenElseZero(chosen, tc0_of(lanes, t)), chosen, limits);
  }
  return true;
}

void luma_horizontal(uint8_t* samples, ptrdiff_t stride, const Strengths& strength,
                     const H264EdgeThresholds& t) {
  const uint32_t strengths = word_of(strength);
  const Bytes d;
  const bool has_strong = (strengths & kAnyStrong) != 0;
  const auto line = [&](int i) HWY_ATTR { return hn::LoadU(d, samples + i * stride); };
  const V p2 = line(-3);
  const V q2 = line(2);
  Lines l = {has_strong ? line(-4) : p2, p2, line(-2), line(-1), line(0), line(1), q2,
             has_strong ? line(3) : q2};
  if (!filter_luma(l, strengths, t)) return;
  if (has_strong) {
    hn::StoreU(l.p2, d, samples - 3 * stride);
    hn::StoreU(l.q2, d, samples + 2 * stride);
  }
  hn::StoreU(l.p1, d, samples - 2 * stride);
  hn::StoreU(l.p0, d, samples - stride);
  hn::StoreU(l.q0, d, samples);
  hn::StoreU(l.q1, d, samples + stride);
}

// Three of these turn eight lines of 16 into 16 of eight, or back.
HWY_INLINE void shuffle(const V* HWY_RESTRICT from, V* HWY_RESTRICT to) {
  const Bytes d;
  to[0] = hn::InterleaveLower(d, from[0], from[4]);
  to[1] = hn::InterleaveUpper(d, from[0], from[4]);
  to[2] = hn::InterleaveLower(d, from[1], from[5]);
  to[3] = hn::InterleaveUpper(d, from[1], from[5]);
  to[4] = hn::InterleaveLower(d, from[2], from[6]);
  to[5] = hn::InterleaveUpper(d, from[2], from[6]);
  to[6] = hn::InterleaveLower(d, from[3], from[7]);
  to[7] = hn::InterleaveUpper(d, from[3], from[7]);
}

// Columns p3 to q3 of 16 rows; `from` is the first p3.
HWY_INLINE Lines load_columns(const uint8_t* from, ptrdiff_t stride) {
  const Bytes d;
  const auto row = [&](int y) HWY_ATTR {
    return hn::ZeroExtendVector(d, hn::LoadU(Half(), from + y * stride));
  };
  V v[8];
  V w[8];
  v[0] = hn::InterleaveLower(d, row(0), row(8));
  v[1] = hn::InterleaveLower(d, row(1), row(9));
  v[2] = hn::InterleaveLower(d, row(2), row(10));
  v[3] = hn::InterleaveLower(d, row(3), row(11));
  v[4] = hn::InterleaveLower(d, row(4), row(12));
  v[5] = hn::InterleaveLower(d, row(5), row(13));
  v[6] = hn::InterleaveLower(d, row(6), row(14));
  v[7] = hn::InterleaveLower(d, row(7), row(15));
  shuffle(v, w);
  shuffle(w, v);
  shuffle(v, w);
  return {w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]};
}

HWY_INLINE void store_columns(const Lines& l, uint8_t* to, ptrdiff_t stride) {
  V v[8] = {l.p3, l.p2, l.p1, l.p0, l.q0, l.q1, l.q2, l.q3};
  V w[8];
  shuffle(v, w);
  shuffle(w, v);
  shuffle(v, w);
  for (const V& rows : w) {
    hn::StoreU(hn::LowerHalf(Half(), rows), Half(), to);
    hn::StoreU(hn::UpperHalf(Half(), rows), Half(), to + stride);
    to += 2 * stride;
  }
}

template <size_t kLane>
HWY_INLINE void store_lane(hn::Vec<Words> rows, uint8_t* to) {
  const uint32_t row = hn::ExtractLane(rows, kLane);
  std::memcpy(to, &row, sizeof row);
}

// Four bytes to each of four rows.
HWY_INLINE void store_words(hn::Vec<Words> rows, uint8_t* to, ptrdiff_t stride) {
  store_lane<0>(rows, to);
  store_lane<1>(rows, to + stride);
  store_lane<2>(rows, to + 2 * stride);
  store_lane<3>(rows, to + 3 * stride);
}

// Columns p1 to q1; `to` is the first p1.
HWY_INLINE void store_inner_columns(const Lines& l, uint8_t* to, ptrdiff_t stride) {
  const Bytes d;
  const Pairs pairs;
  const Words words;
  const auto p_upper = hn::BitCast(pairs, hn::InterleaveLower(d, l.p1, l.p0));
  const auto p_lower = hn::BitCast(pairs, hn::InterleaveUpper(d, l.p1, l.p0));
  const auto q_upper = hn::BitCast(pairs, hn::InterleaveLower(d, l.q0, l.q1));
  const auto q_lower = hn::BitCast(pairs, hn::InterleaveUpper(d, l.q0, l.q1));
  const ptrdiff_t four = 4 * stride;
  store_words(hn::BitCast(words, hn::InterleaveLower(pairs, p_upper, q_upper)), to, stride);
  store_words(hn::BitCast(words, hn::InterleaveUpper(pairs, p_upper, q_upper)), to + four, stride);
  store_words(hn::BitCast(words, hn::InterleaveLower(pairs, p_lower, q_lower)), to + 2 * four,
              stride);
  store_words(hn::BitCast(words, hn::InterleaveUpper(pairs, p_lower, q_lower)), to + 3 * four,
              stride);
}

void luma_vertical(uint8_t* samples, ptrdiff_t stride, const Strengths& strength,
                   const H264EdgeThresholds& t) {
  const uint32_t strengths = word_of(strength);
  Lines l = load_columns(samples - 4, stride);
  if (!filter_luma(l, strengths, t)) return;
  if ((strengths & kAnyStrong) != 0) {
    store_columns(l, samples - 4, stride);
  } else {
    store_inner_columns(l, samples - 2, stride);
  }
}

// Lanes of Cb and Cr in turn.
HWY_INLINE V alternate(int cb, int cr) { return hn::InterleaveLower(Bytes(), all(cb), all(cr)); }

// tC0 of both by lanes of bS, as tc0_of().
HWY_INLINE V chroma_tc0_of(V strengths, const H264EdgeThresholds& cb,
                           const H264EdgeThresholds& cr) {
  const hn::FixedTag<uint64_t, 2> d;
  const auto halves =
      hn::InterleaveLower(d, hn::BitCast(d, repeat(cb.tc0)), hn::BitCast(d, repeat(cr.tc0)));
  const V upper = hn::BitCast(Bytes(), hn::Set(Pairs(), 0x0800));
  return hn::TableLookupBytes(hn::BitCast(Bytes(), halves), hn::Or(strengths, upper));
}

// Is there anything to change?
HWY_INLINE bool filter_chroma(V p1, V& p0, V& q0, V q1, uint32_t strengths,
                              const H264EdgeThresholds& cb, const H264EdgeThresholds& cr) {
  const Limits limits = {alternate(cb.alpha, cr.alpha), alternate(cb.beta, cr.beta)};
  const Mask filtered = is_filtered(p1, p0, q0, q1, limits);
  if (hn::AllFalse(Bytes(), filtered)) return false;
  const V lanes = lanes_of(strengths);
  const V p0_before = p0;
  const V q0_before = q0;
  const Mask normal = hn::And(filtered, is_normal(lanes, strengths));
  const V tc = hn::Add(chroma_tc0_of(lanes, cb, cr), all(1));
  move_inner(p1, p0, q0, q1, hn::IfThenElseZero(normal, tc));
  if ((strengths & kAnyStrong) != 0) {
    const Mask strong = hn::And(filtered, hn::Eq(lanes, all(4)));
    p0 = hn::IfThenElse(strong, smooth_inner(p1, p0_before, q1), p0);
    q0 = hn::IfThenElse(strong, smooth_inner(q1, q0_before, p1), q0);
  }
  return true;
}

void chroma_horizontal(uint8_t* pairs, ptrdiff_t stride, const Strengths& strength,
                       const H264EdgeThresholds& cb, const H264EdgeThresholds& cr) {
  const Bytes d;
  V p0 = hn::LoadU(d, pairs - stride);
  V q0 = hn::LoadU(d, pairs);
  const V p1 = hn::LoadU(d, pairs - 2 * stride);
  const V q1 = hn::LoadU(d, pairs + stride);
  if (!filter_chroma(p1, p0, q0, q1, word_of(strength), cb, cr)) return;
  hn::StoreU(p0, d, pairs - stride);
  hn::StoreU(q0, d, pairs);
}

void chroma_vertical(uint8_t* pairs, ptrdiff_t stride, const Strengths& strength,
                     const H264EdgeThresholds& cb, const H264EdgeThresholds& cr) {
  const Bytes bytes;
  const Pairs d;
  const auto row = [&](int y) HWY_ATTR {
    return hn::BitCast(d, hn::ZeroExtendVector(bytes, hn::LoadU(Half(), pairs - 4 + y * stride)));
  };
  const auto v0 = hn::InterleaveLower(d, row(0), row(4));
  const auto v1 = hn::InterleaveLower(d, row(1), row(5));
  const auto v2 = hn::InterleaveLower(d, row(2), row(6));
  const auto v3 = hn::InterleaveLower(d, row(3), row(7));
  const auto even_p = hn::InterleaveLower(d, v0, v2);
  const auto even_q = hn::InterleaveUpper(d, v0, v2);
  const auto odd_p = hn::InterleaveLower(d, v1, v3);
  const auto odd_q = hn::InterleaveUpper(d, v1, v3);
  const V p1 = hn::BitCast(bytes, hn::InterleaveLower(d, even_p, odd_p));
  V p0 = hn::BitCast(bytes, hn::InterleaveUpper(d, even_p, odd_p));
  V q0 = hn::BitCast(bytes, hn::InterleaveLower(d, even_q, odd_q));
  const V q1 = hn::BitCast(bytes, hn::InterleaveUpper(d, even_q, odd_q));
  if (!filter_chroma(p1, p0, q0, q1, word_of(strength), cb, cr)) return;
  const auto p = hn::BitCast(d, p0);
  const auto q = hn::BitCast(d, q0);
  store_words(hn::BitCast(Words(), hn::InterleaveLower(d, p, q)), pairs - 2, stride);
  store_words(hn::BitCast(Words(), hn::InterleaveUpper(d, p, q)), pairs - 2 + 4 * stride, stride);
}

void filter_macroblocks(const H264DeblockMacroblock* macroblocks, size_t count,
                        const H264ThresholdTable& thresholds, ptrdiff_t luma_stride,
                        ptrdiff_t chroma_stride) {
  filter_edges(macroblocks, count, thresholds, luma_stride, chroma_stride, luma_vertical,
               luma_horizontal, chroma_vertical, chroma_horizontal);
}

}  // namespace

const H264DeblockFunctions* h264_target_functions() {
  // Mixed edges are rare: the reference's functions do.
  static const H264DeblockFunctions functions = {
      .substrate = Substrate::kSimd,
      .target = hwy::TargetName(HWY_TARGET),
      .luma_vertical = luma_vertical,
      .luma_horizontal = luma_horizontal,
      .chroma_vertical = chroma_vertical,
      .chroma_horizontal = chroma_horizontal,
      .luma_vertical_mixed = h264_scalar_functions().luma_vertical_mixed,
      .chroma_vertical_mixed = h264_scalar_functions().chroma_vertical_mixed,
      .filter_macroblocks = filter_macroblocks,
  };
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::deblock
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::deblock {

HWY_EXPORT(h264_target_functions);

const H264DeblockFunctions& h264_simd_functions() {
  return *HWY_DYNAMIC_DISPATCH(h264_target_functions)();
}

}  // namespace daedalus::gpu_kernels::deblock
#endif  // HWY_ONCE
