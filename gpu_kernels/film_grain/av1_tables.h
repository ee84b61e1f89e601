// The two tables behind av1_film_grain_functions(), and what both substrates know of the noise.
#ifndef DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TABLES_H_
#define DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TABLES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "gpu_kernels/film_grain/av1.h"

namespace daedalus::gpu_kernels::film_grain {

// GrainMin and GrainMax (7.18.3.1).
constexpr int grain_min(int bit_depth) { return -(128 << (bit_depth - 8)); }
constexpr int grain_max(int bit_depth) { return (128 << (bit_depth - 8)) - 1; }

constexpr int round2(int value, int shift) { return (value + ((1 << shift) >> 1)) >> shift; }

// How the blocks of a plane lie: they step by `size`, are larger by `overlap` rows and columns, and
// begin in the template at first + step * offset.
struct BlockLayout {
  uint32_t log2_size;
  uint32_t overlap;
  uint32_t first;
  uint32_t step;
  // The weights of the old and the new block in each line of the overlap.
  std::array<std::array<int, 2>, 2> weights;

  constexpr uint32_t size() const { return 1u << log2_size; }
};
inline constexpr BlockLayout kLumaBlocks = {5, 2, 9, 2, {{{27, 17}, {17, 27}}}};
inline constexpr BlockLayout kChromaBlocks = {4, 1, 6, 1, {{{23, 22}, {}}}};

constexpr const BlockLayout& blocks_of(size_t plane) {
  return plane == 0 ? kLumaBlocks : kChromaBlocks;
}

// Row i of a block's noise, before any overlap.
inline const int16_t* block_row(const Av1FilmGrain& grain, size_t plane, uint32_t stripe,
                                uint32_t block, uint32_t i) {
  const BlockLayout& layout = blocks_of(plane);
  const uint32_t offset = grain.block_offsets[size_t{stripe} * grain.blocks_across + block];
  const uint32_t x = layout.first + layout.step * (offset >> 4);
  const uint32_t y = layout.first + layout.step * (offset & 15) + i;
  return grain.planes[plane].grain.data() + size_t{y} * grain.planes[plane].template_width + x;
}

// Two blocks' noise in line `line` of their overlap.
inline int blend(const BlockLayout& layout, uint32_t line, int old_noise, int noise,
                 int bit_depth) {
  const auto& [old_weight, weight] = layout.weights[line];
  return std::clamp(round2(old_noise * old_weight + noise * weight, 5), grain_min(bit_depth),
                    grain_max(bit_depth));
}

inline const uint8_t* row_of(SourcePlane plane, uint32_t row) {
  return static_cast<const uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

inline uint8_t* row_of(TargetPlane plane, uint32_t row) {
  return static_cast<uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

const Av1FilmGrainFunctions& av1_scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const Av1FilmGrainFunctions& av1_simd_functions();

}  // namespace daedalus::gpu_kernels::film_grain

#endif  // DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TABLES_H_
