// PipelineCache: what the driver made of our shaders, kept for other processes of the user.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_PIPELINE_CACHE_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_PIPELINE_CACHE_H_

#include <volk.h>

#include <cstddef>
#include <mutex>
#include <string>

namespace daedalus::gpu_kernels::vulkan {

// One file a device, which only the version of the driver that wrote it reads back. Without a
// folder, or where anything fails, pipelines are compiled as if there were no cache: no error.
class PipelineCache {
 public:
  static constexpr size_t kMostBytes = size_t{4} << 20;

  // Hands the driver what the file holds if that is whole and the driver's own. The file is
  // FOLDER/gpu-pipelines-VENDOR-DEVICE. `calls` outlives the cache, and so does `device`.
  void open(const std::string& folder, const VkPhysicalDeviceProperties& properties,
            VkDevice device, const VolkDeviceTable& calls);
  void close();

  // Null where there is none. Pipelines may be created with it on any threads.
  VkPipelineCache handle() const { return cache_; }
  // Writes the file if there are more pipelines than it holds. Whoever writes last wins: what
  // another process had is only compiled again. Any thread.
  void store();

 private:
  const VolkDeviceTable* calls_ = nullptr;
  VkDevice device_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  VkPhysicalDeviceProperties properties_{};
  std::string path_;
  std::mutex mutex_;   // of what follows
  size_t stored_ = 0;  // bytes of the driver's in the file
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_PIPELINE_CACHE_H_
