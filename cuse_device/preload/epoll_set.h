// EpollSet: an epoll set with descriptors of ours in it.
//
// In the kernel's set each of ours is represented by an eventfd of its own (a Mirror), so sleeping,
// nesting, edges and one-shots are the kernel's. An event of a mirror is known by a random token in
// the place of the client's data, which comes back with the event.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_EPOLL_SET_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_EPOLL_SET_H_

#include <sys/epoll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "cuse_device/preload/descriptor.h"
#include "cuse_device/preload/poll_source.h"

namespace daedalus::preload {

// Thread-safe.
class EpollSet final : public Descriptor {
 public:
  ~EpollSet() override;
  EpollSet* as_epoll_set() override { return this; }

  // As epoll_ctl(2) for a file that is polled by us, open as `fd`; -1 with errno set.
  int control(int epoll, int operation, int fd, const std::shared_ptr<NodeFile>& file,
              const epoll_event* event);

  // Puts the client's data into the first `count` events of the set open as `epoll`, and drops
  // those of ours that no longer hold; returns how many are left.
  int translate(int epoll, epoll_event* events, int count);

 private:
  struct Member {
    std::weak_ptr<NodeFile> file;
    std::shared_ptr<Mirror> mirror;
    uint64_t token = 0;
    epoll_event wanted{};
  };
  int add(int epoll, int fd, const std::shared_ptr<NodeFile>& file, const epoll_event& event);
  int modify(int epoll, Member& member, NodeFile& file, const epoll_event& event);
  void forget_closed();

  std::mutex mutex_;
  std::map<int, Member> members_;  // by descriptor
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_EPOLL_SET_H_
