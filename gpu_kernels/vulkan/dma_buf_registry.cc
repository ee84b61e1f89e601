#include "gpu_kernels/vulkan/dma_buf_registry.h"

#include <linux/dma-buf.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "base/dma_buf.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

uint64_t kind_of(DmaBuf::Access access) {
  return access == DmaBuf::Access::kWritten ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_WRITE;
}

uintptr_t address_of(const void* data) { return reinterpret_cast<uintptr_t>(data); }

}  // namespace

// With the lock the imports go before forget() has returned, and so before their device.
DmaBuf::~DmaBuf() {
  std::lock_guard lock(registry_->mutex_);
  const auto entry = registry_->entries_.find(address_of(data_));
  if (entry != registry_->entries_.end() && entry->second.dma_buf == this) {
    registry_->entries_.erase(entry);
  }
  imports_.clear();
}

Status DmaBuf::begin_device_access(Access access) const {
  const int error = synchronise_dma_buf(fd_, DMA_BUF_SYNC_END | kind_of(access));
  if (error == 0) return {};
  return Error{ErrorCode::kSystem, "the caches of a dma-buf are not written back: " +
                                       std::generic_category().message(error)};
}

void DmaBuf::end_device_access(Access access) const {
  static_cast<void>(synchronise_dma_buf(fd_, DMA_BUF_SYNC_START | kind_of(access)));
}

DmaBuf::Import DmaBuf::import_for(const Device& device,
                                  const std::function<Result<Import>()>& make) {
  std::lock_guard lock(registry_->mutex_);
  const auto found = std::ranges::find(imports_, &device, &OfDevice::device);
  if (found != imports_.end()) return found->import;
  auto made = make();
  if (!made && made.error().code == ErrorCode::kOutOfMemory) return nullptr;
  imports_.push_back({&device, made ? *made : nullptr});
  return imports_.back().import;
}

std::shared_ptr<DmaBufRegistry> DmaBufRegistry::create() {
  return std::shared_ptr<DmaBufRegistry>(new DmaBufRegistry);
}

// With the lock: the last that begins at the address or before.
DmaBufRegistry::Entries::const_iterator DmaBufRegistry::entry_at(uintptr_t address) const {
  const auto after = entries_.upper_bound(address);
  return after == entries_.begin() ? entries_.end() : std::prev(after);
}

Result<std::shared_ptr<DmaBuf>> DmaBufRegistry::add(std::shared_ptr<const void> owner,
                                                    uint8_t* data, size_t size, int fd) {
  const uintptr_t begin = address_of(data);
  if (size == 0 || begin + size < begin) {
    return Error{ErrorCode::kInvalidArgument, "no range of memory"};
  }
  // Outlives the lock, which its destructor takes.
  std::shared_ptr<DmaBuf> added(new DmaBuf(shared_from_this(), std::move(owner), data, size, fd));
  std::lock_guard lock(mutex_);
  const auto last = entry_at(begin + size - 1);
  if (last != entries_.end() && begin < last->first + last->second.size) {
    if (last->first != begin || last->second.size != size || last->second.dma_buf->fd() != fd) {
      return Error{ErrorCode::kInvalidArgument, "the memory overlaps another dma-buf's"};
    }
    if (auto known = last->second.alive.lock()) return known;
    last->second.dma_buf->imports_.clear();  // its destructor waits for the lock
    entries_.erase(last);
  }
  entries_.emplace(begin, Entry{added.get(), size, added});
  return added;
}

std::shared_ptr<DmaBuf> DmaBufRegistry::find(const void* data, size_t size) const {
  const uintptr_t begin = address_of(data);
  std::lock_guard lock(mutex_);
  const auto entry = entry_at(begin);
  if (entry == entries_.end()) return nullptr;
  const size_t offset = begin - entry->first;
  if (offset > entry->second.size || size > entry->second.size - offset) return nullptr;
  return entry->second.alive.lock();
}

void DmaBufRegistry::forget(const Device& device) {
  std::lock_guard lock(mutex_);
  for (auto& [begin, entry] : entries_) {
    std::erase_if(entry.dma_buf->imports_,
                  [&](const DmaBuf::OfDevice& import) { return import.device == &device; });
  }
}

}  // namespace daedalus::gpu_kernels::vulkan
