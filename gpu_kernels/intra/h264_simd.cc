// Intra prediction in Highway, compiled once for each SIMD target. A block's neighbours are laid
// out as one line, from the left's end over the corner to the top's; what directional modes predict
// are pieces of that line smoothed, or of averages along it.
#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "gpu_kernels/intra/h264_edges.h"
#include "gpu_kernels/intra/h264_tables.h"
#include "gpu_kernels/vectors_128.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/intra/h264_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::intra {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const H264IntraFunctions* h264_target_functions() { return &h264_scalar_functions(); }

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::FixedTag<uint8_t, 16>;
using Half = hn::FixedTag<uint8_t, 8>;
using Pairs = hn::FixedTag<uint16_t, 8>;
using Wide = hn::FixedTag<int16_t, 8>;
using V = hn::Vec<Bytes>;

// (a + 2 b + c + 2) >> 2.
HWY_INLINE V smooth_vectors(V a, V b, V c) {
  const Bytes d;
  const V odd = hn::And(hn::Xor(a, c), hn::Set(d, 1));
  return hn::AverageRound(b, hn::Sub(hn::AverageRound(a, c), odd));
}

// The line of a block of kSize x kSize samples: left[i] is at kCorner - 1 - i, top[i] at
// kCorner + 1 + i; one more sample at either end repeats the last.
constexpr size_t kCorner = 16;
template <size_t kSize>
struct Line {
  HWY_ALIGN uint8_t samples[64] = {};

  const uint8_t* at(ptrdiff_t i) const { return samples + kCorner + i; }
  uint8_t* at(ptrdiff_t i) { return samples + kCorner + i; }
  void repeat_ends() {
    *at(-static_cast<ptrdiff_t>(kSize) - 1) = *at(-static_cast<ptrdiff_t>(kSize));
    *at(2 * kSize + 1) = *at(2 * kSize);
  }
};

// Calls function(offset) for each vector that it takes to cover a line.
template <size_t kSize, typename Function>
HWY_INLINE void for_line(const Function& function) {
  function(kCorner - kSize);
  if constexpr (kSize == 8) function(kCorner - kSize + 16);
}

template <size_t kSize>
HWY_INLINE void smooth_line(const Line<kSize>& from, Line<kSize>& to) {
  for_line<kSize>([&](size_t i) HWY_ATTR {
    const Bytes d;
    const uint8_t* const samples = from.samples + i;
    hn::StoreU(
        smooth_vectors(hn::LoadU(d, samples - 1), hn::LoadU(d, samples), hn::LoadU(d, samples + 1)),
        d, to.samples + i);
  });
}

// Each sample with the next one.
template <size_t kSize>
HWY_INLINE void average_line(const Line<kSize>& from, Line<kSize>& to) {
  for_line<kSize>([&](size_t i) HWY_ATTR {
    const Bytes d;
    const uint8_t* const samples = from.samples + i;
    hn::StoreU(hn::AverageRound(hn::LoadU(d, samples), hn::LoadU(d, samples + 1)), d,
               to.samples + i);
  });
}

template <typename Neighbours, size_t kSize>
HWY_INLINE void lay_out(const Neighbours& from, Line<kSize>& to) {
  std::reverse_copy(from.left.begin(), from.left.end(), to.at(-static_cast<ptrdiff_t>(kSize)));
  *to.at(0) = from.corner;
  std::copy(from.top.begin(), from.top.end(), to.at(1));
  to.repeat_ends();
}

HWY_INLINE void make_line(const H264Edges4x4& edges, Line<4>& line) { lay_out(edges, line); }

HWY_INLINE void make_line(const H264Edges8x8& edges, Line<8>& line) {
  if (edges.has_corner && edges.has_top && edges.has_left) {
    Line<8> unfiltered;
    lay_out(edges, unfiltered);
    smooth_line(unfiltered, line);
    line.repeat_ends();
  } else {
    lay_out(neighbours_of(edges), line);
  }
}

// Row y of a block is kSize bytes of `line` from first + y * step.
template <size_t kSize>
HWY_INLINE void store_rows(const uint8_t* first, ptrdiff_t step, uint8_t* samples,
                           ptrdiff_t stride) {
  for (size_t y = 0; y < kSize; ++y) {
    std::memcpy(samples, first, kSize);
    first += step;
    samples += stride;
  }
}

// The same, for even and odd rows by turns.
template <size_t kSize>
HWY_INLINE void store_two_rows(const uint8_t* even, const uint8_t* odd, ptrdiff_t step,
                               uint8_t* samples, ptrdiff_t stride) {
  for (size_t y = 0; y < kSize; y += 2) {
    std::memcpy(samples, even, kSize);
    std::memcpy(samples + stride, odd, kSize);
    even += step;
    odd += step;
    samples += 2 * stride;
  }
}

// Eight bytes in reverse.
HWY_INLINE V reversed(const uint8_t* from) {
  HWY_ALIGN uint8_t bytes[16] = {};
  std::reverse_copy(from, from + 8, bytes);
  return hn::Load(Bytes(), bytes);
}

