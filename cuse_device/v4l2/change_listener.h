// ChangeListener: the one listener of an open file, called from any thread.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_CHANGE_LISTENER_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_CHANGE_LISTENER_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace daedalus::v4l2 {

// Thread-safe. Its lock is taken with no other lock held, and not held in calls.
class ChangeListener {
 public:
  // Takes the place of the former; null removes it. Waits for running calls.
  void set(std::function<void()> changed);
  void call();

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  std::shared_ptr<const std::function<void()>> listener_;
  int running_ = 0;  // calls
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_CHANGE_LISTENER_H_
