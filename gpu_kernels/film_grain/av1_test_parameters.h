// Random film grain parameters, for the tests of each substrate.
#ifndef DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TEST_PARAMETERS_H_
#define DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TEST_PARAMETERS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/film_grain/av1_targets.h"  // before the harness, which includes Highway
#include "gpu_kernels/harness.h"

namespace daedalus::gpu_kernels::film_grain {

// Ascending, with the ends of the range more often than not.
inline Av1ScalingPoints random_points(harness::Random& random, size_t most) {
  Av1ScalingPoints points;
  points.count = static_cast<size_t>(harness::draw(random, 0, static_cast<int>(most)));
  int value = harness::draw(random, 0, 1) * harness::draw(random, 0, 100);
  for (size_t i = 0; i < points.count; ++i) {
    points.value[i] = static_cast<uint8_t>(value);
    points.scaling[i] =
        static_cast<uint8_t>(std::array{0, 255, harness::draw(random, 0, 255)}[i % 3]);
    const int room = 255 - value - static_cast<int>(points.count - 1 - i);
    value = i + 2 == points.count ? 255 : value + harness::draw(random, 1, std::max(1, room / 4));
    if (value > 255 || room < 1) {
      points.count = i + 1;
      break;
    }
  }
  return points;
}

template <size_t kCount>
void random_coeffs(harness::Random& random, std::array<int8_t, kCount>& coeffs) {
  const int most = std::array{127, 20, 4}[static_cast<size_t>(harness::draw(random, 0, 2))];
  for (int8_t& coeff : coeffs) {
    coeff = static_cast<int8_t>(harness::draw(random, most == 127 ? -128 : -most, most));
  }
}

inline Av1FilmGrainParameters random_parameters(harness::Random& random) {
  Av1FilmGrainParameters p;
  p.grain_seed = static_cast<uint16_t>(harness::draw(random, 0, 65535));
  p.luma_points = random_points(random, 14);
  random_coeffs(random, p.luma_ar_coeffs);
  for (Av1ChromaGrainParameters& chroma : p.chroma) {
    chroma.points = random_points(random, 10);
    random_coeffs(random, chroma.ar_coeffs);
    const bool extreme = harness::draw(random, 0, 3) == 0;
    chroma.mult = extreme ? -128 : harness::draw(random, -128, 127);
    chroma.luma_mult =
        extreme ? harness::draw(random, 0, 1) * 255 - 128 : harness::draw(random, -128, 127);
    chroma.offset =
        extreme ? harness::draw(random, 0, 1) * 511 - 256 : harness::draw(random, -256, 255);
  }
  p.scaling_shift = harness::draw(random, 8, 11);
  p.ar_coeff_lag = harness::draw(random, 0, 3);
  p.ar_coeff_shift = harness::draw(random, 6, 9);
  p.grain_scale_shift = harness::draw(random, 0, 3);
  p.chroma_scaling_from_luma = harness::draw(random, 0, 2) == 0;
  p.overlap = harness::draw(random, 0, 2) != 0;
  p.clip_to_restricted_range = harness::draw(random, 0, 2) == 0;
  return p;
}

}  // namespace daedalus::gpu_kernels::film_grain

#endif  // DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TEST_PARAMETERS_H_
