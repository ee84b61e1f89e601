// The Vulkan twin of H.264's inter prediction: one whole picture, and the residual added to it.
#ifndef DAEDALUS_GPU_KERNELS_MC_H264_VULKAN_H_
#define DAEDALUS_GPU_KERNELS_MC_H264_VULKAN_H_

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "gpu_kernels/idct/h264_vulkan.h"
#include "gpu_kernels/mc/h264.h"
#include "gpu_kernels/vulkan/deadline.h"

namespace daedalus::gpu_kernels {

namespace vulkan {
class Device;
}

struct H264InterPicture {
  // Both planes are there.
  H264McPictures pictures;
  // Of the target, luma samples, multiples of 16.
  uint32_t width = 0;
  uint32_t height = 0;
  // They do not overlap, and lie inside the target.
  std::span<const H264Prediction> predictions;
  // Of macroblocks that are predicted, each once.
  std::span<const H264PlacedResidual> residuals;
};

// Thread-safe; one picture at a time.
class VulkanH264Inter {
 public:
  static Result<std::unique_ptr<VulkanH264Inter>> create(std::shared_ptr<vulkan::Device> device);
  virtual ~VulkanH264Inter() = default;

  // Where there is a prediction, writes to the target what the reference writes; the rest of the
  // target is undefined then. References are copied for the GPU, where it has no copy of the same
  // content, and what it made is copied back.
  // kUnsupported: more than the GPU's arrays take. After an error the target is as before; unless
  // the device is lost the next picture may succeed. kTimeout: it was late, and nobody else's
  // memory is touched any more; kBusy: the GPU is at others.
  virtual Status run(const H264InterPicture& picture,
                     vulkan::Deadline deadline = vulkan::kNoDeadline) = 0;

  // How many so far; by who runs pictures.
  virtual uint64_t references_copied() const = 0;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_MC_H264_VULKAN_H_
