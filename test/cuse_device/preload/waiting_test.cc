// Waiting: parked ioctls, poll, select and epoll, for our descriptors and others at once.
#include <sys/epoll.h>
#include <sys/select.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "test/catch.h"
#include "test/cuse_device/preload/testing.h"

namespace daedalus::test {
namespace {

constexpr int kLong = 20'000;  // milliseconds: never reached by a test that passes

// Runs `body` on another thread a little later, while this one waits.
template <typename F>
std::thread soon(F body) {
  return std::thread([body] {
    pause_milliseconds(50);
    body();
  });
}

void note_signal(int) {}

void handle_signals(int flags) {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = flags;
  ::sigaction(SIGUSR1, &action, nullptr);
}

int wait_for(int epoll, epoll_event* event, int timeout = kLong) {
  return ::epoll_wait(epoll, event, 1, timeout);
}

epoll_event wish(uint32_t events, uint64_t data) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  return event;
}

}  // namespace

TEST_CASE("an ioctl without O_NONBLOCK waits for what it wants") {
  const UniqueFd fd = open_node();
  std::thread thread = soon([&] { cause_event(fd.get()); });
  CHECK(take_event(fd.get()) == 0);
  thread.join();
  REQUIRE(start_waiting(fd.get()));
  thread = soon([&] { stream(fd.get(), VIDIOC_STREAMOFF, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE); });
  CHECK(dequeue_capture(fd.get()) == EINVAL);
  thread.join();
}

TEST_CASE("with O_NONBLOCK it does not") {
  const UniqueFd fd = open_node(O_NONBLOCK);
  CHECK(take_event(fd.get()) == ENOENT);
  REQUIRE(start_waiting(fd.get()));
  CHECK(dequeue_capture(fd.get()) == EAGAIN);
}

// ThreadSanitizer keeps signals back until a call that it knows to block.
#ifndef __SANITIZE_THREAD__
TEST_CASE("a signal ends the wait, unless its handler restarts calls") {
  const UniqueFd fd = open_node();
  const pthread_t self = ::pthread_self();
  handle_signals(0);
  std::thread thread = soon([&] { ::pthread_kill(self, SIGUSR1); });
  CHECK(take_event(fd.get()) == EINTR);
  thread.join();
  handle_signals(SA_RESTART);
  thread = soon([&] {
    ::pthread_kill(self, SIGUSR1);
    pause_milliseconds(50);
    cause_event(fd.get());
  });
  CHECK(take_event(fd.get()) == 0);
  thread.join();
}
#endif

TEST_CASE("poll sees ours and others, whichever comes first, and sleeps meanwhile") {
  const UniqueFd fd = open_node();
  REQUIRE(start_waiting(fd.get()));
  const Pipe pipe;
  pollfd entries[] = {{fd.get(), POLLIN | POLLPRI, 0}, {pipe.reader.get(), POLLIN, 0}, {-1, 0, 7}};
  const int64_t before = thread_milliseconds();
  CHECK(::poll(entries, 3, 200) == 0);
  CHECK(thread_milliseconds() - before < 50);
  CHECK(entries[2].revents == 0);

  std::thread thread = soon([&] { pipe.write(); });
  CHECK(::poll(entries, 3, kLong) == 1);
  thread.join();
  CHECK((entries[0].revents == 0 && entries[1].revents == POLLIN));
  CHECK(pipe.read());

  thread = soon([&] { cause_event(fd.get()); });
  CHECK(::poll(entries, 3, kLong) == 1);
  thread.join();
  CHECK((entries[0].revents == POLLPRI && entries[1].revents == 0));

  pipe.write();
  CHECK(::poll(entries, 3, 0) == 2);
  entries[0].events = POLLIN;
  CHECK(::poll(entries, 1, 0) == 0);
  CHECK(take_event(fd.get()) == 0);
  const timespec none{};
  CHECK(::ppoll(entries, 1, &none, nullptr) == 0);
}

TEST_CASE("poll tells what the node cannot do now, and is ended by signals") {
  const UniqueFd fd = open_node();
  pollfd entry{fd.get(), POLLIN, 0};
  CHECK(::poll(&entry, 1, kLong) == 1);
  CHECK(entry.revents == POLLERR);
  CHECK(::poll(&entry, 1, 0) == 0);  // before the first STREAMON, for libavcodec's sake
  REQUIRE(start_waiting(fd.get()));
  handle_signals(SA_RESTART);
  const pthread_t self = ::pthread_self();
  std::thread thread = soon([&] { ::pthread_kill(self, SIGUSR1); });
  CHECK(::poll(&entry, 1, kLong) == -1);
  CHECK(errno == EINTR);
  thread.join();
}

