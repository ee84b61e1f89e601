// CDEF's Vulkan twin: one whole picture.
#ifndef DAEDALUS_GPU_KERNELS_CDEF_AV1_VULKAN_H_
#define DAEDALUS_GPU_KERNELS_CDEF_AV1_VULKAN_H_

#include <memory>

#include "base/result.h"
#include "gpu_kernels/cdef/av1.h"

namespace daedalus::gpu_kernels {

namespace vulkan {
class Device;
}

// Thread-safe; one picture at a time.
class VulkanAv1Cdef {
 public:
  static Result<std::unique_ptr<VulkanAv1Cdef>> create(std::shared_ptr<vulkan::Device> device);
  virtual ~VulkanAv1Cdef() = default;

  // Writes what the reference writes, and nothing else; the picture is copied for the GPU, and what
  // it made copied back. kInvalidArgument: as check_av1_cdef(). kUnsupported: larger than the GPU's
  // arrays (about 4096x2304). After an error the targets' samples are undefined: filter the picture
  // anew; unless the device is lost the next one may succeed.
  virtual Status run(const Av1CdefPicture& picture) = 0;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_CDEF_AV1_VULKAN_H_
