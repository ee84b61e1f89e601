// CDEF in Highway, compiled once for each SIMD target. A block with what surrounds it is copied to
// a window of 16-bit samples, where those that are not available are kUnavailable: so far below all
// others that constrain() makes nothing of them; the largest of signed numbers are never they, nor
// the smallest of unsigned ones. A vector is eight samples: a row of luma, two of chroma.
#include <cstring>
#include <utility>

#include "gpu_kernels/cdef/av1_tables.h"
#include "gpu_kernels/vectors_128.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/cdef/av1_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::cdef {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const Av1CdefFunctions* av1_target_functions() { return &av1_scalar_functions(); }

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kLanes = 8;
constexpr uint32_t kReach = 2;
constexpr int16_t kUnavailable = -16384;

using Words = hn::FixedTag<int16_t, kLanes>;
using UnsignedWords = hn::RebindToUnsigned<Words>;
using HalfWords = hn::Half<Words>;
using Bytes = hn::Rebind<uint8_t, Words>;
using HalfBytes = hn::Half<Bytes>;
using Sums = hn::Rebind<int32_t, HalfWords>;
using V = hn::Vec<Words>;

HWY_INLINE V word(int value) { return hn::Set(Words(), static_cast<int16_t>(value)); }

template <typename Sample>
HWY_INLINE V load(const uint8_t* from) {
  if constexpr (sizeof(Sample) == 1) {
    return hn::PromoteTo(Words(), hn::LoadU(Bytes(), from));
  } else {
    return hn::BitCast(Words(), hn::LoadU(hn::Repartition<uint8_t, Words>(), from));
  }
}

// kSize samples of each row: 8 of one or 4 of two.
template <typename Sample, uint32_t kSize>
HWY_INLINE void store(V samples, uint8_t* to, ptrdiff_t stride) {
  if constexpr (sizeof(Sample) == 1) {
    const auto bytes = hn::DemoteTo(Bytes(), samples);
    if constexpr (kSize == 8) {
      hn::StoreU(bytes, Bytes(), to);
    } else {
      hn::StoreU(hn::LowerHalf(HalfBytes(), bytes), HalfBytes(), to);
      hn::StoreU(hn::UpperHalf(HalfBytes(), bytes), HalfBytes(), to + stride);
    }
  } else {
    const hn::Repartition<uint8_t, Words> d;
    const auto bytes = hn::BitCast(d, samples);
    if constexpr (kSize == 8) {
      hn::StoreU(bytes, d, to);
    } else {
      const hn::Half<decltype(d)> half;
      hn::StoreU(hn::LowerHalf(half, bytes), half, to);
      hn::StoreU(hn::UpperHalf(half, bytes), half, to + stride);
    }
  }
}

template <uint32_t kSize>
struct Window {
  static constexpr size_t kStride = kSize + 2 * kReach;
  alignas(16) int16_t samples[kStride * kStride];

  // Sample (x, y) of the block.
  const int16_t* at(size_t x, size_t y) const {
    return samples + (y + kReach) * kStride + x + kReach;
  }
};

// The plane of a block. Its size is in samples.
struct Plane {
  SourcePlane from;
  TargetPlane to;
  uint32_t width;
  uint32_t height;
};

template <typename Sample, uint32_t kSize>
HWY_INLINE void fill_inside(const Plane& plane, uint32_t x0, uint32_t y0, Window<kSize>& window) {
  for (uint32_t y = 0; y < kSize + 2 * kReach; ++y) {
    const uint8_t* from =
        row_of(plane.from, y0 + y - kReach) + size_t{x0 - kReach} * sizeof(Sample);
    int16_t* to = window.samples + y * Window<kSize>::kStride;
    hn::StoreU(load<Sample>(from), Words(), to);
    if constexpr (kSize == 8) {
      constexpr size_t kRest = Window<kSize>::kStride - kLanes;
      hn::StoreU(load<Sample>(from + kRest * sizeof(Sample)), Words(), to + kRest);
    }
  }
}

