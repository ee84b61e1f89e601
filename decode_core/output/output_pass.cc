#include "decode_core/output/output_pass.h"

#include <algorithm>
#include <optional>

#include "decode_core/workers/workers.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/film_grain/av1_vulkan.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/pack/pack_vulkan.h"
#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::core {
namespace {

using gpu_kernels::Av1FilmGrainFunctions;
using gpu_kernels::Av1GrainPicture;
using gpu_kernels::Av1GrainWindow;
using gpu_kernels::Band;
using gpu_kernels::chroma_420;
using gpu_kernels::PackFunctions;
using gpu_kernels::PackPicture;
using gpu_kernels::PackTransfer;
using gpu_kernels::SourcePlane;
using gpu_kernels::Stage;
using gpu_kernels::Substrate;
using gpu_kernels::TargetPlane;
using gpu_kernels::Work;
using gpu_kernels::vulkan::Deadline;

// Video range black: 16 and 128, or the same in the high bits of 16.
constexpr uint8_t kBlackLuma = 16;
constexpr uint8_t kGreyChroma = 128;

// One plane's part of the work: how much of it the picture covers, in samples of one component.
struct Extent {
  uint32_t width;        // of the image
  uint32_t valid_width;  // of it, covered by the picture
  uint32_t valid_height;
};

Extent extent_of(uint32_t width, uint32_t frame_width, uint32_t frame_height, uint32_t x,
                 uint32_t y) {
  return {width, std::min(width, frame_width - std::min(x, frame_width)),
          frame_height - std::min(y, frame_height)};
}

class Pass {
 public:
  // `grain`: adds the frame's film grain, if it has any.
  Pass(const PackFunctions& pack, const Av1FilmGrainFunctions& grain, const FrameView& frame,
       const Rect& from, ImageFormat format, const std::array<TargetPlane, 3>& planes)
      : pack_(pack), grain_(grain), frame_(frame), from_(from), format_(format), planes_(planes) {}

  void luma(uint32_t first, uint32_t end) const {
    const Extent extent = luma_extent();
    const TargetPlane to = target(0);
    const Band band = valid(extent, first, end);
    if (band.width != 0 && band.end_row > band.first_row) {
      if (frame_.film_grain != nullptr && frame_.film_grain->applies_to_luma()) {
        const auto add = wide() ? grain_.luma_10_to_high : grain_.luma_8;
        add(*frame_.film_grain, source(0, 0, 0), to, {from_.x, from_.y, band});
      } else if (frame_.format == SampleFormat::kP010) {
        pack_.copy_16(source(0, from_.x, from_.y), to, band);
      } else if (wide()) {
        pack_.low_to_high_16(source(0, from_.x, from_.y), to, band, 10);
      } else {
        pack_.copy_8(source(0, from_.x, from_.y), to, band);
      }
    }
    fill_rest(to, extent, 1, kBlackLuma, first, end);
  }

  void chroma(uint32_t first, uint32_t end) const {
    const uint32_t x = from_.x / 2;
    const uint32_t y = from_.y / 2;
    const Extent extent = chroma_extent();
    const Band band = valid(extent, first, end);
    if (band.width != 0 && band.end_row > band.first_row) {
      if (frame_.film_grain != nullptr && frame_.film_grain->applies_to_chroma()) {
        add_grain_to_chroma({x, y, band});
      } else {
        convert_chroma(x, y, band);
      }
    }
    fill_rest_of_chroma(extent, first, end);
  }

  // What of the picture a GPU can pack; nullopt where its kernels do not know the formats or there
  // is nothing to pack.
  std::optional<PackPicture> for_gpu() const {
    const Extent luma = luma_extent();
    const Extent chroma = chroma_extent();
    const uint32_t luma_rows = std::min(luma.valid_height, from_.height);
    const uint32_t chroma_rows = std::min(chroma.valid_height, chroma_420(from_.height));
    if (!interleaved() || is_interleaved(frame_.format) || luma.valid_width == 0 ||
        chroma.valid_width == 0 || luma_rows == 0 || chroma_rows == 0) {
      return std::nullopt;
    }
    return PackPicture{.y = source(0, from_.x, from_.y),
                       .u = source(1, from_.x / 2, from_.y / 2),
                       .v = source(2, from_.x / 2, from_.y / 2),
                       .luma = target(0),
                       .chroma = target(1),
                       .luma_width = luma.valid_width,
                       .luma_height = luma_rows,
                       .chroma_width = chroma.valid_width,
                       .chroma_height = chroma_rows,
                       .bit_depth = wide() ? 10 : 8};
  }

