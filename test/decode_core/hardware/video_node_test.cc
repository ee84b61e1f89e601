// Single-planar nodes (cedrus), and drivers that answer oddly.
#include "decode_core/hardware/video_node.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "test/catch.h"

namespace daedalus::core::test {
namespace {

// A driver whose every ioctl is a function of the test's.
class ScriptedCalls final : public DeviceCalls {
 public:
  int open(const std::string&) override { return 3; }
  int close(int) override { return 0; }
  int ioctl(int, uint32_t request, void* argument) override {
    const auto found = answers.find(request);
    const int error = found == answers.end() ? ENOTTY : found->second(argument);
    return error == 0 ? 0 : (errno = error, -1);
  }
  void* mmap(int, size_t size, int64_t offset) override {
    mapped = {size, offset};
    return size <= memory.size() ? memory.data() : (errno = EINVAL, MAP_FAILED);
  }
  int munmap(void*, size_t) override { return ++unmapped, 0; }
  int poll(pollfd&, int) override { return 0; }
  std::vector<Node> nodes(std::string_view) override { return {}; }

  template <typename T, typename F>
  void on(uint32_t request, F answer) {
    answers[request] = [answer](void* argument) { return answer(*static_cast<T*>(argument)); };
  }
  void capabilities(uint32_t caps) {
    on<v4l2_capability>(VIDIOC_QUERYCAP, [caps](v4l2_capability& capability) {
      capability.capabilities = V4L2_CAP_DEVICE_CAPS;
      capability.device_caps = caps;
      std::memcpy(capability.driver, "cedrus", 7);
      return 0;
    });
  }

  std::map<uint32_t, std::function<int(void*)>> answers;
  std::vector<uint8_t> memory = std::vector<uint8_t>(4096);
  std::pair<size_t, int64_t> mapped;
  int unmapped = 0;
};

VideoNode open_single(ScriptedCalls& calls) {
  calls.capabilities(V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING);
  auto node = VideoNode::open(calls, "/dev/video0");
  REQUIRE(node.ok());
  return std::move(*node);
}

}  // namespace

TEST_CASE("only mem2mem nodes that stream are decoders") {
  ScriptedCalls calls;
  const auto opens = [&](uint32_t caps) {
    calls.capabilities(caps);
    return VideoNode::open(calls, "/dev/video0").ok();
  };
  CHECK(opens(V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING));
  CHECK(opens(V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_STREAMING));
  CHECK_FALSE(opens(V4L2_CAP_VIDEO_M2M_MPLANE));
  CHECK_FALSE(opens(V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING));
}

TEST_CASE("a single-planar node gets single-planar formats and buffers") {
  ScriptedCalls calls;
  VideoNode node = open_single(calls);
  CHECK_FALSE(node.multi_planar());
  CHECK(node.driver() == "cedrus");
  calls.on<v4l2_format>(VIDIOC_S_FMT, [](v4l2_format& format) {
    CHECK(format.type == V4L2_BUF_TYPE_VIDEO_OUTPUT);
    CHECK(format.fmt.pix.pixelformat == V4L2_PIX_FMT_H264_SLICE);
    CHECK(format.fmt.pix.width == 320);
    CHECK(format.fmt.pix.sizeimage == 1000);
    format.fmt.pix.sizeimage = 4096;
    format.fmt.pix.bytesperline = 0;
    return 0;
  });
  const auto format = node.set_format(Queue::kOutput, V4L2_PIX_FMT_H264_SLICE, 320, 240, 1000);
  REQUIRE(format.ok());
  CHECK(format->planes == 1);
  CHECK(format->sizes[0] == 4096);

  calls.on<v4l2_buffer>(VIDIOC_QUERYBUF, [](v4l2_buffer& buffer) {
    CHECK(buffer.type == V4L2_BUF_TYPE_VIDEO_CAPTURE);
    buffer.length = 4000;
    buffer.m.offset = 0x2000;
    return 0;
  });
  {
    const auto mappings = node.map_buffer(Queue::kCapture, 1);
    REQUIRE(mappings.ok());
    REQUIRE(mappings->size() == 1);
    CHECK(mappings->front().bytes().size() == 4000);
    CHECK(calls.mapped == std::pair<size_t, int64_t>(4000, 0x2000));
  }
  CHECK(calls.unmapped == 1);

  calls.on<v4l2_buffer>(VIDIOC_QBUF, [](v4l2_buffer& buffer) {
    CHECK(buffer.type == V4L2_BUF_TYPE_VIDEO_OUTPUT);
    CHECK(buffer.bytesused == 77);
    CHECK(buffer.flags == (V4L2_BUF_FLAG_REQUEST_FD | V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF));
    CHECK(buffer.request_fd == 9);
    CHECK(buffer.timestamp.tv_sec == 3);
    CHECK(buffer.timestamp.tv_usec == 5);
    return 0;
  });
  CHECK(node.queue_output(2, 77, 3000005, 9, V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF).ok());

  calls.on<v4l2_buffer>(VIDIOC_DQBUF, [](v4l2_buffer& buffer) {
    buffer.index = 4;
    buffer.bytesused = 500;
    buffer.flags = V4L2_BUF_FLAG_ERROR;
    buffer.timestamp = {3, 5};
    return 0;
  });
  const auto done = node.dequeue(Queue::kCapture);
  REQUIRE((done.ok() && done->has_value()));
  CHECK((*done)->index == 4);
  CHECK((*done)->bytes_used[0] == 500);
  CHECK((*done)->timestamp == 3000005);
  CHECK((*done)->error);
}

TEST_CASE("buffers beside those that are there have the format, and room for more") {
  ScriptedCalls calls;
  VideoNode node = open_single(calls);
  calls.on<v4l2_format>(VIDIOC_G_FMT, [](v4l2_format& format) {
    CHECK(format.type == V4L2_BUF_TYPE_VIDEO_OUTPUT);
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_H264_SLICE;
    format.fmt.pix.sizeimage = 4096;
    return 0;
  });
  uint32_t size = 0;
  calls.on<v4l2_create_buffers>(VIDIOC_CREATE_BUFS, [&](v4l2_create_buffers& buffers) {
    CHECK(buffers.memory == V4L2_MEMORY_MMAP);
    CHECK(buffers.format.fmt.pix.pixelformat == V4L2_PIX_FMT_H264_SLICE);
    size = buffers.format.fmt.pix.sizeimage;
    buffers.index = 4;
    return 0;
  });
  const auto created = node.create_buffers(Queue::kOutput, 1, 9000);
  REQUIRE(created.ok());
  CHECK(created->first == 4);
  CHECK(created->count == 1);
  CHECK(size == 9000);
  REQUIRE(node.create_buffers(Queue::kOutput, 1, 100).ok());
  CHECK(size == 4096);
}

TEST_CASE("a plane of a buffer becomes a descriptor of the caller's") {
  ScriptedCalls calls;
  const VideoNode node = open_single(calls);
  int made = -1;
  calls.on<v4l2_exportbuffer>(VIDIOC_EXPBUF, [&](v4l2_exportbuffer& buffer) {
    CHECK(buffer.type == V4L2_BUF_TYPE_VIDEO_CAPTURE);
    CHECK(buffer.index == 5);
    CHECK(buffer.plane == 0);
    CHECK(buffer.flags == (O_RDWR | O_CLOEXEC));
    buffer.fd = made = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    return 0;
  });
  {
    const auto fd = node.export_buffer(Queue::kCapture, 5, 0);
    REQUIRE(fd.ok());
    CHECK(fd->get() == made);
  }
  CHECK(::fcntl(made, F_GETFD) == -1);
  calls.answers.erase(VIDIOC_EXPBUF);
  CHECK_FALSE(node.export_buffer(Queue::kCapture, 5, 0).ok());
}

TEST_CASE("nothing done is no error, all else says which ioctl of which node") {
  ScriptedCalls calls;
  VideoNode node = open_single(calls);
  calls.on<v4l2_buffer>(VIDIOC_DQBUF, [](v4l2_buffer&) { return EAGAIN; });
  const auto nothing = node.dequeue(Queue::kOutput);
  REQUIRE(nothing.ok());
  CHECK_FALSE(nothing->has_value());
  calls.on<v4l2_buffer>(VIDIOC_DQBUF, [](v4l2_buffer&) { return ENODEV; });
  const auto gone = node.dequeue(Queue::kOutput);
  REQUIRE_FALSE(gone.ok());
  CHECK_THAT(gone.error().message, Catch::Matchers::ContainsSubstring("/dev/video0: VIDIOC_DQBUF"));
  const auto late = node.wait(3, POLLPRI, 1);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == ErrorCode::kTimeout);
}