template <typename Sample, uint32_t kSize>
void fill_at_edge(const Plane& plane, uint32_t x0, uint32_t y0, Window<kSize>& window) {
  std::fill_n(window.samples, Window<kSize>::kStride * Window<kSize>::kStride, kUnavailable);
  const uint32_t left = std::min(x0, kReach);
  const uint32_t top = std::min(y0, kReach);
  const uint32_t right = std::min(x0 + kSize + kReach, plane.width);
  const uint32_t bottom = std::min(y0 + kSize + kReach, plane.height);
  for (uint32_t y = y0 - top; y < bottom; ++y) {
    const uint8_t* from = row_of(plane.from, y);
    int16_t* to = window.samples + (y + kReach - y0) * Window<kSize>::kStride;
    for (uint32_t x = x0 - left; x < right; ++x) {
      Sample sample;
      std::memcpy(&sample, from + x * sizeof sample, sizeof sample);
      to[x + kReach - x0] = static_cast<int16_t>(sample);
    }
  }
}

template <typename Sample, uint32_t kSize>
HWY_INLINE void fill(const Plane& plane, uint32_t x0, uint32_t y0, Window<kSize>& window) {
  const bool inside = x0 != 0 && y0 != 0 && x0 + kSize != plane.width && y0 + kSize != plane.height;
  if (inside) {
    fill_inside<Sample>(plane, x0, y0, window);
  } else {
    fill_at_edge<Sample>(plane, x0, y0, window);
  }
}

HWY_INLINE hn::Vec<Sums> squares(V sums, const int (&weights)[kLanes], size_t first) {
  const Sums d;
  const auto half =
      first == 0 ? hn::LowerHalf(HalfWords(), sums) : hn::UpperHalf(HalfWords(), sums);
  const auto wide = hn::PromoteTo(d, half);
  return hn::Mul(hn::Mul(wide, wide), hn::LoadU(d, weights + first));
}

HWY_INLINE hn::Vec<Sums> cost(V sums, const int (&weights)[kLanes]) {
  return hn::Add(squares(sums, weights, 0), squares(sums, weights, kLanes / 2));
}

// Sums along lines that shift by a sample from vector to vector: partial[0 to 7] and [8 to 15].
struct Lines {
  V low;
  V high;

  template <int kShift>
  HWY_INLINE void add(V samples) {
    const Words d;
    if constexpr (kShift == 0) {
      low = hn::Add(low, samples);
    } else {
      low = hn::Add(low, hn::ShiftLeftLanes<kShift>(d, samples));
      high = hn::Add(high, hn::ShiftRightLanes<kLanes - kShift>(d, samples));
    }
  }
};

// kDivTable by line: of diagonals of 1 to 8 samples, of 2, 4, 6 and 8 samples, and of eights.
constexpr int kDiagonalLow[kLanes] = {840, 420, 280, 210, 168, 140, 120, 105};
constexpr int kDiagonalHigh[kLanes] = {120, 140, 168, 210, 280, 420, 840, 0};
constexpr int kSteepLow[kLanes] = {420, 210, 140, 105, 105, 105, 105, 105};
constexpr int kSteepHigh[kLanes] = {140, 210, 420, 0, 0, 0, 0, 0};
constexpr int kEights[kLanes] = {105, 105, 105, 105, 105, 105, 105, 105};

HWY_INLINE int32_t total(hn::Vec<Sums> costs) { return hn::GetLane(hn::SumOfLanes(Sums(), costs)); }

HWY_INLINE int32_t diagonal_cost(const Lines& lines) {
  return total(hn::Add(cost(lines.low, kDiagonalLow), cost(lines.high, kDiagonalHigh)));
}

