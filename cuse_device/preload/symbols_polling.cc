// Symbols: waiting for descriptors.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "cuse_device/preload/epoll_set.h"
#include "cuse_device/preload/export.h"
#include "cuse_device/preload/polling.h"
#include "cuse_device/preload/process.h"
#include "cuse_device/preload/real_calls.h"

namespace daedalus::preload {
namespace {

int poll_files(pollfd* entries, nfds_t count, int timeout) {
  if (!concerns_us(entries, count)) return real.poll(entries, count, timeout);
  return poll_mixed(entries, count, Deadline::after_milliseconds(timeout), nullptr);
}

int ppoll_files(pollfd* entries, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  if (!concerns_us(entries, count)) return real.ppoll(entries, count, timeout, mask);
  return poll_mixed(entries, count, Deadline(timeout), mask);
}

std::shared_ptr<EpollSet> epoll_set(int epoll) {
  if (!descriptors.has(epoll)) return nullptr;
  auto descriptor = descriptors.find(epoll);
  EpollSet* const set = descriptor ? descriptor->as_epoll_set() : nullptr;
  if (set == nullptr) return nullptr;
  return std::shared_ptr<EpollSet>(std::move(descriptor), set);
}

int epoll_control(int epoll, int operation, int fd, const std::shared_ptr<NodeFile>& file,
                  const epoll_event* event) {
  if (auto set = epoll_set(epoll)) return set->control(epoll, operation, fd, file, event);
  const auto set = std::make_shared<EpollSet>();
  const int answer = set->control(epoll, operation, fd, file, event);
  const bool known = static_cast<uint32_t>(epoll) < DescriptorTable::kLimit;
  if (answer == 0 && known) descriptors.insert(epoll, set);
  return answer;
}

// Milliseconds, rounded up so that nobody wakes too early and spins.
int milliseconds(const timespec* left) {
  if (left == nullptr) return -1;
  const int64_t all = left->tv_sec * 1000 + (left->tv_nsec + 999'999) / 1'000'000;
  return static_cast<int>(std::min<int64_t>(all, INT32_MAX));
}

int epoll_wait_mixed(EpollSet& set, int epoll, epoll_event* events, int most, Deadline deadline,
                     const sigset_t* mask) {
  for (;;) {
    const int told = real.epoll_pwait(epoll, events, most, milliseconds(deadline.left()), mask);
    if (told <= 0) return told;
    const int kept = set.translate(epoll, events, told);
    if (kept > 0 || deadline.passed()) return kept;
  }
}

}  // namespace

DAEDALUS_EXPORT(int, poll, (pollfd * entries, nfds_t count, int timeout)) {
  return poll_files(entries, count, timeout);
}

DAEDALUS_EXPORT(int, __poll_chk, (pollfd * entries, nfds_t count, int timeout, size_t)) {
  return poll_files(entries, count, timeout);
}

DAEDALUS_EXPORT(int, ppoll,
                (pollfd * entries, nfds_t count, const timespec* timeout, const sigset_t* mask)) {
  return ppoll_files(entries, count, timeout, mask);
}

DAEDALUS_EXPORT(int, __ppoll_chk,
                (pollfd * entries, nfds_t count, const timespec* timeout, const sigset_t* mask,
                 size_t)) {
  return ppoll_files(entries, count, timeout, mask);
}

// As Linux does, the timeout becomes what is left of it.
DAEDALUS_EXPORT(int, select,
                (int count, fd_set* read, fd_set* write, fd_set* except, timeval* timeout)) {
  if (!concerns_us(count, read, write, except)) {
    return real.select(count, read, write, except, timeout);
  }
  timespec time{};
  if (timeout != nullptr) time = {timeout->tv_sec, timeout->tv_usec * 1000};
  Deadline deadline(timeout != nullptr ? &time : nullptr);
  const int answer = select_mixed(count, read, write, except, deadline, nullptr);
  if (const timespec* left = deadline.left()) *timeout = {left->tv_sec, left->tv_nsec / 1000};
  return answer;
}

DAEDALUS_EXPORT(int, pselect,
                (int count, fd_set* read, fd_set* write, fd_set* except, const timespec* timeout,
                 const sigset_t* mask)) {
  if (!concerns_us(count, read, write, except)) {
    return real.pselect(count, read, write, except, timeout, mask);
  }
  return select_mixed(count, read, write, except, Deadline(timeout), mask);
}

DAEDALUS_EXPORT(int, epoll_ctl, (int epoll, int operation, int fd, epoll_event* event)) {
  if (node_file(epoll)) {
    errno = EINVAL;
    return -1;
  }
  const auto file = node_file(fd);
  if (!file || file->poll_source() == nullptr) return real.epoll_ctl(epoll, operation, fd, event);
  return epoll_control(epoll, operation, fd, file, event);
}

DAEDALUS_EXPORT(int, epoll_wait, (int epoll, epoll_event* events, int most, int timeout)) {
  const auto set = epoll_set(epoll);
  if (!set) return real.epoll_wait(epoll, events, most, timeout);
  return epoll_wait_mixed(*set, epoll, events, most, Deadline::after_milliseconds(timeout),
                          nullptr);
}

DAEDALUS_EXPORT(int, epoll_pwait,
                (int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask)) {
  const auto set = epoll_set(epoll);
  if (!set) return real.epoll_pwait(epoll, events, most, timeout, mask);
  return epoll_wait_mixed(*set, epoll, events, most, Deadline::after_milliseconds(timeout), mask);
}

DAEDALUS_EXPORT(int, epoll_pwait2,
                (int epoll, epoll_event* events, int most, const timespec* timeout,
                 const sigset_t* mask)) {
  const auto set = epoll_set(epoll);
  if (!set) return real.epoll_pwait2(epoll, events, most, timeout, mask);
  return epoll_wait_mixed(*set, epoll, events, most, Deadline(timeout), mask);
}

}  // namespace daedalus::preload
