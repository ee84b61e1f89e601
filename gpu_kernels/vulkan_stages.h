// VulkanStages: the stages' Vulkan twins on one device.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_STAGES_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_STAGES_H_

#include <memory>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "gpu_kernels/vulkan/device_info.h"
#include "gpu_kernels/vulkan/device_options.h"

namespace daedalus::gpu_kernels {

class VulkanAv1FilmGrain;
class VulkanH264Inter;
class VulkanPack;
class VulkanSand;
namespace vulkan {
class Device;
}

// Thread-safe. The device is opened when a stage is first asked for, and a stage's shaders are
// compiled when it is: who asks for none pays nothing.
class VulkanStages {
 public:
  explicit VulkanStages(vulkan::DeviceOptions options);
  ~VulkanStages();

  // Null where nothing can run it: there is no device, it cannot do it, or it was lost. The log has
  // said why, with the level that the first caller names.
  VulkanPack* pack(LogLevel refusal = LogLevel::kWarning);
  VulkanAv1FilmGrain* film_grain(LogLevel refusal = LogLevel::kWarning);
  VulkanH264Inter* h264_inter(LogLevel refusal = LogLevel::kWarning);
  VulkanSand* sand(LogLevel refusal = LogLevel::kWarning);
  // The same, for people: why the last one asked for was null.
  std::string refusal();
  // Null where there is no device.
  const vulkan::DeviceInfo* device();
  // Whether there is one, and it was not lost.
  bool usable();
  vulkan::DeviceChoice choice() const { return options_.choice; }
  // Whoever has planes in dma-bufs tells it: before or after the device is opened, and with none.
  vulkan::DmaBufRegistry& dma_bufs() { return *options_.dma_bufs; }

 private:
  // A twin, and whether it was ever asked for.
  template <typename Twin>
  struct Stage {
    std::once_flag created;
    std::unique_ptr<Twin> twin;
  };

  void open(LogLevel no_device);
  void refuse(LogLevel level, const std::string& why);
  template <typename Twin>
  Twin* get(Stage<Twin>& stage, LogLevel refusal);

  vulkan::DeviceOptions options_;
  std::once_flag opened_;
  std::shared_ptr<vulkan::Device> device_;
  Stage<VulkanPack> pack_;
  Stage<VulkanAv1FilmGrain> film_grain_;
  Stage<VulkanH264Inter> h264_inter_;
  Stage<VulkanSand> sand_;
  std::mutex refusal_mutex_;
  std::string refusal_;
};

// Whether a twin failed at the picture that it was given. Else it was lost at an earlier one
// (kNotFound), or is still at another (kBusy): that one counts as failed.
inline bool failed_now(const Error& error) {
  return error.code != ErrorCode::kNotFound && error.code != ErrorCode::kBusy;
}

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_STAGES_H_