HWY_INLINE int32_t steep_cost(const Lines& lines) {
  return total(hn::Add(cost(lines.low, kSteepLow), cost(lines.high, kSteepHigh)));
}

// What 7.15.2 finds from rows alone, each shifted against the one above. Of the transposed block
// they are the costs of the other directions.
struct Costs {
  int32_t diagonal;       // partial[0][i + j]
  int32_t anti_diagonal;  // partial[4], its lines in reverse
  int32_t across;         // partial[6][j]
  int32_t steep;          // partial[7][i / 2 + j]
  int32_t anti_steep;     // partial[5][3 - i / 2 + j]
};

template <size_t... kRow>
HWY_INLINE Costs costs_of(const V (&rows)[kLanes], std::index_sequence<kRow...>) {
  const V zero = hn::Zero(Words());
  Lines diagonal{zero, zero};
  Lines anti_diagonal{zero, zero};
  Lines steep{zero, zero};
  Lines anti_steep{zero, zero};
  V across = zero;
  (diagonal.add<kRow>(rows[kRow]), ...);
  (anti_diagonal.add<7 - kRow>(rows[kRow]), ...);
  (steep.add<kRow / 2>(rows[kRow]), ...);
  (anti_steep.add<3 - kRow / 2>(rows[kRow]), ...);
  ((across = hn::Add(across, rows[kRow])), ...);
  return {diagonal_cost(diagonal), diagonal_cost(anti_diagonal), total(cost(across, kEights)),
          steep_cost(steep), steep_cost(anti_steep)};
}

// Interleaving each row with the one four below, three times.
HWY_INLINE void transpose(V (&rows)[kLanes]) {
  const Words d;
  for (int pass = 0; pass < 3; ++pass) {
    V mixed[kLanes];
    for (size_t i = 0; i < kLanes / 2; ++i) {
      mixed[2 * i] = hn::InterleaveLower(d, rows[i], rows[i + kLanes / 2]);
      mixed[2 * i + 1] = hn::InterleaveUpper(d, rows[i], rows[i + kLanes / 2]);
    }
    for (size_t i = 0; i < kLanes; ++i) rows[i] = mixed[i];
  }
}

HWY_INLINE Direction find_direction(const Window<8>& window, int bit_depth) {
  constexpr auto kRows = std::make_index_sequence<kLanes>();
  V rows[kLanes];
  for (size_t y = 0; y < kLanes; ++y) {
    const V samples = hn::LoadU(Words(), window.at(0, y));
    rows[y] = hn::Sub(hn::ShiftRightSame(samples, bit_depth - 8), word(128));
  }
  const Costs by_row = costs_of(rows, kRows);
  transpose(rows);
  const Costs by_column = costs_of(rows, kRows);
  const std::array<int32_t, kDirections> costs = {
      by_row.diagonal,      by_column.steep,   by_column.across, by_column.anti_steep,
      by_row.anti_diagonal, by_row.anti_steep, by_row.across,    by_row.steep};
  const auto best = std::max_element(costs.begin(), costs.end());
  const auto direction = static_cast<size_t>(best - costs.begin());
  return {direction, static_cast<uint32_t>(*best - costs[(direction + 4) % kDirections]) >> 10};
}

// constrain() of one strength, above 0.
struct Constrain {
  V strength;
  int shift;

  Constrain(int value, int damping)
      : strength(word(value)), shift(value != 0 ? damping_shift(value, damping) : 0) {}

  HWY_INLINE V operator()(V difference) const {
    const V magnitude = hn::Abs(difference);
    const V least = hn::Sub(strength, hn::ShiftRightSame(magnitude, shift));
    const V constrained = hn::Min(hn::Max(least, hn::Zero(Words())), magnitude);
    return hn::IfNegativeThenElse(difference, hn::Neg(constrained), constrained);
  }
};

