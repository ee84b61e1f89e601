// Which Vulkan device to take; for rooms that need no header of Vulkan's.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_OPTIONS_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct VolkDeviceTable;

namespace daedalus::gpu_kernels::vulkan {

class DmaBufRegistry;

enum class DeviceChoice : uint8_t {
  kAuto,      // a VideoCore first, else another GPU
  kSoftware,  // a driver that runs on the CPU (lavapipe): for tests, it is slower than our own code
  kNone,
};

struct DeviceOptions {
  DeviceChoice choice = DeviceChoice::kAuto;
  // Where compiled shaders are kept, for all processes of the user; empty: nowhere.
  std::string cache_folder = {};
  // Where planes may lie that the device uses in place if it imports dma-bufs; null: nowhere.
  std::shared_ptr<DmaBufRegistry> dma_bufs = {};
  // Called with the device's functions before any is used: tests put functions that fail there.
  // What is null then the device cannot do.
  std::function<void(VolkDeviceTable&)> instrument = {};
  // Where given, the Khronos validation layer watches all calls and tells it what is wrong with
  // one, on the thread that makes it; without the layer there is then no device. For tests.
  std::function<void(std::string_view)> on_wrong_call = {};
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_OPTIONS_H_
