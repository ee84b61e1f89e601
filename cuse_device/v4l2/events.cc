#include "cuse_device/v4l2/events.h"

#include <time.h>

#include <algorithm>
#include <cerrno>

namespace daedalus::v4l2 {
namespace {

// Joins an event that was not dequeued with the one that takes its place (as v4l2_event's replace
// and merge operations do).
void join(const v4l2_event& older, v4l2_event* newer) {
  if (newer->type == V4L2_EVENT_SOURCE_CHANGE) {
    newer->u.src_change.changes |= older.u.src_change.changes;
  } else if (newer->type == V4L2_EVENT_CTRL) {
    newer->u.ctrl.changes |= older.u.ctrl.changes;
  }
}

}  // namespace

int EventQueue::subscribe(const v4l2_event_subscription& subscription) {
  if (subscription.type == V4L2_EVENT_ALL) return EINVAL;
  // A second subscription changes nothing, as in v4l2_event_subscribe.
  subscriptions_.try_emplace({subscription.type, subscription.id}, subscription.flags);
  return 0;
}

int EventQueue::unsubscribe(const v4l2_event_subscription& subscription) {
  if (subscription.type == V4L2_EVENT_ALL) {
    subscriptions_.clear();
    events_.clear();
    return 0;
  }
  const Key key{subscription.type, subscription.id};
  subscriptions_.erase(key);
  std::erase_if(events_, [&](const v4l2_event& event) { return Key{event.type, event.id} == key; });
  return 0;
}

bool EventQueue::subscribed(uint32_t type, uint32_t id) const {
  return subscriptions_.count({type, id}) != 0;
}

uint32_t EventQueue::flags(uint32_t type, uint32_t id) const {
  const auto found = subscriptions_.find({type, id});
  return found == subscriptions_.end() ? 0 : found->second;
}

bool EventQueue::push(const v4l2_event& event) {
  if (!subscribed(event.type, event.id)) return false;
  v4l2_event queued = event;
  const auto older = std::find_if(events_.begin(), events_.end(), [&](const v4l2_event& other) {
    return other.type == event.type && other.id == event.id;
  });
  if (older != events_.end()) {
    join(*older, &queued);
    events_.erase(older);
  }
  queued.sequence = sequence_++;
  ::clock_gettime(CLOCK_MONOTONIC, &queued.timestamp);
  events_.push_back(queued);
  return true;
}

int EventQueue::dequeue(v4l2_event* event) {
  if (events_.empty()) return ENOENT;
  *event = events_.front();
  events_.pop_front();
  event->pending = static_cast<uint32_t>(events_.size());
  return 0;
}

}  // namespace daedalus::v4l2
