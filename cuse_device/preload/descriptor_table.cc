#include "cuse_device/preload/descriptor_table.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace daedalus::preload {
namespace {

// A parent's open file in its child.
class DeadFile final : public NodeFile {
 public:
  explicit DeadFile(const Node* node) : node_(node) {}
  const Node* node() const override { return node_; }
  int ioctl(int, uint32_t, void*) override {
    errno = ENODEV;
    return -1;
  }
  void* map(void*, size_t, int, int, int, off_t) override {
    errno = ENODEV;
    return MAP_FAILED;
  }
  PollSource* poll_source() override { return nullptr; }

 private:
  const Node* const node_;
};

}  // namespace

// Whether this process is the one whose descriptors the table holds, and not its child by vfork().
// mutex_ is held.
bool DescriptorTable::ours() { return process_ == ::getpid(); }

void DescriptorTable::mark(int fd, bool on) {
  const uint64_t bit = uint64_t{1} << (fd % 64);
  auto& word = bits_[static_cast<size_t>(fd) / 64];
  on ? word.fetch_or(bit, std::memory_order_release)
     : word.fetch_and(~bit, std::memory_order_release);
  count_.store(map_->size(), std::memory_order_release);
}

std::shared_ptr<Descriptor> DescriptorTable::find(int fd) {
  std::lock_guard lock(mutex_);
  if (map_ == nullptr) return nullptr;
  if (!ours()) return std::make_shared<DeadFile>(nullptr);
  const auto found = map_->find(fd);
  return found == map_->end() ? nullptr : found->second;
}

std::shared_ptr<Descriptor> DescriptorTable::insert(int fd,
                                                    std::shared_ptr<Descriptor> descriptor) {
  std::lock_guard lock(mutex_);
  if (map_ == nullptr) {
    map_ = new Map;
    process_ = ::getpid();
  }
  if (!ours()) return nullptr;
  std::swap((*map_)[fd], descriptor);
  mark(fd, true);
  return descriptor;
}

std::shared_ptr<Descriptor> DescriptorTable::remove(int fd) {
  std::lock_guard lock(mutex_);
  if (map_ == nullptr || !ours()) return nullptr;
  const auto found = map_->find(fd);
  if (found == map_->end()) return nullptr;
  auto removed = std::move(found->second);
  map_->erase(found);
  mark(fd, false);
  return removed;
}

std::vector<std::shared_ptr<Descriptor>> DescriptorTable::remove_range(unsigned first,
                                                                       unsigned last) {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Descriptor>> removed;
  if (map_ == nullptr || !ours() || first >= kLimit) return removed;
  auto entry = map_->lower_bound(static_cast<int>(first));
  while (entry != map_->end() && static_cast<unsigned>(entry->first) <= last) {
    const int fd = entry->first;
    removed.push_back(std::move(entry->second));
    entry = map_->erase(entry);
    mark(fd, false);
  }
  return removed;
}

// The parent's objects are left as they are: the threads that would let go of their locks are not
// here.
void DescriptorTable::after_fork(bool child) {
  if (child && map_ != nullptr) {
    auto* const parents = map_;
    map_ = new Map;
    process_ = ::getpid();
    for (const auto& [fd, descriptor] : *parents) {
      if (NodeFile* file = descriptor->as_node_file()) {
        map_->emplace(fd, std::make_shared<DeadFile>(file->node()));
        mark(fd, true);
      } else {
        mark(fd, false);
      }
    }
  }
  mutex_.unlock();
}

}  // namespace daedalus::preload
