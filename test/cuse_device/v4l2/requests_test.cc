// Requests on the stateless node: their states and what each forbids, as the kernel's
// media-request.c, v4l2-ctrls-request.c and videobuf2-v4l2.c do.
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/cuse_device/v4l2/stateless_client.h"

namespace daedalus::test {
namespace {

constexpr uint8_t kGarbage[] = {1, 2, 3, 4};

ControlValue vp8_control(uint16_t width = 64) {
  v4l2_ctrl_vp8_frame frame{};
  frame.num_dct_parts = 1;
  frame.flags = V4L2_VP8_FRAME_FLAG_KEY_FRAME;
  frame.width = width;
  frame.height = 64;
  return control_value(V4L2_CID_STATELESS_VP8_FRAME, frame);
}

// A client of VP8 frames with OUTPUT buffers that stream, and no CAPTURE buffer yet: what is queued
// stays queued.
struct Vp8Client : RequestClient {
  explicit Vp8Client(TestNodes& nodes) : RequestClient(nodes) {
    REQUIRE(video.start_output(V4L2_PIX_FMT_VP8_FRAME, 4, 64, 64) == 0);
  }
  int read_width(int fd, uint16_t* width) {
    v4l2_ctrl_vp8_frame frame{};
    v4l2_ext_control control{};
    control.id = V4L2_CID_STATELESS_VP8_FRAME;
    control.size = sizeof frame;
    control.ptr = &frame;
    v4l2_ext_controls controls{};
    controls.which = fd < 0 ? V4L2_CTRL_WHICH_CUR_VAL : V4L2_CTRL_WHICH_REQUEST_VAL;
    controls.request_fd = fd < 0 ? 0 : fd;
    controls.count = 1;
    controls.controls = &control;
    const int error = video.ioctl(VIDIOC_G_EXT_CTRLS, controls);
    *width = frame.width;
    return error;
  }
  uint32_t flags(uint32_t index) {
    TestFile::Buffer buffer(kOutput, index);
    REQUIRE(video.query(buffer) == 0);
    return buffer.buffer.flags;
  }
  // A request that is queued.
  int queued(uint32_t index, uint16_t width = 64) {
    const int fd = allocate_request();
    REQUIRE(set_control(fd, vp8_control(width)) == 0);
    REQUIRE(queue_output(fd, index, kGarbage, 1 + index) == 0);
    REQUIRE(queue_request(fd) == 0);
    return fd;
  }
};

}  // namespace

TEST_CASE("what a request lacks") {
  TestNodes nodes;
  Vp8Client client(nodes);
  const int fd = client.allocate_request();
  REQUIRE(fd >= 0);
  CHECK(client.queue_request(fd) == ENOENT);  // no buffer
  REQUIRE(client.set_control(fd, vp8_control()) == 0);
  CHECK(client.queue_request(fd) == ENOENT);
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  REQUIRE(client.queue_output(fd, 1, kGarbage) == 0);
  CHECK(client.queue_request(fd) == EINVAL);  // two
  REQUIRE(client.reinit(fd) == 0);
  CHECK(client.flags(0) == V4L2_BUF_FLAG_TIMESTAMP_COPY);
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  CHECK(client.queue_request(fd) == ENOENT);  // REINIT took the controls
  REQUIRE(client.set_control(fd, vp8_control()) == 0);
  CHECK(client.queue_request(fd) == 0);
}

TEST_CASE("H.264 needs its parameter sets once, and its picture's parameters each time") {
  TestNodes nodes;
  RequestClient client(nodes);
  REQUIRE(client.video.start_output(V4L2_PIX_FMT_H264_SLICE, 3, 64, 64) == 0);
  const auto decode =
      control_value(V4L2_CID_STATELESS_H264_DECODE_PARAMS, v4l2_ctrl_h264_decode_params{});
  const auto sps = control_value(V4L2_CID_STATELESS_H264_SPS, v4l2_ctrl_h264_sps{});
  const auto pps = control_value(V4L2_CID_STATELESS_H264_PPS, v4l2_ctrl_h264_pps{});
  const int first = client.allocate_request();
  REQUIRE(client.queue_output(first, 0, kGarbage) == 0);
  REQUIRE(client.set_control(first, decode) == 0);
  CHECK(client.queue_request(first) == ENOENT);
  REQUIRE(client.set_control(-1, sps) == 0);  // by itself
  CHECK(client.queue_request(first) == ENOENT);
  REQUIRE(client.set_control(first, pps) == 0);  // in the request
  CHECK(client.queue_request(first) == 0);

  const int second = client.allocate_request();  // after one that is only queued
  REQUIRE(client.queue_output(second, 1, kGarbage) == 0);
  CHECK(client.queue_request(second) == ENOENT);
  REQUIRE(client.set_control(second, decode) == 0);
  CHECK(client.queue_request(second) == 0);
}

TEST_CASE("QBUF with and without request") {
  TestNodes nodes;
  TestNodes others;
  Vp8Client client(nodes);
  CHECK(client.queue_output(-1, 0, kGarbage) == EBADR);
  CHECK(client.queue_output(12345, 0, kGarbage) == EINVAL);
  const int foreign = RequestClient(others).allocate_request();
  CHECK(client.queue_output(foreign, 0, kGarbage) == EINVAL);
  const int fd = client.allocate_request();
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  CHECK(client.queue_output(fd, 0, kGarbage) == EINVAL);  // twice
  CHECK((client.flags(0) & V4L2_BUF_FLAG_IN_REQUEST) != 0);
  CHECK((client.flags(0) & V4L2_BUF_FLAG_REQUEST_FD) != 0);
  CHECK((client.flags(0) & V4L2_BUF_FLAG_QUEUED) == 0);

  REQUIRE(client.video.request_buffers(kCapture, 2) == 0);
  TestFile::Buffer capture(kCapture, 0);
  capture.buffer.flags = V4L2_BUF_FLAG_REQUEST_FD;
  capture.buffer.request_fd = fd;
  CHECK(client.video.queue(capture) == EPERM);

  TestFile stateful(nodes.stateful(), client.shared);
  REQUIRE(stateful.start_output(V4L2_PIX_FMT_VP8, 2) == 0);
  TestFile::Buffer coded(kOutput, 0);
  coded.buffer.flags = V4L2_BUF_FLAG_REQUEST_FD;
  coded.buffer.request_fd = fd;
  CHECK(stateful.queue(coded) == EBADR);
}

TEST_CASE("capabilities say what of requests a queue knows") {
  TestNodes nodes;
  RequestClient client(nodes);
  v4l2_requestbuffers request{};
  request.type = kOutput;
  request.memory = V4L2_MEMORY_MMAP;
  REQUIRE(client.video.ioctl(VIDIOC_REQBUFS, request) == 0);
  CHECK((request.capabilities & V4L2_BUF_CAP_SUPPORTS_REQUESTS) != 0);
  CHECK((request.capabilities & V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF) != 0);
  request.type = kCapture;
  REQUIRE(client.video.ioctl(VIDIOC_REQBUFS, request) == 0);
  CHECK((request.capabilities & V4L2_BUF_CAP_SUPPORTS_REQUESTS) == 0);
}

TEST_CASE("each state forbids what the kernel forbids") {
  TestNodes nodes;
  Vp8Client client(nodes);
  uint16_t width = 0;
  const int fd = client.allocate_request();
  CHECK(client.request(fd).poll() == POLLERR);
  CHECK(client.read_width(fd, &width) == EACCES);
  REQUIRE(client.set_control(fd, vp8_control(80)) == 0);
  CHECK(client.read_width(fd, &width) == EACCES);
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  REQUIRE(client.queue_request(fd) == 0);

  CHECK(client.request(fd).poll() == 0);
  CHECK(client.queue_request(fd) == EBUSY);
  CHECK(client.reinit(fd) == EBUSY);
  CHECK(client.set_control(fd, vp8_control()) == EBUSY);
  CHECK(client.queue_output(fd, 1, kGarbage) == EBUSY);
  CHECK(client.read_width(fd, &width) == EACCES);
  CHECK((client.flags(0) & V4L2_BUF_FLAG_QUEUED) != 0);

  REQUIRE(client.video.start_capture(2) == 0);
  REQUIRE(client.wait_complete(fd));
  CHECK(client.request(fd).poll() == POLLPRI);
  CHECK(client.queue_request(fd) == EBUSY);
  CHECK(client.set_control(fd, vp8_control()) == EBUSY);
  CHECK(client.queue_output(fd, 1, kGarbage) == EBUSY);
  CHECK(client.read_width(fd, &width) == 0);
  CHECK(width == 80);

  REQUIRE(client.reinit(fd) == 0);
  CHECK(client.request(fd).poll() == POLLERR);
  CHECK(client.read_width(fd, &width) == EACCES);
  CHECK(client.request(fd).ioctl(VIDIOC_QUERYCAP, {}, *client.shared) == ENOTTY);
  CHECK_FALSE(client.request(fd).map(0, 4096).ok());
}

TEST_CASE("control ioctls with a request that is none") {
  TestNodes nodes;
  Vp8Client client(nodes);
  uint16_t width = 0;
  CHECK(client.set_control(4321, vp8_control()) == EINVAL);
  CHECK(client.read_width(4321, &width) == EINVAL);
  v4l2_ext_controls controls{};
  controls.which = V4L2_CTRL_WHICH_REQUEST_VAL;
  controls.request_fd = 4321;
  CHECK(client.video.ioctl(VIDIOC_TRY_EXT_CTRLS, controls) == EINVAL);
  controls.request_fd = client.allocate_request();
  CHECK(client.video.ioctl(VIDIOC_TRY_EXT_CTRLS, controls) == 0);
}

TEST_CASE("a request's values are its own until it is carried out") {
  TestNodes nodes;
  Vp8Client client(nodes);
  uint16_t width = 0;
  REQUIRE(client.set_control(-1, vp8_control(16)) == 0);
  const int first = client.queued(0, 32);
  const int second = client.queued(1, 48);
  const int idle = client.allocate_request();
  REQUIRE(client.set_control(idle, vp8_control(96)) == 0);
  REQUIRE(client.read_width(-1, &width) == 0);
  CHECK(width == 16);
  REQUIRE(client.video.start_capture(2) == 0);
  REQUIRE(client.wait_complete(first));
  REQUIRE(client.wait_complete(second));
  REQUIRE(client.read_width(first, &width) == 0);
  CHECK(width == 32);
  REQUIRE(client.read_width(second, &width) == 0);
  CHECK(width == 48);
  REQUIRE(client.read_width(-1, &width) == 0);
  CHECK(width == 48);
}

TEST_CASE("a request that is let go of while it is queued is carried out all the same") {
  TestNodes nodes;
  Vp8Client client(nodes);
  const int fd = client.queued(0);
  const std::weak_ptr<v4l2::Request> request = client.shared->requests.at(fd);
  client.shared->requests.erase(fd);
  CHECK_FALSE(request.expired());
  REQUIRE(client.video.start_capture(2) == 0);
  TestFile::Buffer output(kOutput, 0);
  CHECK(client.video.dequeue_blocking(output) == 0);
  // The node's own thread lets go of it a moment later.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!request.expired() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(request.expired());
}

TEST_CASE("a buffer stays in a request that is let go of until its queue is stopped") {
  TestNodes nodes;
  Vp8Client client(nodes);
  const int fd = client.allocate_request();
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  client.shared->requests.erase(fd);
  CHECK((client.flags(0) & V4L2_BUF_FLAG_IN_REQUEST) != 0);
  REQUIRE(client.video.stream(kOutput, false) == 0);
  CHECK((client.flags(0) & V4L2_BUF_FLAG_IN_REQUEST) == 0);
}

TEST_CASE("STREAMOFF ends queued requests and empties idle ones") {
  TestNodes nodes;
  Vp8Client client(nodes);
  const int queued = client.queued(0);
  const int idle = client.allocate_request();
  REQUIRE(client.set_control(idle, vp8_control()) == 0);
  REQUIRE(client.queue_output(idle, 1, kGarbage) == 0);
  REQUIRE(client.video.stream(kOutput, false) == 0);
  CHECK(client.request(queued).poll() == POLLPRI);
  CHECK(client.queue_request(idle) == ENOENT);
  CHECK((client.flags(0) & (V4L2_BUF_FLAG_QUEUED | V4L2_BUF_FLAG_REQUEST_FD)) == 0);
  REQUIRE(client.queue_output(idle, 1, kGarbage) == 0);
  CHECK(client.queue_request(idle) == 0);
}

TEST_CASE("REQBUFS takes buffers out of their requests") {
  TestNodes nodes;
  Vp8Client client(nodes);
  const int fd = client.allocate_request();
  REQUIRE(client.set_control(fd, vp8_control()) == 0);
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  REQUIRE(client.video.stream(kOutput, false) == 0);
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  REQUIRE(client.video.request_buffers(kOutput, 0) == 0);
  CHECK(client.queue_request(fd) == ENOENT);
}

TEST_CASE("closing the video file ends its queued requests and empties idle ones") {
  TestNodes nodes;
  auto client = std::make_unique<Vp8Client>(nodes);
  const auto queued = client->shared->requests.at(client->queued(0));
  const int idle = client->allocate_request();
  REQUIRE(client->queue_output(idle, 1, kGarbage) == 0);
  const auto emptied = client->shared->requests.at(idle);
  const auto shared = client->shared;
  client.reset();
  CHECK(queued->poll() == POLLPRI);
  CHECK(emptied->ioctl(MEDIA_REQUEST_IOC_QUEUE, {}, *shared) == ENOENT);
  CHECK(queued->ioctl(MEDIA_REQUEST_IOC_REINIT, {}, *shared) == 0);

  // Either may serve another file then.
  Vp8Client next(nodes);
  next.shared->requests[7] = emptied;
  REQUIRE(next.set_control(7, vp8_control()) == 0);
  REQUIRE(next.queue_output(7, 0, kGarbage) == 0);
  CHECK(next.queue_request(7) == 0);
}

TEST_CASE("a request may hold controls of several files; the buffer's count") {
  TestNodes nodes;
  Vp8Client client(nodes);
  Vp8Client other(nodes);
  const int fd = client.allocate_request();
  other.shared->requests[fd] = client.shared->requests.at(fd);
  REQUIRE(other.set_control(fd, vp8_control()) == 0);
  REQUIRE(client.queue_output(fd, 0, kGarbage) == 0);
  CHECK(client.queue_request(fd) == ENOENT);
  REQUIRE(client.set_control(fd, vp8_control()) == 0);
  REQUIRE(other.queue_output(fd, 0, kGarbage) == 0);
  CHECK(client.queue_request(fd) == EINVAL);
}

TEST_CASE("a client whose memory has to be fetched first") {
  TestNodes nodes;
  Vp8Client client(nodes);
  client.shared->fetch_first = true;
  const int fd = client.allocate_request();
  const ControlValue value = vp8_control(72);
  v4l2_ext_control control{};
  control.id = value.id;
  control.size = static_cast<uint32_t>(value.bytes.size());
  std::vector<std::byte> payload = value.bytes;
  control.ptr = payload.data();
  v4l2_ext_controls controls{};
  controls.which = V4L2_CTRL_WHICH_REQUEST_VAL;
  controls.request_fd = fd;
  controls.count = 1;
  controls.controls = &control;
  CHECK(client.video.ioctl(VIDIOC_S_EXT_CTRLS, controls) == EFAULT);
  CHECK(client.video.ioctl(VIDIOC_S_EXT_CTRLS, controls) == EFAULT);
  CHECK(client.video.ioctl(VIDIOC_S_EXT_CTRLS, controls) == 0);
  CHECK_FALSE(client.shared->wrote_unread);
}

}  // namespace daedalus::test
