// What the tests of the preload library share. They are linked with it, so each system call that
// they make goes through its symbols, as a client's does.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_PRELOAD_TESTING_H_
#define DAEDALUS_TEST_CUSE_DEVICE_PRELOAD_TESTING_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/unique_fd.h"
#include "cuse_device/preload/node.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::test {

inline const std::string& node_path() { return preload::nodes().front().path; }

inline UniqueFd open_node(int flags = 0) {
  return UniqueFd(::open(node_path().c_str(), O_RDWR | O_CLOEXEC | flags));
}

// 0, or the errno.
template <typename T>
int call(int fd, unsigned long request, T* argument) {
  return ::ioctl(fd, request, argument) == 0 ? 0 : errno;
}

inline bool is_decoder(int fd) {
  v4l2_capability capability{};
  return call(fd, VIDIOC_QUERYCAP, &capability) == 0 &&
         (capability.device_caps & V4L2_CAP_VIDEO_M2M_MPLANE) != 0;
}

// Subscribes to a control's event; it arrives at once, so POLLPRI holds from now on.
inline int cause_event(int fd) {
  v4l2_event_subscription subscription{};
  subscription.type = V4L2_EVENT_CTRL;
  subscription.id = V4L2_CID_MIN_BUFFERS_FOR_CAPTURE;
  subscription.flags = V4L2_EVENT_SUB_FL_SEND_INITIAL;
  return call(fd, VIDIOC_SUBSCRIBE_EVENT, &subscription);
}

inline int take_event(int fd) {
  v4l2_event event{};
  return call(fd, VIDIOC_DQEVENT, &event);
}

inline int stream(int fd, unsigned long request, uint32_t type) {
  int argument = static_cast<int>(type);
  return call(fd, request, &argument);
}

// OUTPUT streams with an empty queue: poll() has no POLLERR and holds nothing.
inline bool start_waiting(int fd) {
  v4l2_requestbuffers request{};
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  request.memory = V4L2_MEMORY_MMAP;
  request.count = 1;
  v4l2_plane planes[VIDEO_MAX_PLANES]{};
  v4l2_buffer buffer{};
  buffer.type = request.type;
  buffer.memory = request.memory;
  buffer.m.planes = planes;
  buffer.length = VIDEO_MAX_PLANES;
  return call(fd, VIDIOC_REQBUFS, &request) == 0 && call(fd, VIDIOC_QBUF, &buffer) == 0 &&
         stream(fd, VIDIOC_STREAMON, request.type) == 0;
}

// DQBUF of the CAPTURE queue.
inline int dequeue_capture(int fd) {
  v4l2_plane planes[VIDEO_MAX_PLANES]{};
  v4l2_buffer buffer{};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.m.planes = planes;
  buffer.length = VIDEO_MAX_PLANES;
  return call(fd, VIDIOC_DQBUF, &buffer);
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  bool write() const { return ::write(writer.get(), "x", 1) == 1; }
  bool read() const {
    char byte;
    return ::read(reader.get(), &byte, 1) == 1;
  }
  UniqueFd reader, writer;
};

inline void pause_milliseconds(int milliseconds) {
  const timespec time{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  ::nanosleep(&time, nullptr);
}

// Milliseconds of processor time that this thread has used.
inline int64_t thread_milliseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_PRELOAD_TESTING_H_
