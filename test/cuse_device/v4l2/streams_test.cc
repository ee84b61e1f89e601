// Real streams through the stateful node: every picture that plain libavcodec shows, bit for bit,
// in its order, once, whatever the manner of the client.
#include "test/decode_core/stream/streams.h"

#include <poll.h>

#include <cerrno>
#include <deque>
#include <stdexcept>
#include <thread>

#include "cuse_device/v4l2/stateful_device.h"
#include "test/catch.h"
#include "test/cuse_device/v4l2/captured.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {
namespace {

using core::test::Packet;
using core::test::Shown;

constexpr uint32_t kOutputs = 6;
constexpr uint32_t kCaptures = 5;

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
  }
  return 0;
}

enum class Manner {
  kDocument,  // waits for the source change, follows LAST
  kEarly,     // starts CAPTURE at once, looks at events first, knows LAST only in a drain
};

// Clients run on several threads, where the test framework's assertions must not.
void must(bool holds, int line = __builtin_LINE()) {
  if (!holds) throw std::runtime_error("line " + std::to_string(line));
}

// Plays packets through one file and keeps what is shown.
class StreamClient {
 public:
  StreamClient(v4l2::Device& device, core::Codec codec, uint32_t raw_format, Manner manner,
               uint32_t width = 0, uint32_t height = 0)
      : file_(device), raw_format_(raw_format), manner_(manner) {
    must(file_.subscribe(V4L2_EVENT_SOURCE_CHANGE) == 0);
    must(file_.subscribe(V4L2_EVENT_EOS) == 0);
    must(file_.start_output(fourcc_of(codec), kOutputs, width, height) == 0);
    for (uint32_t i = 0; i < kOutputs; ++i) free_.push_back(i);
    if (manner == Manner::kEarly) configure_capture();
  }

  std::vector<Shown> play(std::span<const Packet> packets) {
    size_t next = 0;
    bool stopped = false;
    while (!done_) {
      TestFile::Buffer output(kOutput, 0);
      while (file_.dequeue(output) == 0) {
        free_.push_back(output.buffer.index);
        output.buffer.length = VIDEO_MAX_PLANES;
      }
      while (next < packets.size() && !free_.empty()) {
        must(file_.queue_output(free_.front(), packets[next], static_cast<int64_t>(next)) == 0);
        free_.pop_front();
        ++next;
      }
      if (next == packets.size() && !stopped) {
        must(file_.command(V4L2_DEC_CMD_STOP) == 0);
        draining_ = stopped = true;
      }
      const short wanted = static_cast<short>(POLLIN | POLLPRI | (stopped ? 0 : POLLOUT));
      must(wait_any(wanted));
      handle_events();
      if (!done_ && capturing_) take_pictures();
    }
    return shown_;
  }

