#include "cuse_device/preload/waiter.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace daedalus::preload {
namespace {

// Never destroyed: threads may wait while the process exits.
struct Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Waiter>> free;
};

Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

constexpr size_t kMostFree = 8;

}  // namespace

void Waiter::wake() {
  if (raised_.exchange(true)) return;
  const uint64_t one = 1;
  while (::syscall(SYS_write, fd(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Waiter::reset() {
  if (!raised_.load()) return;
  while (!sleep()) {
  }
}

bool Waiter::sleep() {
  uint64_t count;
  if (::syscall(SYS_read, fd(), &count, sizeof count) < 0) return false;
  raised_.store(false);
  return true;
}

WaiterLease::WaiterLease() {
  {
    std::lock_guard lock(pool().mutex);
    if (!pool().free.empty()) {
      waiter_ = std::move(pool().free.back());
      pool().free.pop_back();
      return;
    }
  }
  UniqueFd eventfd(::eventfd(0, EFD_CLOEXEC));
  if (eventfd) waiter_ = std::make_unique<Waiter>(std::move(eventfd));
}

WaiterLease::~WaiterLease() {
  if (!waiter_) return;
  waiter_->reset();
  std::lock_guard lock(pool().mutex);
  if (pool().free.size() < kMostFree) pool().free.push_back(std::move(waiter_));
}

void WaiterLease::before_fork() { pool().mutex.lock(); }

void WaiterLease::after_fork(bool child) {
  if (child) pool().free.clear();
  pool().mutex.unlock();
}

}  // namespace daedalus::preload
