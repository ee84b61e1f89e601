#include <algorithm>
#include <vector>

#include "gpu_kernels/dispatch/measured_pictures.h"
#include "gpu_kernels/sand/sand.h"
#include "gpu_kernels/sand/sand_vulkan.h"

namespace daedalus::gpu_kernels {
namespace {

// On the heap, as frames are. What a decoder writes lies in mappings of its driver's: a GPU that
// uses the heap in place is measured too well.
class MeasuredSand final : public MeasuredPicture {
 public:
  MeasuredSand(VulkanSand& gpu, const Work& work) : gpu_(gpu) {
    const bool wide = work.bit_depth > 8;
    const uint32_t samples = wide ? kNc30ColumnSamples : kNc12ColumnSamples;
    const size_t columns = (work.width + samples - 1) / samples;
    const size_t luma_bytes = size_t{work.height} * kColumnBytes;
    const size_t column = luma_bytes * 3 / 2;
    const size_t row = size_t{work.width} * (wide ? 2 : 1);
    columns_.resize(columns * column);
    // All bits of a word are samples', but for two.
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i] = static_cast<uint8_t>(i * 37 >> 3);
    image_.resize(row * work.height * 3 / 2);
    const auto stride = static_cast<ptrdiff_t>(row);
    picture_ = {.format = wide ? SandFormat::kNc30 : SandFormat::kNc12,
                .from_luma = {columns_.data(), column},
                .from_chroma = {columns_.data() + luma_bytes, column},
                .luma = {image_.data(), stride},
                .chroma = {image_.data() + row * work.height, stride},
                .width = work.width,
                .height = work.height};
  }

  void on_cpu() override {
    const SandFunctions& sand = sand_functions(Substrate::kSimd);
    const auto unpack = picture_.format == SandFormat::kNc30 ? sand.unpack_nc30 : sand.unpack_nc12;
    unpack(picture_.from_luma, picture_.luma, {picture_.width, 0, picture_.height});
    unpack(picture_.from_chroma, picture_.chroma, {picture_.width, 0, picture_.height / 2});
  }

  Status on_gpu() override {
    const auto done = gpu_.run(picture_);
    return done ? Status() : done.error();
  }

 private:
  VulkanSand& gpu_;
  std::vector<uint8_t> columns_, image_;
  SandPicture picture_;
};

}  // namespace

MeasuredPictureResult measured_sand(VulkanSand& gpu, const Work& work) {
  return std::unique_ptr<MeasuredPicture>(std::make_unique<MeasuredSand>(gpu, work));
}

}  // namespace daedalus::gpu_kernels
