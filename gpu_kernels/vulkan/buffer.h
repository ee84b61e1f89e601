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
  // What every device lets a shader see of a buffer, bytes (Vulkan, maxStorageBufferRange).
  static constexpr size_t kMostArray = size_t{1} << 27;

  // Memory of the driver's, uninitialised.
  static Result<std::unique_ptr<Buffer>> allocate(Device& device, size_t size);
  // Memory of ours, used in place; it stays ours and outlives the buffer. Both are multiples of the
  // device's import_alignment. An error where the driver does not take this memory (a mapping of a
  // file or of another device): copy then.
  static Result<std::unique_ptr<Buffer>> import(Device& device, void* memory, size_t size);
  // The first `size` bytes of a dma-buf, whole pages; the buffer has a reference of its own to it.
  // An error where the dma-buf is smaller, more than kMostArray is asked for, or the driver does
  // not take it.
  static Result<std::unique_ptr<Buffer>> import_dma_buf(Device& device, int fd, size_t size);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  VkBuffer handle() const { return buffer_; }
  uint8_t* data() const { return data_; }  // null of a dma-buf
  size_t size() const { return size_; }

 private:
  Buffer(Device& device, size_t size) : device_(device), size_(size) {}
  Status create(VkExternalMemoryHandleTypeFlags imported_from);
  Status allocate_memory(uint32_t allowed_types, VkMemoryPropertyFlags flags, const void* import);
  Status bind();
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
