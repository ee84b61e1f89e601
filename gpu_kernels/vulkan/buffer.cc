#include "gpu_kernels/vulkan/buffer.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

constexpr auto kHostPointer = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
constexpr auto kDmaBuf = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;

// What our own pointers into the memory need.
constexpr VkMemoryPropertyFlags kMapped =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

static_assert(kMostImported == Buffer::kMostArray);

}  // namespace

Result<std::unique_ptr<Buffer>> Buffer::allocate(Device& device, size_t size) {
  std::unique_ptr<Buffer> buffer(new Buffer(device, size));
  if (const Status made = buffer->create(0); !made.ok()) return made.error();
  if (const Status allocated =
          buffer->allocate_memory(buffer->requirements_.memoryTypeBits, kMapped, nullptr);
      !allocated.ok()) {
    return allocated.error();
  }
  if (const Status bound = buffer->bind(); !bound.ok()) return bound.error();
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
  if (const Status made = buffer->create(kHostPointer); !made.ok()) return made.error();
  VkImportMemoryHostPointerInfoEXT pointer{};
  pointer.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT;
  pointer.handleType = kHostPointer;
  pointer.pHostPointer = memory;
  const uint32_t types = properties.memoryTypeBits & buffer->requirements_.memoryTypeBits;
  if (const Status allocated = buffer->allocate_memory(types, kMapped, &pointer); !allocated.ok()) {
    return allocated.error();
  }
  if (const Status bound = buffer->bind(); !bound.ok()) return bound.error();
  buffer->data_ = static_cast<uint8_t*>(memory);
  return buffer;
}

Result<std::unique_ptr<Buffer>> Buffer::import_dma_buf(Device& device, int fd, size_t size) {
  const off_t end = ::lseek(fd, 0, SEEK_END);
  if (end < 0 || size > static_cast<uint64_t>(end) || size > kMostArray) {
    return Error{ErrorCode::kUnsupported, "the dma-buf is not of a size that can be imported"};
  }
  UniqueFd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!own) return Error{ErrorCode::kOutOfMemory, "there is no descriptor for a dma-buf"};
  std::unique_ptr<Buffer> buffer(new Buffer(device, size));
  VkMemoryFdPropertiesKHR properties{};
  properties.sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR;
  const VkResult result =
      device.calls().vkGetMemoryFdPropertiesKHR(device.handle(), kDmaBuf, own.get(), &properties);
  if (result != VK_SUCCESS) return device.failed("vkGetMemoryFdPropertiesKHR", result);
  if (const Status made = buffer->create(kDmaBuf); !made.ok()) return made.error();
  VkImportMemoryFdInfoKHR import{};
  import.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR;
  import.handleType = kDmaBuf;
  import.fd = own.get();
  const uint32_t types = properties.memoryTypeBits & buffer->requirements_.memoryTypeBits;
  if (const Status allocated = buffer->allocate_memory(types, 0, &import); !allocated.ok()) {
    return allocated.error();
  }
  static_cast<void>(own.release());  // the memory's now
  if (const Status bound = buffer->bind(); !bound.ok()) return bound.error();
  return buffer;
}

// `imported_from`: 0 where the memory is the driver's.
Status Buffer::create(VkExternalMemoryHandleTypeFlags imported_from) {
  VkExternalMemoryBufferCreateInfo external{};
  external.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO;
  external.handleTypes = imported_from;
  VkBufferCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  create.pNext = imported_from != 0 ? &external : nullptr;
  create.size = size_;
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  create.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  const auto& calls = device_.calls();
  const VkResult result = calls.vkCreateBuffer(device_.handle(), &create, nullptr, &buffer_);
  if (result != VK_SUCCESS) return device_.failed("vkCreateBuffer", result);
  calls.vkGetBufferMemoryRequirements(device_.handle(), buffer_, &requirements_);
  return {};
}

// Imported memory is as large as the buffer.
Status Buffer::allocate_memory(uint32_t allowed_types, VkMemoryPropertyFlags flags,
                               const void* import) {
  const auto type = device_.memory_type(allowed_types, flags);
  if (!type || (import != nullptr && requirements_.size > size_)) {
    return Error{ErrorCode::kUnsupported, "the GPU's driver has no memory that fits"};
  }
  VkMemoryAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  allocate.pNext = import;
  allocate.allocationSize = import != nullptr ? size_ : requirements_.size;
  allocate.memoryTypeIndex = *type;
  const VkResult result =
      device_.calls().vkAllocateMemory(device_.handle(), &allocate, nullptr, &memory_);
  if (result != VK_SUCCESS) return device_.failed("vkAllocateMemory", result);
  return {};
}

Status Buffer::bind() {
  const VkResult result = device_.calls().vkBindBufferMemory(device_.handle(), buffer_, memory_, 0);
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
