// Events: what the kernel's v4l2-event gives.
#include "cuse_device/v4l2/events.h"

#include <cerrno>

#include "test/catch.h"
#include "test/cuse_device/v4l2/fake_stream_decoder.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {
namespace {

v4l2_event event_of(uint32_t type, uint32_t changes = 0) {
  v4l2_event event{};
  event.type = type;
  event.u.src_change.changes = changes;
  return event;
}

}  // namespace

TEST_CASE("only subscribed events are queued; sequence and pending count") {
  v4l2::EventQueue events;
  v4l2_event event{};
  CHECK_FALSE(events.push(event_of(V4L2_EVENT_EOS)));
  CHECK(events.dequeue(&event) == ENOENT);
  v4l2_event_subscription subscription{};
  subscription.type = V4L2_EVENT_ALL;
  CHECK(events.subscribe(subscription) == EINVAL);
  subscription.type = V4L2_EVENT_EOS;
  REQUIRE(events.subscribe(subscription) == 0);
  REQUIRE(events.subscribe(subscription) == 0);
  subscription.type = V4L2_EVENT_SOURCE_CHANGE;
  REQUIRE(events.subscribe(subscription) == 0);
  CHECK(events.push(event_of(V4L2_EVENT_EOS)));
  CHECK(events.push(event_of(V4L2_EVENT_SOURCE_CHANGE, 1)));
  CHECK(events.push(event_of(V4L2_EVENT_SOURCE_CHANGE, 2)));  // joins the one before
  REQUIRE(events.dequeue(&event) == 0);
  CHECK(event.type == V4L2_EVENT_EOS);
  CHECK(event.sequence == 0);
  CHECK(event.pending == 1);
  CHECK(event.timestamp.tv_sec + event.timestamp.tv_nsec > 0);
  REQUIRE(events.dequeue(&event) == 0);
  CHECK(event.u.src_change.changes == 3);
  CHECK(event.sequence == 2);
  CHECK(event.pending == 0);
  CHECK_FALSE(events.pending());
}

TEST_CASE("unsubscribing drops what is pending") {
  v4l2::EventQueue events;
  v4l2_event_subscription subscription{};
  subscription.type = V4L2_EVENT_EOS;
  REQUIRE(events.subscribe(subscription) == 0);
  events.push(event_of(V4L2_EVENT_EOS));
  REQUIRE(events.unsubscribe(subscription) == 0);
  CHECK_FALSE(events.pending());
  REQUIRE(events.unsubscribe(subscription) == 0);
}

TEST_CASE("the stateful node has EOS and SOURCE_CHANGE, and nobody else's events") {
  const auto device = fake_device();
  TestFile file(*device);
  CHECK(file.subscribe(V4L2_EVENT_EOS) == 0);
  CHECK(file.subscribe(V4L2_EVENT_SOURCE_CHANGE) == 0);
  CHECK(file.subscribe(V4L2_EVENT_VSYNC) == EINVAL);
  CHECK(file.subscribe(V4L2_EVENT_ALL) == EINVAL);
  CHECK(file.subscribe(0xdeadbeef, 77) == EINVAL);
  v4l2_event event{};
  CHECK(file.ioctl(VIDIOC_DQEVENT, event) == ENOENT);
}

}  // namespace daedalus::test
