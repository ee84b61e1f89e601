#include "decode_core/film_grain.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace daedalus::core {
namespace {

using gpu_kernels::Av1ChromaGrainParameters;
using gpu_kernels::Av1FilmGrain;
using gpu_kernels::Av1FilmGrainFunctions;
using gpu_kernels::Av1FilmGrainParameters;
using gpu_kernels::Av1GrainWindow;
using gpu_kernels::Av1ScalingPoints;
using gpu_kernels::Band;
using gpu_kernels::chroma_420;
using gpu_kernels::SourcePlane;
using gpu_kernels::TargetPlane;

// Points that are too many keep their count, which prepare_av1_film_grain() refuses.
Av1ScalingPoints points_of(uint8_t count, std::span<const uint8_t> values,
                           std::span<const uint8_t> scalings) {
  Av1ScalingPoints points;
  points.count = count;
  const size_t known = std::min({size_t{count}, values.size(), points.value.size()});
  std::copy_n(values.begin(), known, points.value.begin());
  std::copy_n(scalings.begin(), known, points.scaling.begin());
  return points;
}

template <size_t kCount>
void copy_coeffs(const uint8_t* plus_128, std::array<int8_t, kCount>& coeffs) {
  for (size_t i = 0; i < kCount; ++i) coeffs[i] = static_cast<int8_t>(plus_128[i] - 128);
}

Av1ChromaGrainParameters cb_of(const v4l2_ctrl_av1_film_grain& from) {
  Av1ChromaGrainParameters cb;
  cb.points = points_of(from.num_cb_points, from.point_cb_value, from.point_cb_scaling);
  copy_coeffs(from.ar_coeffs_cb_plus_128, cb.ar_coeffs);
  cb.mult = from.cb_mult - 128;
  cb.luma_mult = from.cb_luma_mult - 128;
  cb.offset = from.cb_offset - 256;
  return cb;
}

Av1ChromaGrainParameters cr_of(const v4l2_ctrl_av1_film_grain& from) {
  Av1ChromaGrainParameters cr;
  cr.points = points_of(from.num_cr_points, from.point_cr_value, from.point_cr_scaling);
  copy_coeffs(from.ar_coeffs_cr_plus_128, cr.ar_coeffs);
  cr.mult = from.cr_mult - 128;
  cr.luma_mult = from.cr_luma_mult - 128;
  cr.offset = from.cr_offset - 256;
  return cr;
}

Av1FilmGrainParameters parameters_of(const v4l2_ctrl_av1_film_grain& from) {
  const auto has = [&](uint8_t flag) { return (from.flags & flag) != 0; };
  Av1FilmGrainParameters to;
  to.grain_seed = from.grain_seed;
  to.luma_points = points_of(from.num_y_points, from.point_y_value, from.point_y_scaling);
  copy_coeffs(from.ar_coeffs_y_plus_128, to.luma_ar_coeffs);
  to.chroma = {cb_of(from), cr_of(from)};
  to.scaling_shift = from.grain_scaling_minus_8 + 8;
  to.ar_coeff_lag = from.ar_coeff_lag;
  to.ar_coeff_shift = from.ar_coeff_shift_minus_6 + 6;
  to.grain_scale_shift = from.grain_scale_shift;
  to.chroma_scaling_from_luma = has(V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA);
  to.overlap = has(V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP);
  to.clip_to_restricted_range = has(V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE);
  return to;
}

// One picture's way into another.
class Addition {
 public:
  Addition(const Av1FilmGrainFunctions& functions, const Av1FilmGrain& grain,
           const FrameView& clean, const FrameView& to)
      : functions_(functions), grain_(grain), clean_(clean), to_(to) {}

  void luma(uint32_t first, uint32_t end) const {
    const Band band{clean_.width, first, end};
    if (!grain_.applies_to_luma()) return copy(0, band);
    const Av1GrainWindow window{0, 0, band};
    (wide() ? functions_.luma_10 : functions_.luma_8)(grain_, source(0), target(0), window);
  }

  void chroma(uint32_t first, uint32_t end) const {
    const Band band{chroma_420(clean_.width), first, end};
    if (!grain_.applies_to_chroma()) {
      copy(1, band);
      return copy(2, band);
    }
    const Av1GrainWindow window{0, 0, band};
    (wide() ? functions_.chroma_10 : functions_.chroma_8)(grain_, {source(0), source(1), source(2)},
                                                          target(1), target(2), window);
  }

 private:
  bool wide() const { return clean_.format == SampleFormat::kI42010; }
  SourcePlane source(size_t plane) const {
    return {clean_.planes[plane].data, static_cast<ptrdiff_t>(clean_.planes[plane].stride)};
  }
  TargetPlane target(size_t plane) const {
    return {to_.planes[plane].data, static_cast<ptrdiff_t>(to_.planes[plane].stride)};
  }
  void copy(size_t plane, const Band& band) const {
    const auto& pack = gpu_kernels::pack_functions(functions_.substrate);
    (wide() ? pack.copy_16 : pack.copy_8)(source(plane), target(plane), band);
  }

  const Av1FilmGrainFunctions& functions_;
  const Av1FilmGrain& grain_;
  const FrameView& clean_;
  const FrameView& to_;
};

}  // namespace

Result<std::shared_ptr<const gpu_kernels::Av1FilmGrain>> prepare_film_grain(
    const v4l2_ctrl_av1_film_grain& parameters, const FrameView& clean, bool monochrome) {
  return gpu_kernels::prepare_av1_film_grain(
      parameters_of(parameters), {.width = clean.width,
                                  .height = clean.height,
                                  .bit_depth = clean.format == SampleFormat::kI42010 ? 10 : 8,
                                  .monochrome = monochrome});
}

void add_film_grain(const Av1FilmGrainFunctions& functions, const Av1FilmGrain& grain,
                    Workers& workers, int threads, const FrameView& clean, const FrameView& to) {
  // What a second thread costs is less than this many samples' grain.
  constexpr uint32_t kSamplesPerBand = 320 * 128;
  const Addition addition(functions, grain, clean, to);
  const uint32_t chroma_rows = chroma_420(clean.height);
  const uint32_t bands = std::clamp(clean.width * clean.height / kSamplesPerBand, 1u,
                                    static_cast<uint32_t>(std::max(threads, 1)));
  workers.run(bands, [&](uint32_t band) {
    const uint32_t first = chroma_rows * band / bands;
    const uint32_t end = chroma_rows * (band + 1) / bands;
    addition.luma(2 * first, std::min(2 * end, clean.height));
    addition.chroma(first, end);
  });
}

}  // namespace daedalus::core
