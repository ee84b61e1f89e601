// EventQueue: subscriptions and pending events of one open file, as the kernel's v4l2-event does.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_EVENTS_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_EVENTS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// Not thread-safe: the open file's lock guards it.
class EventQueue {
 public:
  // EINVAL for V4L2_EVENT_ALL; which types a device knows is the caller's to check.
  int subscribe(const v4l2_event_subscription& subscription);
  int unsubscribe(const v4l2_event_subscription& subscription);
  bool subscribed(uint32_t type, uint32_t id) const;
  // V4L2_EVENT_SUB_FL_… of a subscription; 0 where there is none.
  uint32_t flags(uint32_t type, uint32_t id) const;

  // Queues `event` (type, id and payload are the caller's) if it is subscribed; returns whether.
  // One event of a subscription waits at a time: a newer one takes the place of the older, source
  // changes and control changes being joined.
  bool push(const v4l2_event& event);
  bool pending() const { return !events_.empty(); }
  // ENOENT where none is pending, as for a file opened with O_NONBLOCK.
  int dequeue(v4l2_event* event);

 private:
  using Key = std::pair<uint32_t, uint32_t>;  // type, id
  std::map<Key, uint32_t> subscriptions_;     // to flags
  std::deque<v4l2_event> events_;
  uint32_t sequence_ = 0;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_EVENTS_H_
