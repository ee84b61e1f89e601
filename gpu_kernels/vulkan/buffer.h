// Buffer: memory that shaders read and write as an array, and that we have mapped.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_BUFFER_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "gpu_kernels/vulkan/device.h"

namespace daedalus::gpu_kernels::vulkan {

// Outlived by its device.
class Buffer {
 public:
  // Memory of the driver's, uninitialised.
  static Result<std::unique_ptr<Buffer>> allocate(Device& device, size_t size);
  // Memory of ours, used in place; it stays ours and outlives the buffer. Both are multiples of the
  // device's import_alignment. An error where the driver does not take this memory (a mapping of a
  // file or of another device): copy then.
  static Result<std::unique_ptr<Buffer>> import(Device& device, void* memory, size_t size);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  VkBuffer handle() const { return buffer_; }
  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Buffer(Device& device, size_t size) : device_(device), size_(size) {}
  Status create(bool imported);
  Status bind(uint32_t allowed_types, const void* next);
  Status map();

  Device& device_;
  const size_t size_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  VkMemoryRequirements requirements_{};
  uint8_t* data_ = nullptr;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_BUFFER_H_
