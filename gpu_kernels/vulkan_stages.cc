#include "gpu_kernels/vulkan_stages.h"

#include <utility>

#include "gpu_kernels/film_grain/av1_vulkan.h"
#include "gpu_kernels/mc/h264_vulkan.h"
#include "gpu_kernels/pack/pack_vulkan.h"
#include "gpu_kernels/sand/sand_vulkan.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"

namespace daedalus::gpu_kernels {

VulkanStages::VulkanStages(vulkan::DeviceOptions options) : options_(std::move(options)) {
  if (options_.dma_bufs == nullptr) options_.dma_bufs = vulkan::DmaBufRegistry::create();
}
VulkanStages::~VulkanStages() = default;

void VulkanStages::open(LogLevel no_device) {
  auto device = vulkan::Device::create(options_);
  if (!device) return refuse(no_device, device.error().message);
  device_ = std::move(*device);
  log(LogLevel::kInfo, "GPU: %s (%s)", device_->info().name.c_str(),
      device_->info().driver.c_str());
}

void VulkanStages::refuse(LogLevel level, const std::string& why) {
  log(level, "no stage runs on a GPU: %s", why.c_str());
  std::lock_guard lock(refusal_mutex_);
  refusal_ = why;
}

template <typename Twin>
Twin* VulkanStages::get(Stage<Twin>& stage, LogLevel refusal) {
  std::call_once(opened_, [=, this] { open(refusal); });
  if (device_ == nullptr || !device_->usable()) return nullptr;
  std::call_once(stage.created, [&] {
    auto twin = Twin::create(device_);
    if (twin) {
      stage.twin = std::move(*twin);
    } else {
      refuse(refusal, twin.error().message);
    }
  });
  return device_->usable() ? stage.twin.get() : nullptr;
}

VulkanPack* VulkanStages::pack(LogLevel refusal) { return get(pack_, refusal); }

VulkanAv1FilmGrain* VulkanStages::film_grain(LogLevel refusal) { return get(film_grain_, refusal); }

VulkanH264Inter* VulkanStages::h264_inter(LogLevel refusal) { return get(h264_inter_, refusal); }

VulkanSand* VulkanStages::sand(LogLevel refusal) { return get(sand_, refusal); }

std::string VulkanStages::refusal() {
  std::call_once(opened_, [this] { open(LogLevel::kWarning); });
  std::lock_guard lock(refusal_mutex_);
  if (!refusal_.empty()) return refusal_;
  return device_->usable() ? std::string() : "the device was lost";
}

const vulkan::DeviceInfo* VulkanStages::device() {
  std::call_once(opened_, [this] { open(LogLevel::kWarning); });
  return device_ != nullptr ? &device_->info() : nullptr;
}

bool VulkanStages::usable() { return device() != nullptr && device_->usable(); }

}  // namespace daedalus::gpu_kernels