template <uint32_t kSize>
HWY_INLINE V load_window(const int16_t* at) {
  if constexpr (kSize == 8) {
    return hn::LoadU(Words(), at);
  } else {
    const HalfWords half;
    return hn::Combine(Words(), hn::LoadU(half, at + Window<kSize>::kStride), hn::LoadU(half, at));
  }
}

// With one of the strengths alone a sample cannot leave the range of its taps: they weigh 12
// sixteenths.
template <typename Sample, uint32_t kSize, bool kPrimary, bool kSecondary>
void filter_with(const Window<kSize>& window, const BlockFilter& filter, int bit_depth, uint8_t* to,
                 ptrdiff_t stride) {
  constexpr ptrdiff_t kStride = Window<kSize>::kStride;
  constexpr bool kClip = kPrimary && kSecondary;
  const Constrain primary(filter.primary, filter.damping);
  const Constrain secondary(filter.secondary, filter.damping);
  const std::array<int, 2> taps = primary_taps(filter.primary, bit_depth);
  const auto offset_of = [&](size_t direction, size_t k) {
    const Offset& offset = kOffsets[direction % kDirections][k];
    return offset.y * kStride + offset.x;
  };
  for (uint32_t y = 0; y < kSize; y += kLanes / kSize) {
    const int16_t* at = window.at(0, y);
    const V sample = load_window<kSize>(at);
    const UnsignedWords unsigned_words;
    V sum = hn::Zero(Words());
    V most = sample;
    auto least = hn::BitCast(unsigned_words, sample);
    const auto constrained = [&](ptrdiff_t offset, const Constrain& constrain) HWY_ATTR {
      const V before = load_window<kSize>(at - offset);
      const V after = load_window<kSize>(at + offset);
      if constexpr (kClip) {
        most = hn::Max(most, hn::Max(before, after));
        least = hn::Min(least, hn::Min(hn::BitCast(unsigned_words, before),
                                       hn::BitCast(unsigned_words, after)));
      }
      return hn::Add(constrain(hn::Sub(before, sample)), constrain(hn::Sub(after, sample)));
    };
    for (size_t k = 0; k < 2; ++k) {
      if constexpr (kPrimary) {
        const V of_both = constrained(offset_of(filter.direction, k), primary);
        sum = hn::Add(sum, hn::Mul(of_both, word(taps[k])));
      }
      if constexpr (kSecondary) {
        const V of_all = hn::Add(constrained(offset_of(filter.direction + 2, k), secondary),
                                 constrained(offset_of(filter.direction + 6, k), secondary));
        sum = hn::Add(sum, k == 0 ? hn::Add(of_all, of_all) : of_all);
      }
    }
    const V sign = hn::ShiftRight<15>(sum);
    V filtered = hn::Add(sample, hn::ShiftRight<4>(hn::Add(hn::Add(sum, sign), word(8))));
    if constexpr (kClip) {
      filtered = hn::Min(hn::Max(filtered, hn::BitCast(Words(), least)), most);
    }
    store<Sample, kSize>(filtered, to + static_cast<ptrdiff_t>(y) * stride, stride);
  }
}

template <typename Sample, uint32_t kSize>
void filter_block(const Window<kSize>& window, const BlockFilter& filter, int bit_depth,
                  uint8_t* to, ptrdiff_t stride) {
  if (filter.secondary == 0) {
    filter_with<Sample, kSize, true, false>(window, filter, bit_depth, to, stride);
  } else if (filter.primary == 0) {
    filter_with<Sample, kSize, false, true>(window, filter, bit_depth, to, stride);
  } else {
    filter_with<Sample, kSize, true, true>(window, filter, bit_depth, to, stride);
  }
}

template <typename Sample, uint32_t kSize>
void copy_block(const Plane& plane, uint32_t x0, uint32_t y0) {
  for (uint32_t y = y0; y < y0 + kSize; ++y) {
    std::memcpy(row_of(plane.to, y) + size_t{x0} * sizeof(Sample),
                row_of(plane.from, y) + size_t{x0} * sizeof(Sample), kSize * sizeof(Sample));
  }
}

