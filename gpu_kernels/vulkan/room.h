// Room: memory of the driver's that grows to what a picture needs.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_ROOM_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_ROOM_H_

#include <cstddef>
#include <memory>

#include "base/result.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/buffer.h"
#include "gpu_kernels/vulkan/device.h"

namespace daedalus::gpu_kernels::vulkan {

class Room {
 public:
  static constexpr size_t kMostBytes = Buffer::kMostArray;

  // Uninitialised, or what was there. kUnsupported: more than kMostBytes.
  Status make(Device& device, size_t size);

  Array array() const { return {buffer_.get(), 0}; }
  template <typename Value>
  Value* as() const {
    return reinterpret_cast<Value*>(buffer_->data());
  }

 private:
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_ROOM_H_
