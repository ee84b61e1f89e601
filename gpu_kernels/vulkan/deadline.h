// Deadline: until when somebody waits for a GPU; for rooms that need no header of Vulkan's.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_DEADLINE_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_DEADLINE_H_

#include <chrono>

namespace daedalus::gpu_kernels::vulkan {

using Deadline = std::chrono::steady_clock::time_point;
// Nobody minds: until a GPU is taken for dead, seconds.
inline constexpr Deadline kNoDeadline = Deadline::max();

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_DEADLINE_H_
