// Batch: the dispatches of one picture, submitted together and waited for.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_BATCH_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "gpu_kernels/vulkan/buffer.h"
#include "gpu_kernels/vulkan/deadline.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/kernel.h"

namespace daedalus::gpu_kernels::vulkan {

// An array of a shader's: from an offset, which is a multiple of the device's array_alignment, to
// the end of the buffer, but no more than Buffer::kMostArray.
struct Array {
  const Buffer* buffer;
  size_t offset;  // bytes
};

// ready(), begin(), dispatch() some times, run(); then anew. Dispatches neither read nor write what
// others of the batch write, unless finish_writes() is between them. Outlived by its device, and
// destroyed before all that its dispatches use: it waits for those that still run.
class Batch {
 public:
  static constexpr uint32_t kMostDispatches = 8;

  static Result<std::unique_ptr<Batch>> create(Device& device);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Whether begin() may be called, and what dispatches used may be touched; to be asked by those
  // who give run() deadlines. kBusy: the GPU is still at what run() did not wait for, or the
  // deadline has passed. kNotFound: the device was lost before. Others: it just was.
  Status ready(Deadline deadline = kNoDeadline);
  Status begin();
  // As many arrays and parameters as the kernel has; the buffers live until run() has returned.
  Status dispatch(const Kernel& kernel, std::span<const Array> arrays,
                  std::span<const uint32_t> parameters, uint32_t group_columns,
                  uint32_t group_rows);
  // What the dispatches so far write, those that follow can read, and write anew.
  void finish_writes();
  // Submits and waits: what the shaders wrote can then be read. After an error nothing is known of
  // what they were to write, and nothing runs any more unless the device is abandoned(). kTimeout:
  // the same, or the deadline passed; then what dispatches use is to be left alone, and alive,
  // until ready() says otherwise.
  Status run(Deadline deadline = kNoDeadline);

 private:
  explicit Batch(Device& device) : device_(device) {}
  Status create_objects();
  Result<VkDescriptorSet> bind(const Kernel& kernel, std::span<const Array> arrays);
  void make_visible(VkPipelineStageFlags stage, VkAccessFlags access);
  Status wait(Deadline deadline);
  Status end(VkResult result);

  Device& device_;
  VkCommandPool commands_ = VK_NULL_HANDLE;
  VkCommandBuffer recording_ = VK_NULL_HANDLE;
  VkDescriptorPool descriptors_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;
  bool under_way_ = false;  // submitted, and not known to have ended
  Deadline given_up_{};     // when the device is, if it still is
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_BATCH_H_
