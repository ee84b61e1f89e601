// PollSource: readiness that the kernel does not know of, for poll, select and epoll.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_POLL_SOURCE_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_POLL_SOURCE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/unique_fd.h"
#include "cuse_device/preload/waiter.h"

namespace daedalus::preload {

// Stands for one descriptor in one epoll set: an eventfd that is in the set in its place, readable
// while one of the events that the set asks for holds.
class Mirror {
 public:
  explicit Mirror(UniqueFd eventfd) : eventfd_(std::move(eventfd)) {}
  int fd() const { return eventfd_.get(); }

  // Guarded by its source.
  uint32_t events = 0;  // EPOLLIN, …; none: disarmed
  bool edge = false;    // EPOLLET: each change is told again
  bool raised = false;

  void raise();
  void lower();

 private:
  const UniqueFd eventfd_;  // non-blocking
};

// Thread-safe. poll() is called with no lock of this class held.
class PollSource {
 public:
  virtual ~PollSource() = default;
  // The events of poll(2) that hold now.
  virtual short poll() = 0;

  // `waiter` is woken by every change until it is removed.
  void add(Waiter* waiter);
  void remove(Waiter* waiter);
  void add(std::shared_ptr<Mirror> mirror);
  void remove(const Mirror* mirror);
  // What the epoll set asks for.
  void arm(Mirror* mirror, uint32_t events, bool edge);

 protected:
  // poll() may give another answer now. May be called from inside poll().
  void changed();
  // Likewise, where only mirrors can be concerned: the client itself took something away.
  void refresh_mirrors();

 private:
  std::mutex mutex_;
  std::vector<Waiter*> waiters_;
  std::vector<std::shared_ptr<Mirror>> mirrors_;
  std::atomic<uint32_t> mirror_count_{0};
  std::atomic<uint32_t> refreshes_due_{0};
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_POLL_SOURCE_H_
