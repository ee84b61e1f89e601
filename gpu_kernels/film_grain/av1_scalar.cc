// The reference: each sample by itself, as 7.18.3.5 has it.
#include <cstring>

#include "gpu_kernels/film_grain/av1_tables.h"

namespace daedalus::gpu_kernels::film_grain {
namespace {

// noiseStripe[stripe][plane][i][x].
int stripe_noise(const Av1FilmGrain& grain, size_t plane, uint32_t stripe, uint32_t i, uint32_t x) {
  const BlockLayout& layout = blocks_of(plane);
  const uint32_t block = x >> layout.log2_size;
  const uint32_t j = x - (block << layout.log2_size);
  const int noise = block_row(grain, plane, stripe, block, i)[j];
  if (!grain.overlap || block == 0 || j >= layout.overlap) return noise;
  const int old_noise = block_row(grain, plane, stripe, block - 1, i)[j + layout.size()];
  return blend(layout, j, old_noise, noise, grain.size.bit_depth);
}

// noiseImage[plane][y][x].
int noise_at(const Av1FilmGrain& grain, size_t plane, uint32_t x, uint32_t y) {
  const BlockLayout& layout = blocks_of(plane);
  const uint32_t stripe = y >> layout.log2_size;
  const uint32_t i = y - (stripe << layout.log2_size);
  const int noise = stripe_noise(grain, plane, stripe, i, x);
  if (!grain.overlap || stripe == 0 || i >= layout.overlap) return noise;
  const int old_noise = stripe_noise(grain, plane, stripe - 1, i + layout.size(), x);
  return blend(layout, i, old_noise, noise, grain.size.bit_depth);
}

// `by`: the sample value that says how much noise there is.
int add_noise(const Av1FilmGrain& grain, size_t plane, int sample, int by, uint32_t x, uint32_t y) {
  const Av1PlaneGrain& p = grain.planes[plane];
  const int noise = round2(p.scaling[static_cast<size_t>(by)] * noise_at(grain, plane, x, y),
                           grain.scaling_shift);
  return std::clamp(sample + noise, p.min_value, p.max_value);
}

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

template <typename Sample, int kShift>
void luma(const Av1FilmGrain& grain, SourcePlane luma, TargetPlane to,
          const Av1GrainWindow& window) {
  for (uint32_t row = window.band.first_row; row < window.band.end_row; ++row) {
    for (uint32_t i = 0; i < window.band.width; ++i) {
      const uint32_t x = window.x + i;
      const uint32_t y = window.y + row;
      const int sample = load<Sample>(luma, x, y);
      store<Sample>(add_noise(grain, 0, sample, sample, x, y) << kShift, to, i, row);
    }
  }
}

template <typename Sample>
int chroma_sample(const Av1FilmGrain& grain, size_t plane,
                  const Av1FilmGrainFunctions::Planes& from, uint32_t x, uint32_t y) {
  const Av1PlaneGrain& p = grain.planes[plane];
  const uint32_t next_x = std::min(2 * x + 1, grain.size.width - 1);
  const int average_luma =
      round2(load<Sample>(from[0], 2 * x, 2 * y) + load<Sample>(from[0], next_x, 2 * y), 1);
  const int sample = load<Sample>(from[plane], x, y);
  const int combined = average_luma * p.luma_mult + sample * p.mult;
  const int merged = std::clamp((combined >> 6) + p.offset, 0, (1 << grain.size.bit_depth) - 1);
  return add_noise(grain, plane, sample, merged, x, y);
}

template <typename Sample>
void chroma(const Av1FilmGrain& grain, const Av1FilmGrainFunctions::Planes& from, TargetPlane cb,
            TargetPlane cr, const Av1GrainWindow& window) {
  for (uint32_t row = window.band.first_row; row < window.band.end_row; ++row) {
    for (uint32_t i = 0; i < window.band.width; ++i) {
      const uint32_t x = window.x + i;
      const uint32_t y = window.y + row;
      store<Sample>(chroma_sample<Sample>(grain, 1, from, x, y), cb, i, row);
      store<Sample>(chroma_sample<Sample>(grain, 2, from, x, y), cr, i, row);
    }
  }
}

template <typename Sample, int kShift>
void interleaved(const Av1FilmGrain& grain, const Av1FilmGrainFunctions::Planes& from,
                 TargetPlane pairs, const Av1GrainWindow& window) {
  for (uint32_t row = window.band.first_row; row < window.band.end_row; ++row) {
    for (uint32_t i = 0; i < window.band.width; ++i) {
      const uint32_t x = window.x + i;
      const uint32_t y = window.y + row;
      store<Sample>(chroma_sample<Sample>(grain, 1, from, x, y) << kShift, pairs, 2 * i, row);
      store<Sample>(chroma_sample<Sample>(grain, 2, from, x, y) << kShift, pairs, 2 * i + 1, row);
    }
  }
}

}  // namespace

const Av1FilmGrainFunctions& av1_scalar_functions() {
  static constexpr Av1FilmGrainFunctions kFunctions = {
      .substrate = Substrate::kScalar,
      .target = "scalar",
      .luma_8 = luma<uint8_t, 0>,
      .luma_10 = luma<uint16_t, 0>,
      .luma_10_to_high = luma<uint16_t, 6>,
      .chroma_8 = chroma<uint8_t>,
      .chroma_8_interleaved = interleaved<uint8_t, 0>,
      .chroma_10 = chroma<uint16_t>,
      .chroma_10_to_high_interleaved = interleaved<uint16_t, 6>,
  };
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::film_grain
