#include "gpu_kernels/vulkan/buffer.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

constexpr auto kHostPointer = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;

}  // namespace

Result<std::unique_ptr<Buffer>> Buffer::allocate(Device& device, size_t size) {
  std::unique_ptr<Buffer> buffer(new Buffer(device, size));
  if (const Status made = buffer->create(false); !made.ok()) return made.error();
  if (const Status bound = buffer->bind(buffer->requirements_.memoryTypeBits, nullptr);
      !bound.ok()) {
    return bound.error();
  }
  if (const Status mapped = buffer->map(); !mapped.ok()) return mapped.error();
  return buffer;
}

Result<std::unique_ptr<Buffer>> Buffer::import(Device& device, void* memory, size_t size) {
  std::unique_ptr<Buffer> buffer(new Buffer(device, size));
  VkMemoryHostPointerPropertiesEXT properties{};
  properties.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT;
  const VkResult result = device.calls().vkGetMemoryHostPointerPropertiesEXT(
      device.handle(), kHostPointer, memory, &properties);
  if (result != VK_SUCCESS) return device.failed("vkGetMemoryHostPointerPropertiesEXT", result);
  if (const Status made = buffer->create(true); !made.ok()) return made.error();
  VkImportMemoryHostPointerInfoEXT pointer{};
  pointer.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT;
  pointer.handleType = kHostPointer;
  pointer.pHostPointer = memory;
  const uint32_t types = properties.memoryTypeBits & buffer->requirements_.memoryTypeBits;
  if (const Status bound = buffer->bind(types, &pointer); !bound.ok()) return bound.error();
  buffer->data_ = static_cast<uint8_t*>(memory);
  return buffer;
}

Status Buffer::create(bool imported) {
  VkExternalMemoryBufferCreateInfo external{};
  external.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO;
  external.handleTypes = kHostPointer;
  VkBufferCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  create.pNext = imported ? &external : nullptr;
  create.size = size_;
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  create.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  const auto& calls = device_.calls();
  const VkResult result = calls.vkCreateBuffer(device_.handle(), &create, nullptr, &buffer_);
  if (result != VK_SUCCESS) return device_.failed("vkCreateBuffer", result);
  calls.vkGetBufferMemoryRequirements(device_.handle(), buffer_, &requirements_);
  return {};
}

// `next`: the import, whose memory is as large as the buffer.
Status Buffer::bind(uint32_t allowed_types, const void* next) {
  constexpr VkMemoryPropertyFlags kFlags =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const auto type = device_.memory_type(allowed_types, kFlags);
  if (!type || (next != nullptr && requirements_.size > size_)) {
    return Error{ErrorCode::kUnsupported, "the GPU's driver has no memory that fits"};
  }
  VkMemoryAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  allocate.pNext = next;
  allocate.allocationSize = next != nullptr ? size_ : requirements_.size;
  allocate.memoryTypeIndex = *type;
  const auto& calls = device_.calls();
  VkResult result = calls.vkAllocateMemory(device_.handle(), &allocate, nullptr, &memory_);
  if (result != VK_SUCCESS) return device_.failed("vkAllocateMemory", result);
  result = calls.vkBindBufferMemory(device_.handle(), buffer_, memory_, 0);
  if (result != VK_SUCCESS) return device_.failed("vkBindBufferMemory", result);
  return {};
}

Status Buffer::map() {
  void* data = nullptr;
  const VkResult result =
      device_.calls().vkMapMemory(device_.handle(), memory_, 0, VK_WHOLE_SIZE, 0, &data);
  if (result != VK_SUCCESS) return device_.failed("vkMapMemory", result);
  data_ = static_cast<uint8_t*>(data);
  return {};
}

Buffer::~Buffer() {
  if (device_.abandoned()) return;
  const auto& calls = device_.calls();
  if (buffer_ != VK_NULL_HANDLE) calls.vkDestroyBuffer(device_.handle(), buffer_, nullptr);
  if (memory_ != VK_NULL_HANDLE) calls.vkFreeMemory(device_.handle(), memory_, nullptr);
}

}  // namespace daedalus::gpu_kernels::vulkan
