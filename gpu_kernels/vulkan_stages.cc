#include "gpu_kernels/vulkan_stages.h"

#include "base/log.h"
#include "gpu_kernels/pack/pack_vulkan.h"
#include "gpu_kernels/vulkan/device.h"

namespace daedalus::gpu_kernels {

VulkanStages::VulkanStages(const vulkan::DeviceOptions& options) : options_(options) {}
VulkanStages::~VulkanStages() = default;

void VulkanStages::open() {
  auto device = vulkan::Device::create(options_);
  if (!device) {
    refusal_ = device.error().message;
  } else {
    device_ = std::move(*device);
    auto pack = VulkanPack::create(device_);
    if (pack) {
      pack_ = std::move(*pack);
    } else {
      refusal_ = pack.error().message;
    }
  }
  if (pack_ != nullptr) {
    log(LogLevel::kInfo, "GPU: %s (%s)", device_->info().name.c_str(),
        device_->info().driver.c_str());
  } else {
    log(LogLevel::kWarning, "no stage runs on a GPU: %s", refusal_.c_str());
  }
}

VulkanPack* VulkanStages::pack() {
  std::call_once(opened_, [this] { open(); });
  return pack_ != nullptr && device_->usable() ? pack_.get() : nullptr;
}

std::string VulkanStages::refusal() {
  if (pack() != nullptr) return {};
  return refusal_.empty() ? "the device was lost" : refusal_;
}

const vulkan::DeviceInfo* VulkanStages::device() {
  std::call_once(opened_, [this] { open(); });
  return device_ != nullptr ? &device_->info() : nullptr;
}

}  // namespace daedalus::gpu_kernels
