// Batch: the dispatches of one picture, submitted together and waited for.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_BATCH_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "gpu_kernels/vulkan/buffer.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/kernel.h"

namespace daedalus::gpu_kernels::vulkan {

// An array of a shader's: from an offset, which is a multiple of the device's array_alignment, to
// the end of the buffer.
struct Array {
  const Buffer* buffer;
  size_t offset;  // bytes
};

// begin(), dispatch() some times, run(); then anew. Dispatches neither read nor write what others of the
// batch write, unless finish_writes() is between them. Outlived by its device.
class Batch {
 public:
  static constexpr uint32_t kMostDispatches = 8;

  static Result<std::unique_ptr<Batch>> create(Device& device);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  Status begin();
  // As many arrays and parameters as the kernel has; the buffers live until run() has returned.
  Status dispatch(const Kernel& kernel, std::span<const Array> arrays,
                  std::span<const uint32_t> parameters, uint32_t group_columns,
                  uint32_t group_rows);
  // What the dispatches so far write, those that follow can read, and write anew.
  void finish_writes();
  // Submits and waits: what the shaders wrote can then be read. After an error nothing is known of
  // what they were to write, and nothing runs any more unless the device is abandoned().
  Status run();

 private:
  explicit Batch(Device& device) : device_(device) {}
  Status create_objects();
  Result<VkDescriptorSet> bind(const Kernel& kernel, std::span<const Array> arrays);
  void make_visible(VkPipelineStageFlags stage, VkAccessFlags access);
  Status wait();

  Device& device_;
  VkCommandPool commands_ = VK_NULL_HANDLE;
  VkCommandBuffer recording_ = VK_NULL_HANDLE;
  VkDescriptorPool descriptors_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_BATCH_H_
