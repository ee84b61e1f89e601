#include <memory>
#include <utility>

#include "gpu_kernels/dispatch/measured_pictures.h"
#include "gpu_kernels/sand/sand.h"
#include "gpu_kernels/sand/sand_vulkan.h"

namespace daedalus::gpu_kernels {
namespace {

// A device's columns and the picture unpacked from them, in pages of their own.
class MeasuredSand final : public MeasuredPicture {
 public:
  static MeasuredPictureResult create(VulkanSand& gpu, const Work& work,
                                      const PictureMemory& memory) {
    const bool wide = work.bit_depth > 8;
    const uint32_t samples = wide ? kNc30ColumnSamples : kNc12ColumnSamples;
    const size_t columns = (work.width + samples - 1) / samples;
    const size_t luma_bytes = size_t{work.height} * kColumnBytes;
    const size_t column = luma_bytes * 3 / 2;
    const size_t row = size_t{work.width} * (wide ? 2 : 1);
    auto from = allocate_picture(memory, columns * column, PictureUse::kDecoded);
    auto to = allocate_picture(memory, row * work.height * 3 / 2, PictureUse::kDecoded);
    if (from == nullptr || to == nullptr) {
      return Error{ErrorCode::kOutOfMemory, "no memory to measure with"};
    }
    // All bits of a word are samples', but for two.
    for (size_t i = 0; i < columns * column; ++i) from.get()[i] = static_cast<uint8_t>(i * 37 >> 3);
    const auto stride = static_cast<ptrdiff_t>(row);
    const SandPicture picture = {.format = wide ? SandFormat::kNc30 : SandFormat::kNc12,
                                 .from_luma = {from.get(), column},
                                 .from_chroma = {from.get() + luma_bytes, column},
                                 .luma = {to.get(), stride},
                                 .chroma = {to.get() + row * work.height, stride},
                                 .width = work.width,
                                 .height = work.height};
    return std::unique_ptr<MeasuredPicture>(
        std::make_unique<MeasuredSand>(gpu, std::move(from), std::move(to), picture));
  }

  MeasuredSand(VulkanSand& gpu, std::shared_ptr<uint8_t> from, std::shared_ptr<uint8_t> to,
               const SandPicture& picture)
      : gpu_(gpu), columns_(std::move(from)), image_(std::move(to)), picture_(picture) {}

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
  const std::shared_ptr<uint8_t> columns_, image_;
  const SandPicture picture_;
};

}  // namespace

MeasuredPictureResult measured_sand(VulkanSand& gpu, const Work& work,
                                    const PictureMemory& memory) {
  return MeasuredSand::create(gpu, work, memory);
}

}  // namespace daedalus::gpu_kernels
