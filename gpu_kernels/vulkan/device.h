// Device: the Vulkan device that stages run on. The loader is opened at run time; a machine without
// one has no device, and nothing else differs.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_H_

#include <volk.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "gpu_kernels/vulkan/device_info.h"
#include "gpu_kernels/vulkan/device_options.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"
#include "gpu_kernels/vulkan/pipeline_cache.h"
#include "gpu_kernels/vulkan/validation.h"

namespace daedalus::gpu_kernels::vulkan {

// One device with one queue. Its functions are the table's; the kinds of objects in this folder
// belong to one thread at a time, the queue to whoever holds queue_mutex().
class Device {
 public:
  // The best device that the options allow. kNotFound: there is none, and why.
  static Result<std::shared_ptr<Device>> create(const DeviceOptions& options);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceInfo& info() const { return info_; }
  VkDevice handle() const { return device_; }
  const VolkDeviceTable& calls() const { return calls_; }
  VkQueue queue() const { return queue_; }
  std::mutex& queue_mutex() { return queue_mutex_; }
  uint32_t queue_family() const { return queue_family_; }
  PipelineCache& pipelines() { return pipelines_; }
  // The dma-bufs that it may use in place; null where there are none, or it imports none.
  DmaBufRegistry* dma_bufs() const { return dma_bufs_.get(); }

  // The first memory type of `allowed` (a bit each) with all of `flags`; of those that have them,
  // one the CPU caches if there is one: results are read back.
  std::optional<uint32_t> memory_type(uint32_t allowed, VkMemoryPropertyFlags flags) const;

  // False once the device was lost or did not end its work in time: nothing may be asked of it any
  // more.
  bool usable() const { return usable_; }

  // What to say of a call that failed; notes a loss.
  Error failed(const char* call, VkResult result);
  // Work did not end in time and may still be running: the device and all that it might touch are
  // kept for ever.
  void abandon();
  bool abandoned() const { return abandoned_; }

 private:
  Device() = default;
  Status open(const DeviceOptions& options);
  Status create_instance();
  Status open_device(VkPhysicalDevice physical);

  std::optional<Validation> validation_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  std::mutex queue_mutex_;  // of several stages on one device
  uint32_t queue_family_ = 0;
  VolkDeviceTable calls_{};
  PipelineCache pipelines_;
  std::shared_ptr<DmaBufRegistry> dma_bufs_;
  VkPhysicalDeviceMemoryProperties memory_{};
  DeviceInfo info_;
  std::atomic<bool> usable_{true};
  std::atomic<bool> abandoned_{false};
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_H_
