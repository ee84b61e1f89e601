// DeadlineMutex: a mutex that is waited for until a deadline at most.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_DEADLINE_MUTEX_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_DEADLINE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#include "base/result.h"
#include "gpu_kernels/vulkan/deadline.h"

namespace daedalus::gpu_kernels::vulkan {

// For std::unique_lock(mutex, deadline). As std::timed_mutex, whose waiting ThreadSanitizer does
// not see.
class DeadlineMutex {
 public:
  void lock() { static_cast<void>(try_lock_until(kNoDeadline)); }
  bool try_lock_until(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto is_free = [this] { return !locked_; };
    if (deadline == kNoDeadline) {
      changed_.wait(lock, is_free);
    } else if (!changed_.wait_until(lock, deadline, is_free)) {
      return false;
    }
    locked_ = true;
    return true;
  }
  void unlock() {
    {
      std::lock_guard lock(mutex_);
      locked_ = false;
    }
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool locked_ = false;
};

// What a stage answers whose mutex was not to be had in time.
inline Error busy_with_others() { return {ErrorCode::kBusy, "the GPU had other pictures to do"}; }

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_DEADLINE_MUTEX_H_