TEST_CASE("select knows our events by its three sets") {
  const UniqueFd fd = open_node();
  REQUIRE(start_waiting(fd.get()));
  const Pipe pipe;
  const int count = std::max(fd.get(), pipe.reader.get()) + 1;
  const auto run = [&](int milliseconds, bool* ours, bool* others) {
    fd_set read, except;
    FD_ZERO(&read);
    FD_ZERO(&except);
    FD_SET(fd.get(), &read);
    FD_SET(pipe.reader.get(), &read);
    FD_SET(fd.get(), &except);
    timeval time{milliseconds / 1000, milliseconds % 1000 * 1000};
    const int answer = ::select(count, &read, nullptr, &except, &time);
    *ours = FD_ISSET(fd.get(), &except);
    *others = FD_ISSET(pipe.reader.get(), &read);
    return answer;
  };
  bool ours = false, others = false;
  CHECK(run(30, &ours, &others) == 0);
  CHECK_FALSE((ours || others));
  std::thread thread = soon([&] { cause_event(fd.get()); });
  CHECK(run(kLong, &ours, &others) == 1);
  thread.join();
  CHECK((ours && !others));
  pipe.write();
  CHECK(run(kLong, &ours, &others) == 2);
  CHECK((ours && others));
}

TEST_CASE("epoll tells the events that hold, with the client's data") {
  const UniqueFd fd = open_node();
  REQUIRE(start_waiting(fd.get()));
  const Pipe pipe;
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event ours = wish(EPOLLIN | EPOLLPRI, 7);
  epoll_event others = wish(EPOLLIN, 7);
  REQUIRE(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &ours) == 0);
  CHECK(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &ours) == -1);
  CHECK(errno == EEXIST);
  REQUIRE(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pipe.reader.get(), &others) == 0);

  epoll_event event{};
  const int64_t before = thread_milliseconds();
  CHECK(wait_for(epoll.get(), &event, 200) == 0);
  CHECK(thread_milliseconds() - before < 50);
  std::thread thread = soon([&] { cause_event(fd.get()); });
  REQUIRE(wait_for(epoll.get(), &event) == 1);
  thread.join();
  CHECK((event.events == EPOLLPRI && event.data.u64 == 7));
  CHECK(wait_for(epoll.get(), &event, 0) == 1);  // level
  CHECK(take_event(fd.get()) == 0);
  CHECK(wait_for(epoll.get(), &event, 0) == 0);
  pipe.write();
  REQUIRE(wait_for(epoll.get(), &event) == 1);
  CHECK((event.events == EPOLLIN && event.data.u64 == 7));
  CHECK(pipe.read());

  REQUIRE(::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fd.get(), nullptr) == 0);
  cause_event(fd.get());
  CHECK(wait_for(epoll.get(), &event, 0) == 0);
  CHECK(::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, fd.get(), &ours) == -1);
  CHECK(errno == ENOENT);
}

TEST_CASE("epoll sets with other wishes, edges, one-shots and nested sets") {
  const UniqueFd fd = open_node(O_NONBLOCK);
  REQUIRE(start_waiting(fd.get()));
  const UniqueFd edge(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd once(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd input(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd outer(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event want = wish(EPOLLPRI | EPOLLET, 1);
  REQUIRE(::epoll_ctl(edge.get(), EPOLL_CTL_ADD, fd.get(), &want) == 0);
  want = wish(EPOLLPRI | EPOLLONESHOT, 2);
  REQUIRE(::epoll_ctl(once.get(), EPOLL_CTL_ADD, fd.get(), &want) == 0);
  want = wish(EPOLLIN, 3);
  REQUIRE(::epoll_ctl(input.get(), EPOLL_CTL_ADD, fd.get(), &want) == 0);
  want = wish(EPOLLIN, 4);
  REQUIRE(::epoll_ctl(outer.get(), EPOLL_CTL_ADD, once.get(), &want) == 0);

  epoll_event event{};
  REQUIRE(cause_event(fd.get()) == 0);
  CHECK(wait_for(outer.get(), &event, 0) == 1);
  CHECK((event.data.u64 == 4));  // packed: Catch must not refer to it
  CHECK(wait_for(edge.get(), &event, 0) == 1);
  CHECK(wait_for(edge.get(), &event, 0) == 0);
  CHECK(wait_for(once.get(), &event, 0) == 1);
  CHECK(wait_for(once.get(), &event, 0) == 0);
  CHECK(wait_for(input.get(), &event, 0) == 0);
  want = wish(EPOLLPRI | EPOLLONESHOT, 5);
  REQUIRE(::epoll_ctl(once.get(), EPOLL_CTL_MOD, fd.get(), &want) == 0);
  REQUIRE(wait_for(once.get(), &event, 0) == 1);
  CHECK((event.data.u64 == 5));
}

TEST_CASE("a closed file leaves its epoll sets") {
  UniqueFd fd = open_node(O_NONBLOCK);
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd copy(::dup(epoll.get()));
  epoll_event want = wish(EPOLLPRI, 1), event{};
  REQUIRE(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &want) == 0);
  cause_event(fd.get());
  CHECK(wait_for(epoll.get(), &event, 0) == 1);
  fd.reset();
  CHECK(wait_for(epoll.get(), &event, 0) == 0);
  fd = open_node(O_NONBLOCK);
  REQUIRE(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &want) == 0);
  cause_event(fd.get());
  CHECK(wait_for(epoll.get(), &event, 0) == 1);
}

}  // namespace daedalus::test