TEST_CASE("a driver without an end of formats and a format of too many planes do no harm") {
  ScriptedCalls calls;
  calls.capabilities(V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_STREAMING);
  const auto node = VideoNode::open(calls, "/dev/video0");
  REQUIRE(node.ok());
  calls.on<v4l2_fmtdesc>(VIDIOC_ENUM_FMT, [](v4l2_fmtdesc&) { return 0; });
  CHECK(node->formats(Queue::kCapture).size() == 256);
  calls.on<v4l2_format>(VIDIOC_G_FMT, [](v4l2_format& format) {
    format.fmt.pix_mp.num_planes = 200;
    return 0;
  });
  CHECK_FALSE(node->get_format(Queue::kCapture).ok());
}

TEST_CASE("discrete sizes are taken from the smallest to the largest") {
  ScriptedCalls calls;
  const VideoNode node = open_single(calls);
  calls.on<v4l2_frmsizeenum>(VIDIOC_ENUM_FRAMESIZES, [](v4l2_frmsizeenum& sizes) {
    if (sizes.index > 1) return EINVAL;
    sizes.type = V4L2_FRMSIZE_TYPE_DISCRETE;
    sizes.discrete =
        sizes.index == 0 ? v4l2_frmsize_discrete{1920, 1080} : v4l2_frmsize_discrete{640, 480};
    return 0;
  });
  const auto range = node.frame_sizes(V4L2_PIX_FMT_VP8_FRAME);
  REQUIRE(range.has_value());
  CHECK(range->min_width == 640);
  CHECK(range->min_height == 480);
  CHECK(range->max_width == 1920);
  CHECK(range->max_height == 1080);
}

}  // namespace daedalus::core::test
