// What a Vulkan device is; for rooms that need no header of Vulkan's.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_INFO_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_INFO_H_

#include <cstddef>
#include <string>

namespace daedalus::gpu_kernels::vulkan {

struct DeviceInfo {
  std::string name;    // "V3D 7.1.7.0"
  std::string driver;  // "V3DV Mesa, Mesa 25.0.7"
  bool software = false;
  // What address and size of memory of ours must be multiples of for the device to use it in place
  // (VK_EXT_external_memory_host); 0: it cannot.
  size_t import_alignment = 0;
  // Whether it uses dma-bufs in place (VK_EXT_external_memory_dma_buf).
  bool imports_dma_bufs = false;
  // What the offset of a shader's array in its buffer must be a multiple of; at least 16.
  size_t array_alignment = 16;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_DEVICE_INFO_H_
