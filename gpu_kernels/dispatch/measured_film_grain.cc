#include <utility>

#include "gpu_kernels/dispatch/measured_pictures.h"
#include "gpu_kernels/dispatch/output_planes.h"
#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/film_grain/av1_vulkan.h"

namespace daedalus::gpu_kernels {
namespace {

// Grain in all planes that depends on how bright they are, correlated as far as it can be, with
// overlapping blocks: as encoders describe what they removed.
Av1FilmGrainParameters common_parameters() {
  Av1FilmGrainParameters parameters;
  parameters.grain_seed = 1234;
  parameters.luma_points = {.count = 4, .value = {0, 64, 160, 255}, .scaling = {30, 72, 60, 40}};
  parameters.luma_ar_coeffs.fill(3);
  for (Av1ChromaGrainParameters& chroma : parameters.chroma) {
    chroma.points = {.count = 2, .value = {0, 255}, .scaling = {48, 32}};
    chroma.ar_coeffs.fill(2);
    chroma.luma_mult = 64;
  }
  parameters.scaling_shift = 11;
  parameters.ar_coeff_lag = 3;
  parameters.ar_coeff_shift = 7;
  parameters.overlap = true;
  return parameters;
}

class MeasuredFilmGrain final : public MeasuredPicture {
 public:
  MeasuredFilmGrain(VulkanAv1FilmGrain& gpu, const Work& work, OutputPlanes planes,
                    std::shared_ptr<const Av1FilmGrain> grain)
      : gpu_(gpu),
        planes_(std::move(planes)),
        grain_(std::move(grain)),
        picture_{.from = planes_.from,
                 .luma = planes_.luma,
                 .chroma = planes_.chroma,
                 .width = work.width,
                 .height = work.height} {}

  void on_cpu() override {
    const Av1FilmGrainFunctions& add = av1_film_grain_functions(Substrate::kSimd);
    const Av1GrainWindow luma{0, 0, {picture_.width, 0, picture_.height}};
    const Av1GrainWindow chroma{0, 0, {picture_.width / 2, 0, picture_.height / 2}};
    if (grain_->size.bit_depth == 8) {
      add.luma_8(*grain_, picture_.from[0], picture_.luma, luma);
      add.chroma_8_interleaved(*grain_, picture_.from, picture_.chroma, chroma);
    } else {
      add.luma_10_to_high(*grain_, picture_.from[0], picture_.luma, luma);
      add.chroma_10_to_high_interleaved(*grain_, picture_.from, picture_.chroma, chroma);
    }
  }

  Status on_gpu() override {
    const auto done = gpu_.run(*grain_, picture_);
    return done ? Status() : done.error();
  }

 private:
  VulkanAv1FilmGrain& gpu_;
  const OutputPlanes planes_;
  const std::shared_ptr<const Av1FilmGrain> grain_;
  const Av1GrainPicture picture_;
};

}  // namespace

MeasuredPictureResult measured_film_grain(VulkanAv1FilmGrain& gpu, const Work& work,
                                          const PictureMemory& memory) {
  auto grain =
      prepare_av1_film_grain(common_parameters(), {work.width, work.height, work.bit_depth, false});
  if (!grain) return grain.error();
  auto planes = OutputPlanes::create(work, memory);
  if (!planes) return planes.error();
  return std::unique_ptr<MeasuredPicture>(
      std::make_unique<MeasuredFilmGrain>(gpu, work, std::move(*planes), std::move(*grain)));
}

}  // namespace daedalus::gpu_kernels