  // The same of a picture that is to get film grain.
  std::optional<Av1GrainPicture> grain_for_gpu() const {
    const Extent luma = luma_extent();
    const Extent chroma = chroma_extent();
    const uint32_t rows = std::min(luma.valid_height, from_.height);
    const Av1GrainPicture picture{.from = sources(),
                                  .luma = target(0),
                                  .chroma = target(1),
                                  .x = from_.x,
                                  .y = from_.y,
                                  .width = luma.valid_width,
                                  .height = rows};
    if (!interleaved() || !gpu_kernels::VulkanAv1FilmGrain::takes(picture) ||
        chroma.valid_width != chroma_420(luma.valid_width) ||
        std::min(chroma.valid_height, chroma_420(from_.height)) != chroma_420(rows)) {
      return std::nullopt;
    }
    return picture;
  }

  // What for_gpu() and grain_for_gpu() leave.
  void fill_beyond_picture() const {
    fill_rest(target(0), luma_extent(), 1, kBlackLuma, 0, from_.height);
    fill_rest_of_chroma(chroma_extent(), 0, chroma_420(from_.height));
  }

 private:
  Extent luma_extent() const {
    return extent_of(from_.width, frame_.width, frame_.height, from_.x, from_.y);
  }
  Extent chroma_extent() const {
    return extent_of(chroma_420(from_.width), chroma_420(frame_.width), chroma_420(frame_.height),
                     from_.x / 2, from_.y / 2);
  }

  bool wide() const { return format_ == ImageFormat::kP010; }
  bool interleaved() const {
    return format_ == ImageFormat::kNv12 || format_ == ImageFormat::kP010;
  }

  static Band valid(const Extent& extent, uint32_t first, uint32_t end) {
    return {extent.valid_width, std::min(first, extent.valid_height),
            std::min(end, extent.valid_height)};
  }

  SourcePlane source(size_t plane, uint32_t x, uint32_t y) const {
    const size_t sample = is_wide(frame_.format) ? 2 : 1;
    const size_t step = plane == 1 && is_interleaved(frame_.format) ? 2 * sample : sample;
    const Plane& from = frame_.planes[plane];
    return {from.data + y * from.stride + x * step, static_cast<ptrdiff_t>(from.stride)};
  }

  // Whole planes: what adding film grain reads.
  Av1FilmGrainFunctions::Planes sources() const {
    return {source(0, 0, 0), source(1, 0, 0), source(2, 0, 0)};
  }

  TargetPlane target(size_t plane) const { return planes_[plane]; }

  void add_grain_to_chroma(const Av1GrainWindow& window) const {
    const size_t u = format_ == ImageFormat::kYv12 ? 2 : 1;
    if (wide()) {
      grain_.chroma_10_to_high_interleaved(*frame_.film_grain, sources(), target(1), window);
    } else if (interleaved()) {
      grain_.chroma_8_interleaved(*frame_.film_grain, sources(), target(1), window);
    } else {
      grain_.chroma_8(*frame_.film_grain, sources(), target(u), target(3 - u), window);
    }
  }

