// cuse_client NODE FILE OUT [--blocking] [--loop]: decodes a file through a stateful node with user
// pointers, as the kernel's document says, and writes the visible samples of each picture to OUT,
// NV12 or P010 without gaps. Each picture is a line on standard output.
//
// --blocking opens the node without O_NONBLOCK and lets DQBUF and DQEVENT wait. --loop begins again
// at the end of the file, for ever. A failed call is named on standard error, exit status 3.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "decode_core/uapi/controls.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::test {
namespace {

constexpr uint32_t kOutput = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
constexpr uint32_t kCapture = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
constexpr uint32_t kOutputSize = 1 << 20;
// More than any decoder holds back: a client that waits for a picture feeds nothing meanwhile.
constexpr uint32_t kOutputs = 32;
constexpr uint32_t kCaptures = 4;
constexpr int kWaitMilliseconds = 30000;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "cuse_client: %s: %s\n", what, std::strerror(errno));
  std::exit(3);
}

uint32_t fourcc_of(core::Codec codec) {
  switch (codec) {
    case core::Codec::kH264:
      return V4L2_PIX_FMT_H264;
    case core::Codec::kVp8:
      return V4L2_PIX_FMT_VP8;
    case core::Codec::kVp9:
      return V4L2_PIX_FMT_VP9;
    case core::Codec::kMpeg2:
      return V4L2_PIX_FMT_MPEG2;
    case core::Codec::kHevc:
      return V4L2_PIX_FMT_HEVC;
    case core::Codec::kAv1:
      return V4L2_PIX_FMT_AV1;
    default:
      return 0;
  }
}

struct UserBuffer {
  explicit UserBuffer(size_t size) : bytes(size) {}
  std::vector<uint8_t> bytes;
};

class Client {
 public:
  Client(const char* node, const char* file, const char* out, bool blocking, bool loop)
      : path_(file), blocking_(blocking), loop_(loop) {
    fd_.reset(::open(node, O_RDWR | O_CLOEXEC | (blocking ? 0 : O_NONBLOCK)));
    if (!fd_) fail(node);
    out_.reset(::open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!out_) fail(out);
    open_file();
  }

  void play() {
    subscribe(V4L2_EVENT_SOURCE_CHANGE);
    subscribe(V4L2_EVENT_EOS);
    start_output();
    while (!finished_) {
      feed();
      blocking_ ? wait_in_calls() : wait_in_poll();
      take_outputs();
    }
  }

 private:
  int control(unsigned long request, void* argument) {
    return ::ioctl(fd_.get(), request, argument);
  }
  void must(unsigned long request, void* argument, const char* what) {
    if (control(request, argument) != 0) fail(what);
  }

  void open_file() {
    auto demuxer = parsed_stream::Demuxer::open(path_);
    if (!demuxer.ok()) {
      std::fprintf(stderr, "cuse_client: %s\n", demuxer.error().message.c_str());
      std::exit(2);
    }
    demuxer_ = std::move(demuxer).value();
  }

  void subscribe(uint32_t type) {
    v4l2_event_subscription subscription{};
    subscription.type = type;
    must(VIDIOC_SUBSCRIBE_EVENT, &subscription, "SUBSCRIBE_EVENT");
  }

  void request_buffers(uint32_t type, uint32_t count) {
    v4l2_requestbuffers request{};
    request.type = type;
    request.count = count;
    request.memory = V4L2_MEMORY_USERPTR;
    must(VIDIOC_REQBUFS, &request, "REQBUFS");
  }

  void start_output() {
    v4l2_format format{};
    format.type = kOutput;
    format.fmt.pix_mp.pixelformat = fourcc_of(demuxer_->codec());
    format.fmt.pix_mp.num_planes = 1;
    format.fmt.pix_mp.plane_fmt[0].sizeimage = kOutputSize;
    must(VIDIOC_S_FMT, &format, "S_FMT OUTPUT");
    output_size_ = format.fmt.pix_mp.plane_fmt[0].sizeimage;
    request_buffers(kOutput, kOutputs);
    for (uint32_t i = 0; i < kOutputs; ++i) {
      outputs_.emplace_back(output_size_);
      free_.push_back(i);
    }
    int type = kOutput;
    must(VIDIOC_STREAMON, &type, "STREAMON OUTPUT");
  }

  void queue(uint32_t type, uint32_t index, UserBuffer& memory, size_t used) {
    v4l2_plane plane{};
    plane.m.userptr = reinterpret_cast<uintptr_t>(memory.bytes.data());
    plane.length = static_cast<uint32_t>(memory.bytes.size());
    plane.bytesused = static_cast<uint32_t>(used);
    v4l2_buffer buffer{};
    buffer.type = type;
    buffer.index = index;
    buffer.memory = V4L2_MEMORY_USERPTR;
    buffer.m.planes = &plane;
    buffer.length = 1;
    must(VIDIOC_QBUF, &buffer, type == kOutput ? "QBUF OUTPUT" : "QBUF CAPTURE");
  }

  // False: EAGAIN, or EPIPE behind the last picture.
  bool dequeue(uint32_t type, v4l2_buffer* buffer, v4l2_plane* plane) {
    *buffer = {};
    *plane = {};
    buffer->type = type;
    buffer->memory = V4L2_MEMORY_USERPTR;
    buffer->m.planes = plane;
    buffer->length = 1;
    if (control(VIDIOC_DQBUF, buffer) == 0) return true;
    if (errno != EAGAIN && errno != EPIPE) fail(type == kOutput ? "DQBUF OUTPUT" : "DQBUF CAPTURE");
    return false;
  }

