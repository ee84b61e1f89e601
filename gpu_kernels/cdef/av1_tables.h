// The two tables behind av1_cdef_functions(), and what all substrates know of the filter.
#ifndef DAEDALUS_GPU_KERNELS_CDEF_AV1_TABLES_H_
#define DAEDALUS_GPU_KERNELS_CDEF_AV1_TABLES_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "gpu_kernels/cdef/av1.h"

namespace daedalus::gpu_kernels::cdef {

inline constexpr size_t kDirections = 8;

// Where a direction's two taps are from a sample; the others are on its other side.
struct Offset {
  int8_t y;
  int8_t x;
};
// Cdef_Directions (7.15.3).
inline constexpr std::array<std::array<Offset, 2>, kDirections> kOffsets = {{
    {{{-1, 1}, {-2, 2}}},
    {{{0, 1}, {-1, 2}}},
    {{{0, 1}, {0, 2}}},
    {{{0, 1}, {1, 2}}},
    {{{1, 1}, {2, 2}}},
    {{{1, 0}, {2, 1}}},
    {{{1, 0}, {2, 0}}},
    {{{1, 0}, {2, -1}}},
}};

// What direction search (7.15.2) finds in a block's luma.
struct Direction {
  size_t direction;   // yDir
  uint32_t variance;  // var
};

// How a plane of a block is filtered. Strengths are of the picture's bit depth.
struct BlockFilter {
  int primary;
  int secondary;
  int damping;
  size_t direction;

  bool none() const { return primary == 0 && secondary == 0; }
};

// 7.15.1.
inline BlockFilter luma_filter(const Av1CdefPicture& picture, const Av1CdefStrengths& strengths,
                               const Direction& found) {
  const int shift = picture.bit_depth - 8;
  const int primary = strengths.y_primary << shift;
  const int log2_variance = static_cast<int>(std::bit_width(found.variance >> 6)) - 1;
  const int adjusted = (primary * (4 + std::clamp(log2_variance, 0, 12)) + 8) >> 4;
  return {found.variance != 0 ? adjusted : 0, strengths.y_secondary << shift,
          picture.damping + shift, primary != 0 ? found.direction : 0};
}

inline BlockFilter chroma_filter(const Av1CdefPicture& picture, const Av1CdefStrengths& strengths,
                                 const Direction& found) {
  const int shift = picture.bit_depth - 8;
  return {strengths.uv_primary << shift, strengths.uv_secondary << shift,
          picture.damping + shift - 1, strengths.uv_primary != 0 ? found.direction : 0};
}

// Cdef_Pri_Taps of a strength; Cdef_Sec_Taps are 2 and 1 of any.
constexpr std::array<int, 2> primary_taps(int strength, int bit_depth) {
  return ((strength >> (bit_depth - 8)) & 1) != 0 ? std::array{3, 3} : std::array{4, 2};
}

// By how much constrain() shifts differences: dampingAdj. Only of strengths above 0.
inline int damping_shift(int strength, int damping) {
  const int log2_strength = static_cast<int>(std::bit_width(static_cast<uint32_t>(strength))) - 1;
  return std::max(0, damping - log2_strength);
}

inline const uint8_t* row_of(SourcePlane plane, uint32_t row) {
  return static_cast<const uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

inline uint8_t* row_of(TargetPlane plane, uint32_t row) {
  return static_cast<uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

const Av1CdefFunctions& av1_scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const Av1CdefFunctions& av1_simd_functions();

}  // namespace daedalus::gpu_kernels::cdef

#endif  // DAEDALUS_GPU_KERNELS_CDEF_AV1_TABLES_H_