 private:
  bool wait_any(short events) {
    for (int i = 0; i < 20000; ++i) {
      if ((file_.poll() & events) != 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  void configure_capture() {
    if (capturing_) {
      must(file_.stream(kCapture, false) == 0);
      must(file_.request_buffers(kCapture, 0) == 0);
    }
    must(file_.set_format(kCapture, raw_format_) == 0);
    format_ = file_.format(kCapture);
    must(file_.start_capture(kCaptures) == 0);
    capturing_ = true;
  }

  void handle_events() {
    if ((file_.poll() & POLLPRI) == 0) return;
    const uint32_t event = file_.next_event();
    if (event == V4L2_EVENT_EOS) {
      // Only the last buffer may be left: a client that dequeues once more has missed nothing.
      if (!last_seen_) take_pictures();
      must(last_seen_);
      done_ = true;
    }
    if (event != V4L2_EVENT_SOURCE_CHANGE) return;
    last_seen_ = false;
    const auto now = file_.format(kCapture);
    const bool same = capturing_ && now.width == format_.width && now.height == format_.height &&
                      now.pixelformat == format_.pixelformat;
    if (!same) configure_capture();
  }

  void take_pictures() {
    TestFile::Buffer buffer(kCapture, 0);
    const int error = file_.dequeue(buffer);
    if (error == EAGAIN || (error == EPIPE && last_seen_)) return;
    must(error == 0);
    if (manner_ == Manner::kEarly && !draining_) {
      // Such a client takes it for a picture, whatever the flags say.
      must(buffer.planes[0].bytesused != 0);
    }
    last_seen_ = buffer.last();
    if (buffer.planes[0].bytesused != 0) {
      const uint32_t index = buffer.buffer.index;
      const core::Rect all{0, 0, format_.width, format_.height};
      const auto token = static_cast<uint64_t>(buffer.buffer.timestamp.tv_sec * 1000000 +
                                               buffer.buffer.timestamp.tv_usec);
      shown_.push_back(
          {format_.width, format_.height, hash_of_captured(file_, format_, index, all), token});
    }
    if (!last_seen_) must(file_.queue_capture(buffer.buffer.index) == 0);
  }

  TestFile file_;
  const uint32_t raw_format_;
  const Manner manner_;
  std::deque<uint32_t> free_;
  v4l2_pix_format_mplane format_{};
  bool capturing_ = false;
  bool draining_ = false;
  bool last_seen_ = false;
  bool done_ = false;
  std::vector<Shown> shown_;
};

std::unique_ptr<v4l2::StatefulDevice> real_device() {
  v4l2::StatefulDevice::Options options;
  options.av1 = true;
  return std::make_unique<v4l2::StatefulDevice>(core::test::make_core(3), std::move(options));
}

void compare(const std::vector<Shown>& shown, const std::vector<Shown>& expected) {
  REQUIRE(shown.size() == expected.size());
  for (size_t i = 0; i < shown.size(); ++i) {
    INFO("picture " << i);
    CHECK(shown[i].width == expected[i].width);
    CHECK(shown[i].height == expected[i].height);
    CHECK(shown[i].hash == expected[i].hash);
  }
}

}  // namespace

TEST_CASE("every clip, in every format, as the document says") {
  const auto device = real_device();
  for (const char* clip : core::test::kClips) {
    const auto stream = core::test::read_clip(clip);
    const auto expected = core::test::decode_plainly(stream.codec, stream.packets);
    const bool wide = std::string(clip).find("10bit") != std::string::npos;
    const std::vector<uint32_t> formats =
        wide ? std::vector<uint32_t>{V4L2_PIX_FMT_P010}
             : std::vector<uint32_t>{V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_YUV420};
    for (const uint32_t format : formats) {
      INFO(clip << " " << format);
      StreamClient client(*device, stream.codec, format, Manner::kDocument);
      const auto shown = client.play(stream.packets);
      compare(shown, expected);
      // Timestamps come with their pictures.
      for (size_t i = 0; i < shown.size() && stream.codec != core::Codec::kMpeg2; ++i) {
        CHECK(shown[i].token == expected[i].token);
      }
    }
  }
}

TEST_CASE("every clip for a client that starts CAPTURE first, with the right and the wrong size") {
  const auto device = real_device();
  for (const char* clip : core::test::kClips) {
    const auto stream = core::test::read_clip(clip);
    const auto expected = core::test::decode_plainly(stream.codec, stream.packets);
    const bool wide = std::string(clip).find("10bit") != std::string::npos;
    const uint32_t format = wide ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_YUV420;
    for (const uint32_t width : {expected.front().width, 640u}) {
      INFO(clip << " " << width);
      StreamClient client(*device, stream.codec, format, Manner::kEarly, width,
                          expected.front().height);
      compare(client.play(stream.packets), expected);
    }
  }
}

TEST_CASE("the size changes in mid-stream, twice, for both manners of client") {
  const auto device = real_device();
  const std::vector<std::vector<const char*>> sequences = {
      {"h264.mp4", "h264_interlaced.mp4", "h264.mp4"}, {"hevc.mp4", "hevc_10bit.mp4", "hevc.mp4"}};
  for (const auto& names : sequences) {
    std::vector<Packet> packets;
    for (const char* name : names) {
      const auto stream = core::test::read_clip(name);
      packets.insert(packets.end(), stream.packets.begin(), stream.packets.end());
    }
    const core::Codec codec = core::test::read_clip(names.front()).codec;
    const auto expected = core::test::decode_plainly(codec, packets);
    for (const Manner manner : {Manner::kDocument, Manner::kEarly}) {
      INFO(names.front());
      StreamClient client(*device, codec, V4L2_PIX_FMT_NV12, manner);
      compare(client.play(packets), expected);
    }
  }
}

TEST_CASE("eight clients of 300 pictures each, with all codecs, at once") {
  constexpr size_t kClients = 8;
  constexpr size_t kPictures = 300;
  struct Run {
    core::test::Stream stream;
    std::vector<Shown> expected;
    std::unique_ptr<StreamClient> client;
    std::vector<Shown> shown;
    std::string failure;
  };
  const auto device = real_device();
  std::vector<Run> runs(kClients);
  for (size_t i = 0; i < runs.size(); ++i) {
    Run& run = runs[i];
    const std::string clip = core::test::kClips[i % std::size(core::test::kClips)];
    run.stream = core::test::read_clip(clip);
    const std::vector<Packet> once = run.stream.packets;
    while (run.stream.packets.size() < kPictures + 10) {  // some show no picture
      run.stream.packets.insert(run.stream.packets.end(), once.begin(), once.end());
    }
    run.expected = core::test::decode_plainly(run.stream.codec, run.stream.packets);
    REQUIRE(run.expected.size() >= kPictures);
    const bool wide = clip.find("10bit") != std::string::npos;
    run.client = std::make_unique<StreamClient>(*device, run.stream.codec,
                                                wide ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_NV12,
                                                i % 2 == 0 ? Manner::kDocument : Manner::kEarly);
  }
  std::vector<std::thread> threads;
  for (Run& run : runs) {
    threads.emplace_back([&run] {
      try {
        run.shown = run.client->play(run.stream.packets);
      } catch (const std::runtime_error& error) {
        run.failure = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const Run& run : runs) {
    CHECK(run.failure == "");
    compare(run.shown, run.expected);
  }
}

}  // namespace daedalus::test
