// The reference: each sample by itself, as 7.15 has it.
#include <cstdlib>
#include <cstring>
#include <optional>

#include "gpu_kernels/cdef/av1_tables.h"

namespace daedalus::gpu_kernels::cdef {
namespace {

// 16-bit samples need not be aligned.
template <typename Sample>
int load(SourcePlane plane, uint32_t x, uint32_t y) {
  Sample sample;
  std::memcpy(&sample, row_of(plane, y) + x * sizeof sample, sizeof sample);
  return sample;
}

template <typename Sample>
void store(int value, TargetPlane plane, uint32_t x, uint32_t y) {
  const Sample sample = static_cast<Sample>(value);
  std::memcpy(row_of(plane, y) + x * sizeof sample, &sample, sizeof sample);
}

// 7.15.2, of the block whose first luma sample is (x0, y0).
template <typename Sample>
Direction find_direction(const Av1CdefPicture& picture, uint32_t x0, uint32_t y0) {
  constexpr std::array<int, 9> kDivTable = {0, 840, 420, 280, 210, 168, 140, 120, 105};
  std::array<std::array<int, 15>, kDirections> partial{};
  for (uint32_t i = 0; i < 8; ++i) {
    for (uint32_t j = 0; j < 8; ++j) {
      const int x =
          (load<Sample>(picture.from[0], x0 + j, y0 + i) >> (picture.bit_depth - 8)) - 128;
      partial[0][i + j] += x;
      partial[1][i + j / 2] += x;
      partial[2][i] += x;
      partial[3][3 + i - j / 2] += x;
      partial[4][7 + i - j] += x;
      partial[5][3 - i / 2 + j] += x;
      partial[6][j] += x;
      partial[7][i / 2 + j] += x;
    }
  }
  std::array<int, kDirections> cost{};
  for (size_t i = 0; i < 8; ++i) {
    cost[2] += partial[2][i] * partial[2][i];
    cost[6] += partial[6][i] * partial[6][i];
  }
  cost[2] *= kDivTable[8];
  cost[6] *= kDivTable[8];
  for (const size_t d : {0, 4}) {
    for (size_t i = 0; i < 7; ++i) {
      cost[d] += (partial[d][i] * partial[d][i] + partial[d][14 - i] * partial[d][14 - i]) *
                 kDivTable[i + 1];
    }
    cost[d] += partial[d][7] * partial[d][7] * kDivTable[8];
  }
  for (const size_t d : {1, 3, 5, 7}) {
    for (size_t j = 0; j < 5; ++j) cost[d] += partial[d][3 + j] * partial[d][3 + j];
    cost[d] *= kDivTable[8];
    for (size_t j = 0; j < 3; ++j) {
      cost[d] += (partial[d][j] * partial[d][j] + partial[d][10 - j] * partial[d][10 - j]) *
                 kDivTable[2 * j + 2];
    }
  }
  const auto best = std::max_element(cost.begin(), cost.end());
  const auto direction = static_cast<size_t>(best - cost.begin());
  return {direction, static_cast<uint32_t>(*best - cost[(direction + 4) % kDirections]) >> 10};
}

int constrain(int difference, int strength, int damping) {
  if (strength == 0) return 0;
  const int magnitude = std::abs(difference);
  const int least = strength - (magnitude >> damping_shift(strength, damping));
  const int constrained = std::clamp(least, 0, magnitude);
  return difference < 0 ? -constrained : constrained;
}

// One plane of a picture, and its size in samples.
struct Plane {
  SourcePlane from;
  TargetPlane to;
  uint32_t width;
  uint32_t height;
  int bit_depth;
};

// 7.15.3 of one sample.
template <typename Sample>
int filter_sample(const Plane& plane, const BlockFilter& filter, uint32_t x, uint32_t y) {
  const int sample = load<Sample>(plane.from, x, y);
  int sum = 0;
  int least = sample;
  int most = sample;
  const auto add_tap = [&](size_t direction, size_t k, int sign, int weight, int strength) {
    const Offset& offset = kOffsets[direction % kDirections][k];
    // Beyond the left and upper edge they are beyond the others, too.
    const uint32_t tap_x = x + static_cast<uint32_t>(sign * offset.x);
    const uint32_t tap_y = y + static_cast<uint32_t>(sign * offset.y);
    if (tap_x >= plane.width || tap_y >= plane.height) return;
    const int tap = load<Sample>(plane.from, tap_x, tap_y);
    sum += weight * constrain(tap - sample, strength, filter.damping);
    least = std::min(least, tap);
    most = std::max(most, tap);
  };
  const std::array<int, 2> taps = primary_taps(filter.primary, plane.bit_depth);
  for (size_t k = 0; k < 2; ++k) {
    for (const int sign : {-1, 1}) {
      add_tap(filter.direction, k, sign, taps[k], filter.primary);
      add_tap(filter.direction + 6, k, sign, 2 - static_cast<int>(k), filter.secondary);
      add_tap(filter.direction + 2, k, sign, 2 - static_cast<int>(k), filter.secondary);
    }
  }
  return std::clamp(sample + ((8 + sum - (sum < 0 ? 1 : 0)) >> 4), least, most);
}

// A square of `size` samples; without a filter it is copied.
template <typename Sample>
void filter_block(const Plane& plane, const std::optional<BlockFilter>& filter, uint32_t x0,
                  uint32_t y0, uint32_t size) {
  for (uint32_t y = y0; y < y0 + size; ++y) {
    for (uint32_t x = x0; x < x0 + size; ++x) {
      store<Sample>(
          filter ? filter_sample<Sample>(plane, *filter, x, y) : load<Sample>(plane.from, x, y),
          plane.to, x, y);
    }
  }
}

template <typename Sample>
void rows(const Av1CdefPicture& picture, uint32_t first, uint32_t end) {
  const auto plane_of = [&](size_t plane, uint32_t size) {
    return Plane{picture.from[plane], picture.to[plane], picture.blocks_across * size,
                 picture.block_rows * size, picture.bit_depth};
  };
  for (uint32_t row = first; row < end; ++row) {
    for (uint32_t column = 0; column < picture.blocks_across; ++column) {
      const uint8_t index = picture.blocks[size_t{row} * picture.blocks_across + column];
      std::optional<BlockFilter> luma;
      std::optional<BlockFilter> chroma;
      if (index != kAv1CdefSkipped) {
        const Direction found = find_direction<Sample>(picture, 8 * column, 8 * row);
        luma = luma_filter(picture, picture.strengths[index], found);
        chroma = chroma_filter(picture, picture.strengths[index], found);
      }
      filter_block<Sample>(plane_of(0, 8), luma, 8 * column, 8 * row, 8);
      for (size_t plane = 1; plane < (picture.monochrome ? 1 : 3); ++plane) {
        filter_block<Sample>(plane_of(plane, 4), chroma, 4 * column, 4 * row, 4);
      }
    }
  }
}

}  // namespace

const Av1CdefFunctions& av1_scalar_functions() {
  static constexpr Av1CdefFunctions kFunctions = {
      .substrate = Substrate::kScalar,
      .target = "scalar",
      .rows_8 = rows<uint8_t>,
      .rows_10 = rows<uint16_t>,
  };
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::cdef