template <H264IntraMode kMode, size_t kSize>
HWY_INLINE void predict_direction(const Line<kSize>& line, uint8_t* samples, ptrdiff_t stride) {
  using enum H264IntraMode;
  constexpr ptrdiff_t kLast = kSize - 1;
  const Bytes d;
  Line<kSize> smooth;
  Line<kSize> between;
  smooth_line(line, smooth);
  average_line(line, between);
  if constexpr (kMode == kDiagonalDownLeft) {
    store_rows<kSize>(smooth.at(2), 1, samples, stride);
  } else if constexpr (kMode == kDiagonalDownRight) {
    store_rows<kSize>(smooth.at(0), -1, samples, stride);
  } else if constexpr (kMode == kVerticalLeft) {
    store_two_rows<kSize>(between.at(1), smooth.at(2), 1, samples, stride);
  } else if constexpr (kMode == kVerticalRight) {
    // Rows come in from the left's smoothed samples, every second one.
    Line<kSize> even;
    Line<kSize> odd;
    std::copy_n(between.at(0), kSize, even.at(0));
    std::copy_n(smooth.at(0), kSize, odd.at(0));
    for (ptrdiff_t i = 1; i < static_cast<ptrdiff_t>(kSize / 2); ++i) {
      *even.at(-i) = *smooth.at(1 - 2 * i);
      *odd.at(-i) = *smooth.at(-2 * i);
    }
    store_two_rows<kSize>(even.at(0), odd.at(0), -1, samples, stride);
  } else if constexpr (kMode == kHorizontalDown) {
    // Pairs up the left edge, then along the top.
    uint8_t pairs[32];
    hn::StoreU(hn::InterleaveLower(d, hn::LoadU(d, between.at(-kLast - 1)),
                                   hn::LoadU(d, smooth.at(-kLast))),
               d, pairs);
    std::copy_n(smooth.at(1), kSize, pairs + 2 * kSize);
    store_rows<kSize>(pairs + 2 * kLast, -2, samples, stride);
  } else {
    static_assert(kMode == kHorizontalUp);
    // Pairs down the left edge, then its last sample.
    uint8_t pairs[32];
    hn::StoreU(hn::InterleaveLower(d, reversed(between.at(-9)), reversed(smooth.at(-9))), d, pairs);
    std::fill_n(pairs + 2 * kLast, kSize, *line.at(-kLast - 1));
    store_rows<kSize>(pairs, 2, samples, stride);
  }
}

template <H264IntraMode kMode, size_t kSize, typename Edges>
void predict(uint8_t* samples, ptrdiff_t stride, const Edges& edges) {
  Line<kSize> line;
  make_line(edges, line);
  predict_direction<kMode>(line, samples, stride);
}

// 16 bytes in each row, all of them alike.
HWY_INLINE void fill_rows(V row, int rows, uint8_t* samples, ptrdiff_t stride) {
  for (int y = 0; y < rows; ++y, samples += stride) hn::StoreU(row, Bytes(), samples);
}

HWY_INLINE uint32_t sum_of(const std::array<uint8_t, 16>& edge) {
  const auto sums = hn::SumsOf8(hn::LoadU(Bytes(), edge.data()));
  return static_cast<uint32_t>(hn::GetLane(sums) + hn::ExtractLane(sums, 1));
}

// Rows of a plane of 16 bytes; `left` and `right` are the first row's halves before the shift.
HWY_INLINE void store_plane(hn::Vec<Wide> left, hn::Vec<Wide> right, hn::Vec<Wide> down, int rows,
                            uint8_t* samples, ptrdiff_t stride) {
  const Half half;
  for (int y = 0; y < rows; ++y, samples += stride) {
    hn::StoreU(hn::DemoteTo(half, hn::ShiftRight<5>(left)), half, samples);
    hn::StoreU(hn::DemoteTo(half, hn::ShiftRight<5>(right)), half, samples + 8);
    left = hn::Add(left, down);
    right = hn::Add(right, down);
  }
}

HWY_INLINE hn::Vec<Wide> set_wide(int value) {
  return hn::Set(Wide(), static_cast<int16_t>(value));
}

template <H264PlaneMode kMode>
void predict_16x16(uint8_t* samples, ptrdiff_t stride, const H264Edges16x16& edges) {
  using enum H264PlaneMode;
  const Bytes d;
  const auto fill = [&](uint32_t value) HWY_ATTR {
    fill_rows(hn::Set(d, static_cast<uint8_t>(value)), 16, samples, stride);
  };
  if constexpr (kMode == kVertical) {
    fill_rows(hn::LoadU(d, edges.top.data()), 16, samples, stride);
  } else if constexpr (kMode == kHorizontal) {
    for (size_t y = 0; y < 16; ++y, samples += stride) {
      hn::StoreU(hn::Set(d, edges.left[y]), d, samples);
    }
  } else if constexpr (kMode == kPlane) {
    const Plane plane(edges.top, edges.left, edges.corner, 8, 5, 1);
    const auto left = hn::Add(set_wide(plane.a), hn::Mul(hn::Iota(Wide(), 0), set_wide(plane.b)));
    store_plane(left, hn::Add(left, set_wide(8 * plane.b)), set_wide(plane.c), 16, samples, stride);
  } else if constexpr (kMode == kDc) {
    fill((sum_of(edges.top) + sum_of(edges.left) + 16) >> 5);
  } else if constexpr (kMode == kDcLeft) {
    fill((sum_of(edges.left) + 8) >> 4);
  } else if constexpr (kMode == kDcTop) {
    fill((sum_of(edges.top) + 8) >> 4);
  } else {
    fill(128);
  }
}

