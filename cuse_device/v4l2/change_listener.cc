#include "cuse_device/v4l2/change_listener.h"

#include <utility>

namespace daedalus::v4l2 {

void ChangeListener::set(std::function<void()> changed) {
  std::unique_lock lock(mutex_);
  listener_ = changed ? std::make_shared<const std::function<void()>>(std::move(changed)) : nullptr;
  idle_.wait(lock, [this] { return running_ == 0; });
}

void ChangeListener::call() {
  std::shared_ptr<const std::function<void()>> listener;
  {
    std::lock_guard lock(mutex_);
    if (!listener_) return;
    listener = listener_;
    ++running_;
  }
  (*listener)();
  std::lock_guard lock(mutex_);
  --running_;
  idle_.notify_all();
}

}  // namespace daedalus::v4l2
