#include "gpu_kernels/vulkan_stages.h"

#include "gpu_kernels/pack/pack_vulkan.h"
#include "gpu_kernels/vulkan/device.h"

namespace daedalus::gpu_kernels {

VulkanStages::VulkanStages(const vulkan::DeviceOptions& options) : options_(options) {}
VulkanStages::~VulkanStages() = default;

void VulkanStages::open(LogLevel no_device) {
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
    log(no_device, "no stage runs on a GPU: %s", refusal_.c_str());
  }
}

VulkanPack* VulkanStages::pack(LogLevel no_device) {
  std::call_once(opened_, [=, this] { open(no_device); });
  return pack_ != nullptr && device_->usable() ? pack_.get() : nullptr;
}

std::string VulkanStages::refusal() {
  if (pack() != nullptr) return {};
  return refusal_.empty() ? "the device was lost" : refusal_;
}

const vulkan::DeviceInfo* VulkanStages::device() {
  std::call_once(opened_, [this] { open(LogLevel::kWarning); });
  return device_ != nullptr ? &device_->info() : nullptr;
}

}  // namespace daedalus::gpu_kernels