// Lanes of Cb and Cr in turn.
HWY_INLINE hn::Vec<Wide> alternate(int cb, int cr) {
  return hn::OddEven(set_wide(cr), set_wide(cb));
}

HWY_INLINE void predict_chroma_plane(uint8_t* pairs, ptrdiff_t stride,
                                     const H264EdgesChroma& edges) {
  const auto plane_of = [&](size_t component) {
    return Plane(std::span(edges.top).subspan(component), std::span(edges.left).subspan(component),
                 edges.corner[component], 4, 34, 2);
  };
  const Plane cb = plane_of(0);
  const Plane cr = plane_of(1);
  const auto across = alternate(cb.b, cr.b);
  const auto column = hn::ShiftRight<1>(hn::Iota(Wide(), 0));
  const auto left = hn::Add(alternate(cb.a, cr.a), hn::Mul(column, across));
  store_plane(left, hn::Add(left, hn::ShiftLeft<2>(across)), alternate(cb.c, cr.c), 8, pairs,
              stride);
}

template <H264ChromaMode kMode>
void predict_chroma(uint8_t* pairs, ptrdiff_t stride, const H264EdgesChroma& edges) {
  using enum H264ChromaMode;
  const Bytes d;
  if constexpr (kMode == kVertical) {
    fill_rows(hn::LoadU(d, edges.top.data()), 8, pairs, stride);
  } else if constexpr (kMode == kHorizontal) {
    for (size_t y = 0; y < 8; ++y, pairs += stride) {
      const int pair = edges.left[2 * y] | edges.left[2 * y + 1] << 8;
      hn::StoreU(hn::BitCast(d, hn::Set(Pairs(), static_cast<uint16_t>(pair))), d, pairs);
    }
  } else if constexpr (kMode == kPlane) {
    predict_chroma_plane(pairs, stride, edges);
  } else {
    for (int by = 0; by < 2; ++by, pairs += 4 * stride) {
      const auto pair = [&](int bx) HWY_ATTR {
        const int cb = chroma_dc_value(chroma_dc(kMode), edges, 0, bx, by);
        const int cr = chroma_dc_value(chroma_dc(kMode), edges, 1, bx, by);
        return hn::Set(hn::FixedTag<uint16_t, 4>(), static_cast<uint16_t>(cb | cr << 8));
      };
      fill_rows(hn::BitCast(d, hn::Combine(Pairs(), pair(1), pair(0))), 4, pairs, stride);
    }
  }
}

template <H264IntraMode kMode>
void set_direction(H264IntraFunctions& to) {
  to.predict_4x4[static_cast<size_t>(kMode)] = predict<kMode, 4, H264Edges4x4>;
  to.predict_8x8[static_cast<size_t>(kMode)] = predict<kMode, 8, H264Edges8x8>;
}

template <size_t... kMode>
void set_planes(H264IntraFunctions& to, std::index_sequence<kMode...>) {
  ((to.predict_16x16[kMode] = predict_16x16<static_cast<H264PlaneMode>(kMode)>), ...);
}

template <size_t... kMode>
void set_chroma(H264IntraFunctions& to, std::index_sequence<kMode...>) {
  ((to.predict_chroma[kMode] = predict_chroma<static_cast<H264ChromaMode>(kMode)>), ...);
}

// Vertical, horizontal and DC modes of small blocks are the reference's: vectors gain nothing.
H264IntraFunctions make_functions() {
  using enum H264IntraMode;
  H264IntraFunctions to = h264_scalar_functions();
  to.substrate = Substrate::kSimd;
  to.target = hwy::TargetName(HWY_TARGET);
  set_direction<kDiagonalDownLeft>(to);
  set_direction<kDiagonalDownRight>(to);
  set_direction<kVerticalRight>(to);
  set_direction<kHorizontalDown>(to);
  set_direction<kVerticalLeft>(to);
  set_direction<kHorizontalUp>(to);
  set_planes(to, std::make_index_sequence<kH264PlaneModes>());
  set_chroma(to, std::make_index_sequence<kH264ChromaModes>());
  return to;
}

}  // namespace

const H264IntraFunctions* h264_target_functions() {
  static const H264IntraFunctions functions = make_functions();
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::intra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::intra {

HWY_EXPORT(h264_target_functions);

const H264IntraFunctions& h264_simd_functions() {
  return *HWY_DYNAMIC_DISPATCH(h264_target_functions)();
}

}  // namespace daedalus::gpu_kernels::intra
#endif  // HWY_ONCE
