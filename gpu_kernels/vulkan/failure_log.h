// FailureLog: what people are told of the pictures that a stage's twin failed at.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_FAILURE_LOG_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_FAILURE_LOG_H_

#include "base/result.h"
#include "gpu_kernels/vulkan/device.h"

namespace daedalus::gpu_kernels::vulkan {

// One a stage. Not thread-safe.
class FailureLog {
 public:
  // A loss ends the use of the GPU, so it is told once; other failures may come with every picture:
  // the first of them is a warning. That a GPU was lost before, or has other pictures to do, is no
  // failure.
  void tell(const Device& device, const Error& error);

 private:
  bool told_ = false;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_FAILURE_LOG_H_
