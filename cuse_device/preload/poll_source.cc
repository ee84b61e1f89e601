#include "cuse_device/preload/poll_source.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace daedalus::preload {

void Mirror::raise() {
  const uint64_t one = 1;
  ::syscall(SYS_write, fd(), &one, sizeof one);
  raised = true;
}

void Mirror::lower() {
  uint64_t count;
  ::syscall(SYS_read, fd(), &count, sizeof count);
  raised = false;
}

void PollSource::add(Waiter* waiter) {
  std::lock_guard lock(mutex_);
  waiters_.push_back(waiter);
}

void PollSource::remove(Waiter* waiter) {
  std::lock_guard lock(mutex_);
  waiters_.erase(std::find(waiters_.begin(), waiters_.end(), waiter));
}

void PollSource::add(std::shared_ptr<Mirror> mirror) {
  std::lock_guard lock(mutex_);
  mirrors_.push_back(std::move(mirror));
  ++mirror_count_;
}

void PollSource::remove(const Mirror* mirror) {
  std::lock_guard lock(mutex_);
  mirror_count_ -= static_cast<uint32_t>(
      std::erase_if(mirrors_, [&](const auto& known) { return known.get() == mirror; }));
}

void PollSource::arm(Mirror* mirror, uint32_t events, bool edge) {
  {
    std::lock_guard lock(mutex_);
    if (mirror->raised) mirror->lower();
    mirror->events = events;
    mirror->edge = edge;
  }
  refresh_mirrors();
}

void PollSource::changed() {
  {
    std::lock_guard lock(mutex_);
    for (Waiter* waiter : waiters_) waiter->wake();
  }
  refresh_mirrors();
}

// One thread at a time looks and tells, once more for whoever came meanwhile; so no older look
// overwrites a newer one.
void PollSource::refresh_mirrors() {
  if (mirror_count_ == 0 || refreshes_due_.fetch_add(1) != 0) return;
  uint32_t served;
  do {
    served = refreshes_due_.load();
    const auto now = static_cast<uint32_t>(static_cast<uint16_t>(poll()));
    std::lock_guard lock(mutex_);
    for (const auto& mirror : mirrors_) {
      const bool ready = (now & mirror->events) != 0;
      if (ready && (!mirror->raised || mirror->edge)) mirror->raise();
      if (!ready && mirror->raised) mirror->lower();
    }
  } while (refreshes_due_.fetch_sub(served) != served);
}

}  // namespace daedalus::preload
