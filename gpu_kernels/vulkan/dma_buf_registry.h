// DmaBufRegistry: which of the process's memory lies in dma-bufs, so that a GPU whose driver
// imports those (VK_EXT_external_memory_dma_buf) uses it in place. Without any header of Vulkan's.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_DMA_BUF_REGISTRY_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_DMA_BUF_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"

namespace daedalus::gpu_kernels::vulkan {

// Larger ones are never imported, bytes (Buffer::kMostArray).
inline constexpr size_t kMostImported = size_t{1} << 27;

class Buffer;
class Device;
class DmaBufRegistry;

// A dma-buf that is mapped, and registered as long as anybody holds this: whoever made it, and
// whoever works on the memory. So a range is never unmapped, and another's, while it is found here.
//
// CPU caches. Outside begin_ and end_device_access() the memory is the CPU's, as between
// DMA_BUF_SYNC_START and _END; a device that is not coherent with the CPU may work on it between
// the two:
// - begin_device_access: END. What the CPU wrote, and still lies in its caches, goes to memory: the
//   device reads it, and no line that is written back later covers what the device writes.
// - end_device_access: START. Of what the device wrote, the CPU's caches forget what they have of
//   before. Then the CPU may write between the device's samples, which share lines with them.
// Of what the device only reads both are of kind WRITE: nothing is forgotten, so other threads may
// read all the while, and write to it elsewhere. Of what it writes they are of kind RW: meanwhile
// nobody else writes to any of the dma-buf. START waits for other devices' work on it.
//
// Thread-safe.
class DmaBuf {
 public:
  enum class Access : uint8_t { kRead, kWritten };  // by the device

  ~DmaBuf();
  DmaBuf(const DmaBuf&) = delete;
  DmaBuf& operator=(const DmaBuf&) = delete;

  uint8_t* data() const { return data_; }  // the mapping of the dma-buf's first byte
  size_t size() const { return size_; }    // of the mapping, bytes
  int fd() const { return fd_; }           // stays the owner's

  // An error: the device might read what is not written back, so it does not begin.
  Status begin_device_access(Access access) const;
  void end_device_access(Access access) const;

  // What `device` imports it as: `make`'s buffer, which is kept as long as this and the device.
  // Null where it makes none; it is asked again only if it was for want of memory.
  using Import = std::shared_ptr<const Buffer>;
  Import import_for(const Device& device, const std::function<Result<Import>()>& make);

 private:
  friend class DmaBufRegistry;
  DmaBuf(std::shared_ptr<DmaBufRegistry> registry, std::shared_ptr<const void> owner, uint8_t* data,
         size_t size, int fd)
      : registry_(std::move(registry)),
        owner_(std::move(owner)),
        data_(data),
        size_(size),
        fd_(fd) {}

  const std::shared_ptr<DmaBufRegistry> registry_;
  const std::shared_ptr<const void> owner_;
  uint8_t* const data_;
  const size_t size_;
  const int fd_;
  struct OfDevice {
    const Device* device;
    Import import;
  };
  std::vector<OfDevice> imports_;  // with the registry's lock
};

// Thread-safe.
class DmaBufRegistry : public std::enable_shared_from_this<DmaBufRegistry> {
 public:
  static std::shared_ptr<DmaBufRegistry> create();

  // Registers `size` bytes at `data`, to which `owner` has mapped the dma-buf `fd` from its first
  // byte; mapping and descriptor live as long as the owner. The same mapping registered again is
  // the same object. kInvalidArgument: the range is empty, or overlaps another one.
  Result<std::shared_ptr<DmaBuf>> add(std::shared_ptr<const void> owner, uint8_t* data, size_t size,
                                      int fd);
  // The dma-buf in which all of the range lies; null where there is none.
  std::shared_ptr<DmaBuf> find(const void* data, size_t size) const;

  // Lets the device's imports go. It makes none any more.
  void forget(const Device& device);

 private:
  friend class DmaBuf;
  struct Entry {
    DmaBuf* dma_buf;  // until its destructor has the lock
    size_t size;
    std::weak_ptr<DmaBuf> alive;
  };
  using Entries = std::map<uintptr_t, Entry>;  // by address; none overlaps another

  DmaBufRegistry() = default;
  Entries::const_iterator entry_at(uintptr_t address) const;

  mutable std::mutex mutex_;
  Entries entries_;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_DMA_BUF_REGISTRY_H_
