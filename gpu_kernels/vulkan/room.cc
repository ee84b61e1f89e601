#include "gpu_kernels/vulkan/room.h"

#include <utility>

namespace daedalus::gpu_kernels::vulkan {

Status Room::make(Device& device, size_t size) {
  if (buffer_ != nullptr && buffer_->size() >= size) return {};
  if (size > kMostBytes) {
    return Error{ErrorCode::kUnsupported, "the picture is too large for the GPU's arrays"};
  }
  buffer_.reset();
  auto buffer = Buffer::allocate(device, size);
  if (!buffer) return buffer.error();
  buffer_ = std::move(*buffer);
  return {};
}

}  // namespace daedalus::gpu_kernels::vulkan
