#include "cuse_device/preload/polling.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "cuse_device/preload/process.h"
#include "cuse_device/preload/real_calls.h"
#include "cuse_device/preload/waiter.h"

namespace daedalus::preload {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNever = INT64_MAX;

int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

// select(2) in terms of poll(2), as the kernel's do_select has it.
constexpr short kReadable = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
constexpr short kWritable = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
constexpr short kExceptional = POLLPRI;

bool contains(const fd_set* set, int fd) { return set != nullptr && FD_ISSET(fd, set); }

// One call of poll(2).
class MixedPoll {
 public:
  MixedPoll(const pollfd* entries, nfds_t count, Waiter& waiter)
      : entries_(entries, entries + count), waiter_(waiter) {
    for (pollfd& entry : entries_) entry.revents = 0;
    kernel_.assign(entries_.begin(), entries_.end());
    for (size_t i = 0; i < count; ++i) {
      auto file = node_file(entries_[i].fd);
      if (!file) continue;
      if (file->poll_source() == nullptr) {
        kernels_.push_back({i, std::move(file)});
        continue;
      }
      kernel_[i].fd = -1;
      file->poll_source()->add(&waiter_);
      ours_.push_back({i, std::move(file)});
    }
    kernel_.push_back({waiter_.fd(), POLLIN, 0});
  }
  ~MixedPoll() {
    for (const Ours& ours : ours_) ours.file->poll_source()->remove(&waiter_);
  }

  // As poll(2); the answers are in entries().
  int run(Deadline deadline, const sigset_t* mask) {
    const bool at_once = deadline.passed();
    for (;;) {
      waiter_.reset();
      const int held = ask_ours(at_once);
      static constexpr timespec kNow{};
      int count =
          real.ppoll(kernel_.data(), kernel_.size(), held > 0 ? &kNow : deadline.left(), mask);
      if (count < 0 && held == 0) return -1;
      if (count > 0) count = take_answers(at_once);
      if (held > 0 || count > 0) return held + std::max(count, 0);
      if (deadline.passed() && kernel_.back().revents == 0) return 0;
    }
  }
  const std::vector<pollfd>& entries() const { return entries_; }

 private:
  struct Ours {
    size_t index;
    std::shared_ptr<NodeFile> file;
  };

  // libavcodec before a first packet (mpv asks for pictures first) looks whether there are any, and
  // follows a null pointer when it is told POLLERR, which videobuf2 does say then. Who only looks
  // is told nothing instead; who waits still is.
  static bool says_nothing(const NodeFile& file, bool at_once, short events) {
    return at_once && events == POLLERR && file.unused();
  }

  int ask_ours(bool at_once) {
    int held = 0;
    for (const Ours& ours : ours_) {
      pollfd& entry = entries_[ours.index];
      const short wanted = static_cast<short>(entry.events | POLLERR | POLLHUP);
      entry.revents = static_cast<short>(ours.file->poll_source()->poll() & wanted);
      if (says_nothing(*ours.file, at_once, entry.revents)) entry.revents = 0;
      held += entry.revents != 0 ? 1 : 0;
    }
    return held;
  }

  // How many of the kernel's have events.
  int take_answers(bool at_once) {
    for (const Ours& file : kernels_) {
      short& events = kernel_[file.index].revents;
      if (says_nothing(*file.file, at_once, events)) events = 0;
    }
    int count = 0;
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (kernel_[i].fd < 0) continue;
      entries_[i].revents = kernel_[i].revents;
      count += entries_[i].revents != 0 ? 1 : 0;
    }
    return count;
  }

  std::vector<pollfd> entries_;
  std::vector<pollfd> kernel_;  // ours left out, the waiter added
  std::vector<Ours> ours_;
  std::vector<Ours> kernels_;  // open files of a daemon's nodes
  Waiter& waiter_;
};

}  // namespace

Deadline::Deadline(const timespec* timeout) : never_(timeout == nullptr) {
  if (never_) return;
  const bool far = timeout->tv_sec >= kNever / kSecond / 2;
  end_ = far ? kNever : now() + timeout->tv_sec * kSecond + timeout->tv_nsec;
}

Deadline Deadline::after_milliseconds(int timeout) {
  const timespec time{timeout / 1000, timeout % 1000 * 1'000'000};
  return Deadline(timeout < 0 ? nullptr : &time);
}

const timespec* Deadline::left() {
  if (never_) return nullptr;
  const int64_t left = std::max<int64_t>(end_ - now(), 0);
  left_ = {left / kSecond, left % kSecond};
  return &left_;
}

bool Deadline::passed() { return !never_ && now() >= end_; }

bool concerns_us(const pollfd* entries, nfds_t count) {
  if (descriptors.empty()) return false;
  return std::any_of(entries, entries + count,
                     [](const pollfd& entry) { return descriptors.has(entry.fd); });
}

bool concerns_us(int count, const fd_set* read, const fd_set* write, const fd_set* except) {
  if (descriptors.empty()) return false;
  for (int fd = 0; fd < count && fd < FD_SETSIZE; ++fd) {
    if (!descriptors.has(fd)) continue;
    if (contains(read, fd) || contains(write, fd) || contains(except, fd)) return true;
  }
  return false;
}

int poll_mixed(pollfd* entries, nfds_t count, Deadline deadline, const sigset_t* mask) {
  const WaiterLease waiter;
  if (waiter.get() == nullptr) {
    errno = ENOMEM;
    return -1;
  }
  MixedPoll poll(entries, count, *waiter.get());
  const int answer = poll.run(deadline, mask);
  for (size_t i = 0; i < count && answer >= 0; ++i) entries[i].revents = poll.entries()[i].revents;
  return answer;
}

int select_mixed(int count, fd_set* read, fd_set* write, fd_set* except, Deadline deadline,
                 const sigset_t* mask) {
  std::vector<pollfd> entries;
  for (int fd = 0; fd < count && fd < FD_SETSIZE; ++fd) {
    const int events = (contains(read, fd) ? POLLIN | POLLRDNORM | POLLRDBAND : 0) |
                       (contains(write, fd) ? POLLOUT | POLLWRNORM | POLLWRBAND : 0) |
                       (contains(except, fd) ? POLLPRI : 0);
    if (events != 0) entries.push_back({fd, static_cast<short>(events), 0});
  }
  if (poll_mixed(entries.data(), entries.size(), deadline, mask) < 0) return -1;
  int answer = 0;
  const auto answer_set = [&](fd_set* set, const pollfd& entry, short meaning) {
    if (!contains(set, entry.fd)) return;
    if ((entry.revents & meaning) != 0) {
      ++answer;
    } else {
      FD_CLR(entry.fd, set);
    }
  };
  for (const pollfd& entry : entries) {
    if ((entry.revents & POLLNVAL) == 0) continue;
    errno = EBADF;
    return -1;
  }
  for (const pollfd& entry : entries) {
    answer_set(read, entry, kReadable);
    answer_set(write, entry, kWritable);
    answer_set(except, entry, kExceptional);
  }
  return answer;
}

}  // namespace daedalus::preload