  void convert_chroma(uint32_t x, uint32_t y, const Band& band) const {
    const size_t u = format_ == ImageFormat::kYv12 ? 2 : 1;
    const size_t v = 3 - u;
    if (frame_.format == SampleFormat::kNv12) {
      if (interleaved()) {
        const Band pairs{band.width * 2, band.first_row, band.end_row};
        pack_.copy_8(source(1, x, y), target(1), pairs);
      } else {
        pack_.deinterleave_8(source(1, x, y), target(u), target(v), band);
      }
    } else if (frame_.format == SampleFormat::kP010) {
      const Band pairs{band.width * 2, band.first_row, band.end_row};
      pack_.copy_16(source(1, x, y), target(1), pairs);
    } else if (wide()) {
      pack_.interleave_low_to_high_16(source(1, x, y), source(2, x, y), target(1), band, 10);
    } else if (interleaved()) {
      pack_.interleave_8(source(1, x, y), source(2, x, y), target(1), band);
    } else {
      pack_.copy_8(source(1, x, y), target(u), band);
      pack_.copy_8(source(2, x, y), target(v), band);
    }
  }

  void fill_rest_of_chroma(const Extent& extent, uint32_t first, uint32_t end) const {
    if (interleaved()) {
      fill_rest(target(1), extent, 2, kGreyChroma, first, end);
    } else {
      fill_rest(target(1), extent, 1, kGreyChroma, first, end);
      fill_rest(target(2), extent, 1, kGreyChroma, first, end);
    }
  }

  // What the picture does not cover: right of it, then below. `components` in one sample pair.
  void fill_rest(const TargetPlane& to, const Extent& extent, uint32_t components, uint8_t value,
                 uint32_t first, uint32_t end) const {
    const uint32_t covered_end = std::clamp(extent.valid_height, first, end);
    if (extent.valid_width < extent.width) {
      fill(to, extent.valid_width * components,
           {(extent.width - extent.valid_width) * components, first, covered_end}, value);
    }
    fill(to, 0, {extent.width * components, covered_end, end}, value);
  }

  void fill(const TargetPlane& to, uint32_t x, const Band& band, uint8_t value) const {
    if (band.width == 0 || band.first_row >= band.end_row) return;
    auto* data = static_cast<uint8_t*>(to.data) + x * (wide() ? 2 : 1);
    if (wide()) {
      pack_.fill_16({data, to.stride}, band, static_cast<uint16_t>(value << 8));
    } else {
      pack_.fill_8({data, to.stride}, band, value);
    }
  }

  const PackFunctions& pack_;
  const Av1FilmGrainFunctions& grain_;
  const FrameView& frame_;
  const Rect& from_;
  const ImageFormat format_;
  const std::array<TargetPlane, 3>& planes_;
};

void run_in_bands(Workers& workers, const Rect& from, const Pass& pass) {
  // Below about 256 rows of SD a second thread costs more than it saves.
  constexpr uint32_t kSamplesPerBand = 640 * 256;
  const uint32_t chroma_rows = chroma_420(from.height);
  const uint32_t wanted = from.width * from.height / kSamplesPerBand;
  const uint32_t bands = std::clamp(wanted, 1u, static_cast<uint32_t>(workers.threads()));
  workers.run(bands, [&](uint32_t band) {
    const uint32_t first = chroma_rows * band / bands;
    const uint32_t end = chroma_rows * (band + 1) / bands;
    pass.luma(2 * first, std::min(2 * end, from.height));
    pass.chroma(first, end);
  });
}

// What the GPU has done with the picture.
enum class GpuRun : uint8_t { kNotAsked, kInPlace, kCopied, kFailed };

// A whole picture of the GPU's: with film grain, or packed alone.
struct GpuPicture {
  std::optional<Av1GrainPicture> with_grain;
  std::optional<PackPicture> plain;
  Work work;
};

std::optional<GpuPicture> gpu_picture(const FrameView& frame, const Pass& pass) {
  if (frame.film_grain != nullptr) {
    const auto picture = pass.grain_for_gpu();
    if (!picture) return std::nullopt;
    return GpuPicture{picture, std::nullopt,
                      Work::of(Stage::kFilmGrain, picture->width, picture->height,
                               frame.film_grain->size.bit_depth)};
  }
  const auto picture = pass.for_gpu();
  if (!picture) return std::nullopt;
  return GpuPicture{
      std::nullopt, picture,
      Work::of(Stage::kPack, picture->luma_width, picture->luma_height, picture->bit_depth)};
}

// kNotFound: nothing there can do it.
Result<PackTransfer> run_on(gpu_kernels::VulkanStages& gpu, const FrameView& frame,
                            const GpuPicture& picture, Deadline deadline) {
  const Error nothing{ErrorCode::kNotFound, "no GPU"};
  if (picture.with_grain) {
    auto* const film_grain = gpu.film_grain();
    if (film_grain == nullptr) return nothing;
    return film_grain->run(*frame.film_grain, *picture.with_grain, deadline);
  }
  auto* const pack = gpu.pack();
  if (pack == nullptr) return nothing;
  return pack->run(*picture.plain, deadline);
}

// The GPU where it is asked for, or where nothing is and it was measured to be better.
GpuRun run_on_gpu(Core& core, const FrameView& frame, Substrate wish, const Pass& pass) {
  gpu_kernels::Dispatcher* const dispatcher =
      wish == Substrate::kAuto ? core.dispatcher() : nullptr;
  if (core.gpu() == nullptr || (wish != Substrate::kVulkan && dispatcher == nullptr)) {
    return GpuRun::kNotAsked;
  }
  const auto picture = gpu_picture(frame, pass);
  if (!picture) return GpuRun::kNotAsked;
  if (dispatcher != nullptr && !dispatcher->prefers_gpu(picture->work)) return GpuRun::kNotAsked;
  const auto run = [&](Deadline deadline) {
    return run_on(*core.gpu(), frame, *picture, deadline);
  };
  const auto transfer = dispatcher != nullptr ? dispatcher->have_done(picture->work, run)
                                              : run(gpu_kernels::vulkan::kNoDeadline);
  if (!transfer) {
    return gpu_kernels::failed_now(transfer.error()) ? GpuRun::kFailed : GpuRun::kNotAsked;
  }
  pass.fill_beyond_picture();
  return *transfer == PackTransfer::kInPlace ? GpuRun::kInPlace : GpuRun::kCopied;
}

}  // namespace

