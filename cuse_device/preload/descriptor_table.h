// DescriptorTable: which of the process's descriptors are ours.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_DESCRIPTOR_TABLE_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_DESCRIPTOR_TABLE_H_

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cuse_device/preload/descriptor.h"

namespace daedalus::preload {

// Thread-safe. Constant-initialized and never destroyed, so it serves calls before constructors and
// after destructors have run.
//
// Processes. In a child of fork() every descriptor of the parent is dead: NodeFiles that answer
// ENODEV. A child of vfork() shares this memory: there nothing is looked up, nothing changed.
class DescriptorTable {
 public:
  constexpr DescriptorTable() = default;

  // Lock-free and async-signal-safe: the price that every other descriptor pays.
  [[gnu::always_inline]] bool has(int fd) const {
    const auto index = static_cast<uint32_t>(fd);
    return index < kLimit &&
           (bits_[index / 64].load(std::memory_order_acquire) >> (index % 64) & 1) != 0;
  }
  [[gnu::always_inline]] bool empty() const { return count_.load(std::memory_order_acquire) == 0; }

  std::shared_ptr<Descriptor> find(int fd);
  // Takes the place of what was there, which is returned. Only below kLimit.
  std::shared_ptr<Descriptor> insert(int fd, std::shared_ptr<Descriptor> descriptor);
  // To be destroyed by the caller when the kernel's descriptor is closed.
  std::shared_ptr<Descriptor> remove(int fd);
  std::vector<std::shared_ptr<Descriptor>> remove_range(unsigned first, unsigned last);

  void before_fork() { mutex_.lock(); }
  void after_fork(bool child);

  static constexpr uint32_t kLimit = 1 << 16;

 private:
  using Map = std::map<int, std::shared_ptr<Descriptor>>;
  bool ours();
  void mark(int fd, bool on);

  std::array<std::atomic<uint64_t>, kLimit / 64> bits_{};
  std::atomic<size_t> count_{0};
  std::mutex mutex_;
  Map* map_ = nullptr;  // made by the first insert()
  pid_t process_ = 0;   // whose the map is
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_DESCRIPTOR_TABLE_H_
