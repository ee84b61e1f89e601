#include <utility>

#include "gpu_kernels/dispatch/measured_pictures.h"
#include "gpu_kernels/dispatch/output_planes.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/pack/pack_vulkan.h"

namespace daedalus::gpu_kernels {
namespace {

class MeasuredPack final : public MeasuredPicture {
 public:
  MeasuredPack(VulkanPack& gpu, const Work& work, OutputPlanes planes)
      : gpu_(gpu),
        planes_(std::move(planes)),
        picture_{.y = planes_.from[0],
                 .u = planes_.from[1],
                 .v = planes_.from[2],
                 .luma = planes_.luma,
                 .chroma = planes_.chroma,
                 .luma_width = work.width,
                 .luma_height = work.height,
                 .chroma_width = work.width / 2,
                 .chroma_height = work.height / 2,
                 .bit_depth = work.bit_depth} {}

  void on_cpu() override {
    const PackFunctions& pack = pack_functions(Substrate::kSimd);
    const Band luma{picture_.luma_width, 0, picture_.luma_height};
    const Band chroma{picture_.chroma_width, 0, picture_.chroma_height};
    if (picture_.bit_depth == 8) {
      pack.copy_8(picture_.y, picture_.luma, luma);
      pack.interleave_8(picture_.u, picture_.v, picture_.chroma, chroma);
    } else {
      pack.low_to_high_16(picture_.y, picture_.luma, luma, picture_.bit_depth);
      pack.interleave_low_to_high_16(picture_.u, picture_.v, picture_.chroma, chroma,
                                     picture_.bit_depth);
    }
  }

  Status on_gpu() override {
    const auto done = gpu_.run(picture_);
    return done ? Status() : done.error();
  }

 private:
  VulkanPack& gpu_;
  const OutputPlanes planes_;
  const PackPicture picture_;
};

}  // namespace

MeasuredPictureResult measured_pack(VulkanPack& gpu, const Work& work,
                                    const PictureMemory& memory) {
  auto planes = OutputPlanes::create(work, memory);
  if (!planes) return planes.error();
  return std::unique_ptr<MeasuredPicture>(
      std::make_unique<MeasuredPack>(gpu, work, std::move(*planes)));
}

}  // namespace daedalus::gpu_kernels
