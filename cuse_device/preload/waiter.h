// Waiter: what a thread sleeps on until an open file changes.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_WAITER_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_WAITER_H_

#include <atomic>
#include <memory>

#include "base/unique_fd.h"

namespace daedalus::preload {

// An eventfd that is readable from wake() until reset(). One thread sleeps, any may wake.
class Waiter {
 public:
  explicit Waiter(UniqueFd eventfd) : eventfd_(std::move(eventfd)) {}
  int fd() const { return eventfd_.get(); }

  // What changed before the call is seen by whoever looks after the sleeper's reset() or sleep().
  void wake();
  void reset();
  // Until wake(); false when a signal came for which its handler does not ask for a restart. As the
  // kernel's own interruptible sleeps, and no cancellation point.
  bool sleep();

 private:
  const UniqueFd eventfd_;
  std::atomic<bool> raised_{false};
};

// A waiter for the time of one call; eventfds are kept for the next.
class WaiterLease {
 public:
  WaiterLease();
  ~WaiterLease();
  WaiterLease(const WaiterLease&) = delete;
  WaiterLease& operator=(const WaiterLease&) = delete;

  // Null where the process has no descriptor left.
  Waiter* get() const { return waiter_.get(); }

  // Around fork(): the child makes waiters of its own.
  static void before_fork();
  static void after_fork(bool child);

 private:
  std::unique_ptr<Waiter> waiter_;
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_WAITER_H_