template <typename Sample, uint32_t kSize>
HWY_INLINE uint8_t* target_of(const Plane& plane, uint32_t x0, uint32_t y0) {
  return row_of(plane.to, y0) + size_t{x0} * sizeof(Sample);
}

// The planes of a picture, and one block of it at a time.
template <typename Sample>
class Blocks {
 public:
  explicit Blocks(const Av1CdefPicture& picture) : picture_(picture) {
    for (size_t i = 0; i < 3; ++i) {
      const uint32_t size = i == 0 ? 8 : 4;
      planes_[i] = {picture.from[i], picture.to[i], picture.blocks_across * size,
                    picture.block_rows * size};
    }
  }

  HWY_INLINE void filter(uint32_t column, uint32_t row) const {
    const uint8_t index = picture_.blocks[size_t{row} * picture_.blocks_across + column];
    if (index == kAv1CdefSkipped) return copy(column, row);
    const Av1CdefStrengths& strengths = picture_.strengths[index];
    Window<8> window;
    fill<Sample>(planes_[0], 8 * column, 8 * row, window);
    Direction found{};
    if ((strengths.y_primary | strengths.uv_primary) != 0) {
      found = find_direction(window, picture_.bit_depth);
    }
    const BlockFilter luma = luma_filter(picture_, strengths, found);
    if (luma.none()) {
      copy_block<Sample, 8>(planes_[0], 8 * column, 8 * row);
    } else {
      filter_block<Sample, 8>(window, luma, picture_.bit_depth,
                              target_of<Sample, 8>(planes_[0], 8 * column, 8 * row),
                              planes_[0].to.stride);
    }
    const BlockFilter chroma = chroma_filter(picture_, strengths, found);
    for (size_t plane = 1; plane < plane_count(); ++plane) {
      filter_chroma(planes_[plane], chroma, 4 * column, 4 * row);
    }
  }

 private:
  size_t plane_count() const { return picture_.monochrome ? 1 : 3; }

  void copy(uint32_t column, uint32_t row) const {
    copy_block<Sample, 8>(planes_[0], 8 * column, 8 * row);
    for (size_t plane = 1; plane < plane_count(); ++plane) {
      copy_block<Sample, 4>(planes_[plane], 4 * column, 4 * row);
    }
  }

  HWY_INLINE void filter_chroma(const Plane& plane, const BlockFilter& filter, uint32_t x0,
                                uint32_t y0) const {
    if (filter.none()) return copy_block<Sample, 4>(plane, x0, y0);
    Window<4> window;
    fill<Sample>(plane, x0, y0, window);
    filter_block<Sample, 4>(window, filter, picture_.bit_depth, target_of<Sample, 4>(plane, x0, y0),
                            plane.to.stride);
  }

  const Av1CdefPicture& picture_;
  Plane planes_[3];
};

template <typename Sample>
void rows(const Av1CdefPicture& picture, uint32_t first, uint32_t end) {
  const Blocks<Sample> blocks(picture);
  for (uint32_t row = first; row < end; ++row) {
    for (uint32_t column = 0; column < picture.blocks_across; ++column) blocks.filter(column, row);
  }
}

}  // namespace

const Av1CdefFunctions* av1_target_functions() {
  static const Av1CdefFunctions functions = {
      .substrate = Substrate::kSimd,
      .target = hwy::TargetName(HWY_TARGET),
      .rows_8 = rows<uint8_t>,
      .rows_10 = rows<uint16_t>,
  };
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::cdef
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::cdef {

HWY_EXPORT(av1_target_functions);

const Av1CdefFunctions& av1_simd_functions() {
  return *HWY_DYNAMIC_DISPATCH(av1_target_functions)();
}

}  // namespace daedalus::gpu_kernels::cdef
#endif  // HWY_ONCE
