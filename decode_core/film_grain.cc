#include "decode_core/film_grain.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace daedalus::core {
namespace {

using gpu_kernels::Av1ChromaGrainParameters;
using gpu_kernels::Av1FilmGrainParameters;
using gpu_kernels::Av1ScalingPoints;

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

}  // namespace

Result<std::shared_ptr<const gpu_kernels::Av1FilmGrain>> prepare_film_grain(
    const v4l2_ctrl_av1_film_grain& parameters, const FrameView& clean, bool monochrome) {
  return gpu_kernels::prepare_av1_film_grain(
      parameters_of(parameters), {.width = clean.width,
                                  .height = clean.height,
                                  .bit_depth = clean.format == SampleFormat::kI42010 ? 10 : 8,
                                  .monochrome = monochrome});
}

Result<FrameBuffer> with_film_grain(const FrameBuffer& clean,
                                    const v4l2_ctrl_av1_film_grain& parameters, bool monochrome) {
  struct Owner {
    std::shared_ptr<const void> samples;
    std::shared_ptr<const gpu_kernels::Av1FilmGrain> grain;
  };
  auto grain = prepare_film_grain(parameters, clean.view, monochrome);
  if (!grain) return grain.error();
  FrameBuffer grained = clean;
  grained.view.film_grain = grain->get();
  grained.owner = std::make_shared<Owner>(Owner{clean.owner, std::move(*grain)});
  return grained;
}

}  // namespace daedalus::core
