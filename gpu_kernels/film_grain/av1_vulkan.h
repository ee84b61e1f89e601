// AV1 film grain's Vulkan twin: one whole picture from planes to NV12 or P010, with grain.
#ifndef DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_VULKAN_H_
#define DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_VULKAN_H_

#include <array>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/pack/pack_vulkan.h"

namespace daedalus::gpu_kernels {

// A part of a picture, and where it goes. 8 bits become NV12, 10 P010.
struct Av1GrainPicture {
  std::array<SourcePlane, 3> from;  // the picture's whole planes: Y, Cb, Cr
  TargetPlane luma, chroma;         // whose first samples show the part's
  // In luma samples; inside the picture. Chroma is half of it, sizes rounded up.
  uint32_t x = 0, y = 0;
  uint32_t width = 0, height = 0;
};

// Thread-safe; one picture at a time.
class VulkanAv1FilmGrain {
 public:
  static Result<std::unique_ptr<VulkanAv1FilmGrain>> create(std::shared_ptr<vulkan::Device> device);
  virtual ~VulkanAv1FilmGrain() = default;

  // Whether run() does it: the part begins where blocks of 32x32 do, and has at least 32x2 samples.
  static bool takes(const Av1GrainPicture& picture);

  // Writes what the reference writes, and nothing else. What is beyond the last whole 32 columns
  // and 2 rows is the CPU's. After an error the targets' samples are undefined: begin anew on the
  // CPU; unless the device is lost the next picture may succeed. kTimeout, kBusy and the deadline:
  // as of VulkanPack.
  virtual Result<PackTransfer> run(const Av1FilmGrain& grain, const Av1GrainPicture& picture,
                                   vulkan::Deadline deadline = vulkan::kNoDeadline) = 0;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_VULKAN_H_