  void feed() {
    while (!stopped_ && !free_.empty()) {
      parsed_stream::Demuxer::Packet packet;
      auto more = demuxer_->next(packet);
      if (!more.ok() || !*more) {
        if (loop_) {
          open_file();
          continue;
        }
        v4l2_decoder_cmd command{};
        command.cmd = V4L2_DEC_CMD_STOP;
        must(VIDIOC_DECODER_CMD, &command, "DECODER_CMD");
        stopped_ = true;
        return;
      }
      if (packet.data.size() > output_size_) {
        errno = EMSGSIZE;
        fail("packet");
      }
      UserBuffer& memory = outputs_[free_.front()];
      std::memcpy(memory.bytes.data(), packet.data.data(), packet.data.size());
      queue(kOutput, free_.front(), memory, packet.data.size());
      free_.pop_front();
    }
  }

  void wait_in_poll() {
    pollfd ready{fd_.get(), POLLIN | POLLPRI, 0};
    if (!stopped_) ready.events |= POLLOUT;
    if (::poll(&ready, 1, kWaitMilliseconds) <= 0) {
      errno = ETIMEDOUT;
      fail("poll");
    }
    if (ready.revents & POLLPRI) take_event();
    if (ready.revents & POLLIN) take_picture();
    if (ready.revents == POLLERR) {
      errno = EIO;
      fail("poll says POLLERR");
    }
  }

  // Before the format is known an event comes next, then pictures; behind the last one its event.
  void wait_in_calls() {
    if (!capturing_ || !take_picture()) take_event();
  }

  bool take_picture() {
    v4l2_buffer buffer;
    v4l2_plane plane;
    if (!capturing_ || !dequeue(kCapture, &buffer, &plane)) return false;
    show(buffer, plane);
    return true;
  }

  // Those that the device has done with; waits for none.
  void take_outputs() {
    v4l2_buffer buffer;
    v4l2_plane plane;
    pollfd ready{fd_.get(), POLLOUT, 0};
    while (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)) {
      if (!dequeue(kOutput, &buffer, &plane)) return;
      free_.push_back(buffer.index);
    }
  }

  void take_event() {
    v4l2_event event{};
    if (control(VIDIOC_DQEVENT, &event) != 0) {
      if (errno == ENOENT) return;
      fail("DQEVENT");
    }
    if (event.type == V4L2_EVENT_EOS) finished_ = true;
    if (event.type == V4L2_EVENT_SOURCE_CHANGE) start_capture();
  }

  void start_capture() {
    int type = kCapture;
    if (capturing_) {
      must(VIDIOC_STREAMOFF, &type, "STREAMOFF CAPTURE");
      request_buffers(kCapture, 0);
      captures_.clear();
    }
    format_ = {};
    format_.type = kCapture;
    must(VIDIOC_G_FMT, &format_, "G_FMT CAPTURE");
    v4l2_selection selection{};
    selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    selection.target = V4L2_SEL_TGT_COMPOSE;
    must(VIDIOC_G_SELECTION, &selection, "G_SELECTION");
    visible_ = selection.r;
    request_buffers(kCapture, kCaptures);
    const size_t size = format_.fmt.pix_mp.plane_fmt[0].sizeimage;
    for (uint32_t i = 0; i < kCaptures; ++i) captures_.emplace_back(size);
    for (uint32_t i = 0; i < kCaptures; ++i) queue(kCapture, i, captures_[i], 0);
    must(VIDIOC_STREAMON, &type, "STREAMON CAPTURE");
    capturing_ = true;
  }

  void show(const v4l2_buffer& buffer, const v4l2_plane& plane) {
    UserBuffer& memory = captures_[buffer.index];
    if (plane.bytesused != 0) {
      const v4l2_pix_format_mplane& pixels = format_.fmt.pix_mp;
      const size_t sample = pixels.pixelformat == V4L2_PIX_FMT_P010 ? 2 : 1;
      const size_t stride = pixels.plane_fmt[0].bytesperline;
      write_rows(memory.bytes.data(), stride, visible_.width * sample, visible_.height);
      write_rows(memory.bytes.data() + stride * pixels.height, stride,
                 (visible_.width + 1) / 2 * 2 * sample, (visible_.height + 1) / 2);
      std::printf("picture %u\n", ++shown_);
      std::fflush(stdout);
    }
    if (!(buffer.flags & V4L2_BUF_FLAG_LAST)) queue(kCapture, buffer.index, memory, 0);
  }

  void write_rows(const uint8_t* rows, size_t stride, size_t size, size_t count) {
    if (loop_) return;
    for (size_t y = 0; y < count; ++y) {
      if (::write(out_.get(), rows + y * stride, size) != static_cast<ssize_t>(size)) fail("write");
    }
  }

  const std::string path_;
  const bool blocking_;
  const bool loop_;
  UniqueFd fd_, out_;
  std::unique_ptr<parsed_stream::Demuxer> demuxer_;
  uint32_t output_size_ = 0;
  std::deque<UserBuffer> outputs_, captures_;
  std::deque<uint32_t> free_;
  v4l2_format format_{};
  v4l2_rect visible_{};
  unsigned shown_ = 0;
  bool capturing_ = false;
  bool stopped_ = false;
  bool finished_ = false;
};

}  // namespace
}  // namespace daedalus::test

int main(int argc, char** argv) try {
  bool blocking = false;
  bool loop = false;
  for (int i = 4; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--blocking") blocking = true;
    if (word == "--loop") loop = true;
  }
  if (argc < 4) {
    std::fputs("usage: cuse_client NODE FILE OUT [--blocking] [--loop]\n", stderr);
    return 2;
  }
  daedalus::test::Client(argv[1], argv[2], argv[3], blocking, loop).play();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "cuse_client: %s\n", error.what());
  return 1;
}
