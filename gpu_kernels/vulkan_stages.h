// VulkanStages: the stages' Vulkan twins on one device.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_STAGES_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_STAGES_H_

#include <memory>
#include <mutex>
#include <string>

#include "base/log.h"
#include "gpu_kernels/vulkan/device_info.h"
#include "gpu_kernels/vulkan/device_options.h"

namespace daedalus::gpu_kernels {

class VulkanPack;
namespace vulkan {
class Device;
}

// Thread-safe. The device is opened when a stage is first asked for: who asks for none pays
// nothing.
class VulkanStages {
 public:
  explicit VulkanStages(const vulkan::DeviceOptions& options);
  ~VulkanStages();

  // Null where nothing can run it: there is no device, or it was lost. The log has said why, in
  // the first case with that level.
  VulkanPack* pack(LogLevel no_device = LogLevel::kWarning);
  // The same, for people; empty while pack() is not null.
  std::string refusal();
  // Null where there is no device.
  const vulkan::DeviceInfo* device();
  vulkan::DeviceChoice choice() const { return options_.choice; }

 private:
  void open(LogLevel no_device);

  const vulkan::DeviceOptions options_;
  std::once_flag opened_;
  std::shared_ptr<vulkan::Device> device_;
  std::unique_ptr<VulkanPack> pack_;
  std::string refusal_;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_STAGES_H_