bool output_pass_supports(SampleFormat from, ImageFormat to) {
  return is_wide(from) == (to == ImageFormat::kP010);
}

StageRun run_output_pass(Core& core, const FrameView& frame, const Rect& from, ImageFormat format,
                         const std::array<Plane, 3>& planes, PassThreads threads) {
  std::array<TargetPlane, 3> targets;
  for (size_t i = 0; i < planes.size(); ++i) {
    targets[i] = {planes[i].data, static_cast<ptrdiff_t>(planes[i].stride)};
  }
  const gpu_kernels::SubstrateChoice& wishes = core.settings().substrate;
  const bool with_grain = frame.film_grain != nullptr;
  const Stage did = with_grain ? Stage::kFilmGrain : Stage::kPack;
  const PackFunctions& pack = gpu_kernels::pack_functions(wishes.of(Stage::kPack));
  const auto& grain = gpu_kernels::av1_film_grain_functions(wishes.of(Stage::kFilmGrain));
  const Pass pass(pack, grain, frame, from, format, targets);
  const std::string_view stage = gpu_kernels::stage_name(did);
  const GpuRun on_gpu = run_on_gpu(core, frame, wishes.of(did), pass);
  if (on_gpu == GpuRun::kInPlace) return {stage, "vulkan"};
  if (on_gpu == GpuRun::kCopied) return {stage, "vulkan+copy"};
  if (threads == PassThreads::kWorkers) {
    run_in_bands(core.workers(), from, pass);
  } else {
    pass.luma(0, from.height);
    pass.chroma(0, chroma_420(from.height));
  }
  return {stage, with_grain ? grain.target : pack.target, on_gpu == GpuRun::kFailed};
}

StageRun run_output_pass(Core& core, const FrameView& frame, const Rect& from, ImageFormat format,
                         const LinearLayout& layout, uint8_t* out, PassThreads threads) {
  std::array<Plane, 3> planes{};
  for (size_t i = 0; i < layout.plane_count; ++i) {
    planes[i] = {out + layout.offset[i], layout.stride[i]};
  }
  return run_output_pass(core, frame, from, format, planes, threads);
}

}  // namespace daedalus::core
