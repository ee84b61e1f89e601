#include "cuse_device/preload/epoll_set.h"

#include <sys/eventfd.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cuse_device/preload/real_calls.h"

namespace daedalus::preload {
namespace {

constexpr uint32_t kManner = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;

// What a mirror is in the kernel's set.
epoll_event mirror_event(const epoll_event& wanted, uint64_t token) {
  epoll_event event{};
  event.events = EPOLLIN | (wanted.events & kManner);
  event.data.u64 = token;
  return event;
}

uint32_t condition(const epoll_event& wanted) {
  return (wanted.events & ~kManner) | EPOLLERR | EPOLLHUP;
}

}  // namespace

EpollSet::~EpollSet() {
  for (const auto& [fd, member] : members_) {
    if (const auto file = member.file.lock()) file->poll_source()->remove(member.mirror.get());
  }
}

// As the kernel does when the last descriptor of a member is closed.
void EpollSet::forget_closed() {
  std::erase_if(members_, [](const auto& entry) { return entry.second.file.expired(); });
}

int EpollSet::control(int epoll, int operation, int fd, const std::shared_ptr<NodeFile>& file,
                      const epoll_event* event) {
  if (event == nullptr && operation != EPOLL_CTL_DEL) {
    errno = EFAULT;
    return -1;
  }
  std::lock_guard lock(mutex_);
  forget_closed();
  const auto found = members_.find(fd);
  if (operation == EPOLL_CTL_ADD) {
    if (found == members_.end()) return add(epoll, fd, file, *event);
    errno = EEXIST;
    return -1;
  }
  if (found == members_.end()) {
    errno = ENOENT;
    return -1;
  }
  if (operation == EPOLL_CTL_MOD) return modify(epoll, found->second, *file, *event);
  if (operation != EPOLL_CTL_DEL) {
    errno = EINVAL;
    return -1;
  }
  file->poll_source()->remove(found->second.mirror.get());
  const int answer = real.epoll_ctl(epoll, EPOLL_CTL_DEL, found->second.mirror->fd(), nullptr);
  members_.erase(found);
  return answer;
}

int EpollSet::add(int epoll, int fd, const std::shared_ptr<NodeFile>& file,
                  const epoll_event& event) {
  UniqueFd eventfd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Member member;
  if (!eventfd || ::getrandom(&member.token, sizeof member.token, 0) < 0) return -1;
  member.file = file;
  member.mirror = std::make_shared<Mirror>(std::move(eventfd));
  member.wanted = event;
  epoll_event ours = mirror_event(event, member.token);
  if (real.epoll_ctl(epoll, EPOLL_CTL_ADD, member.mirror->fd(), &ours) != 0) return -1;
  file->poll_source()->add(member.mirror);
  file->poll_source()->arm(member.mirror.get(), condition(event), (event.events & EPOLLET) != 0);
  members_.emplace(fd, std::move(member));
  return 0;
}

int EpollSet::modify(int epoll, Member& member, NodeFile& file, const epoll_event& event) {
  epoll_event ours = mirror_event(event, member.token);
  if (real.epoll_ctl(epoll, EPOLL_CTL_MOD, member.mirror->fd(), &ours) != 0) return -1;
  member.wanted = event;
  file.poll_source()->arm(member.mirror.get(), condition(event), (event.events & EPOLLET) != 0);
  return 0;
}

int EpollSet::translate(int epoll, epoll_event* events, int count) {
  std::lock_guard lock(mutex_);
  int kept = 0;
  for (int i = 0; i < count; ++i) {
    const uint64_t token = events[i].data.u64;
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [&](const auto& entry) { return entry.second.token == token; });
    if (found == members_.end()) {
      events[kept++] = events[i];
      continue;
    }
    const Member& member = found->second;
    const auto file = member.file.lock();
    const auto now =
        file ? static_cast<uint32_t>(static_cast<uint16_t>(file->poll_source()->poll())) : 0u;
    const uint32_t holds = now & condition(member.wanted);
    if (holds == 0) {
      // The kernel thinks that it has told a one-shot.
      epoll_event again = mirror_event(member.wanted, token);
      if (member.wanted.events & EPOLLONESHOT) {
        real.epoll_ctl(epoll, EPOLL_CTL_MOD, member.mirror->fd(), &again);
      }
      continue;
    }
    events[kept] = member.wanted;
    events[kept++].events = holds;
  }
  return kept;
}

}  // namespace daedalus::preload
