// Priorities: the access priorities of a node's open files, as the kernel's v4l2_prio_state does.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_PRIORITY_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_PRIORITY_H_

#include <array>
#include <cstdint>
#include <mutex>

#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// Shared by the open files of one node. Thread-safe.
class Priorities {
 public:
  // A new file has V4L2_PRIORITY_DEFAULT.
  void open() { count(V4L2_PRIORITY_DEFAULT, 1); }
  void close(uint32_t priority) { count(priority, -1); }
  // The highest of any file.
  uint32_t highest() const {
    std::lock_guard lock(mutex_);
    for (uint32_t level = V4L2_PRIORITY_RECORD; level > V4L2_PRIORITY_BACKGROUND; --level) {
      if (files_[level] != 0) return level;
    }
    return V4L2_PRIORITY_BACKGROUND;
  }
  static bool valid(uint32_t priority) {
    return priority >= V4L2_PRIORITY_BACKGROUND && priority <= V4L2_PRIORITY_RECORD;
  }
  void change(uint32_t from, uint32_t to) {
    std::lock_guard lock(mutex_);
    --files_[from];
    ++files_[to];
  }

 private:
  void count(uint32_t priority, int by) {
    std::lock_guard lock(mutex_);
    files_[priority] += by;
  }

  mutable std::mutex mutex_;
  std::array<int, V4L2_PRIORITY_RECORD + 1> files_{};
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_PRIORITY_H_
