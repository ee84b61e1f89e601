// OUTPUT buffers without request, where the device is started so: frames that carry their headers.
#include <algorithm>
#include <cerrno>
#include <map>

#include "test/catch.h"
#include "test/cuse_device/v4l2/captured.h"
#include "test/cuse_device/v4l2/stateless_client.h"

namespace daedalus::test {
namespace {

using core::test::Packet;
using core::test::Shown;

v4l2::NodesOptions direct() {
  v4l2::NodesOptions options;
  options.direct_qbuf = true;
  return options;
}

// Of the picture of each packet, one after the other; nothing where it was an error.
std::map<uint64_t, core::FrameHash> decode(TestFile& video, core::Codec codec, uint32_t raw,
                                           const Shown& size, std::span<const Packet> packets) {
  constexpr uint32_t kBuffers = 4;
  REQUIRE(video.set_format(kOutput, stateless_fourcc(codec), size.width, size.height) == 0);
  REQUIRE(video.set_format(kCapture, raw) == 0);
  REQUIRE(video.request_buffers(kOutput, kBuffers) == 0);
  REQUIRE(video.stream(kOutput, true) == 0);
  REQUIRE(video.start_capture(kBuffers) == 0);
  const auto format = video.format(kCapture);
  std::map<uint64_t, core::FrameHash> hashes;
  for (size_t i = 0; i < packets.size(); ++i) {
    REQUIRE(video.queue_output(static_cast<uint32_t>(i % kBuffers), packets[i],
                               static_cast<int64_t>(i)) == 0);
    TestFile::Buffer capture(kCapture, 0);
    REQUIRE(video.dequeue_blocking(capture) == 0);
    TestFile::Buffer output(kOutput, 0);
    REQUIRE(video.dequeue(output) == 0);
    CHECK(capture.buffer.timestamp.tv_usec == static_cast<suseconds_t>(i));
    if ((capture.buffer.flags & V4L2_BUF_FLAG_ERROR) == 0) {
      hashes[i] =
          hash_of_captured(video, format, capture.buffer.index, {0, 0, size.width, size.height});
    }
    REQUIRE(video.queue_capture(capture.buffer.index) == 0);
  }
  return hashes;
}

}  // namespace

TEST_CASE("every clip whose frames carry their headers, bit for bit") {
  TestNodes nodes(direct());
  for (const char* clip : {"vp8.webm", "vp9.webm", "vp9_10bit.webm", "mpeg2.mpg"}) {
    INFO(clip);
    const auto stream = core::test::read_clip(clip);
    const auto expected = core::test::decode_plainly(stream.codec, stream.packets);
    const bool wide = std::string(clip).find("10bit") != std::string::npos;
    TestFile video(nodes.stateless());
    const auto hashes = decode(video, stream.codec, wide ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_NV12,
                               expected.front(), stream.packets);
    if (stream.codec != core::Codec::kMpeg2) {
      for (const Shown& shown : expected) CHECK(hashes.at(shown.token) == shown.hash);
      continue;
    }
    // These come in another order.
    REQUIRE(hashes.size() == expected.size());
    for (const auto& decoded : hashes) {
      CHECK(std::ranges::any_of(expected,
                                [&](const Shown& shown) { return shown.hash == decoded.second; }));
    }
  }
}

TEST_CASE("H.264 needs requests all the same") {
  TestNodes nodes(direct());
  RequestClient client(nodes);
  REQUIRE(client.video.start_output(V4L2_PIX_FMT_H264_SLICE, 2, 64, 64) == 0);
  constexpr uint8_t kBytes[] = {0, 0, 1, 0x65};
  CHECK(client.queue_output(-1, 0, kBytes) == EBADR);
}

TEST_CASE("a queue takes buffers in one way or the other, until it stops") {
  TestNodes nodes(direct());
  RequestClient client(nodes);
  REQUIRE(client.video.start_output(V4L2_PIX_FMT_VP8_FRAME, 4, 64, 64) == 0);
  constexpr uint8_t kBytes[] = {1, 2, 3};
  const int fd = client.allocate_request();
  REQUIRE(client.queue_output(-1, 0, kBytes) == 0);
  CHECK(client.queue_output(fd, 1, kBytes) == EBUSY);
  REQUIRE(client.video.stream(kOutput, false) == 0);
  REQUIRE(client.queue_output(fd, 1, kBytes) == 0);
  CHECK(client.queue_output(-1, 0, kBytes) == EBUSY);
}

TEST_CASE("frames that lack what they refer to, or are none, are errors") {
  TestNodes nodes(direct());
  for (const char* clip : {"vp8.webm", "vp9.webm", "mpeg2.mpg"}) {
    INFO(clip);
    const auto stream = core::test::read_clip(clip);
    const auto expected = core::test::decode_plainly(stream.codec, stream.packets);
    TestFile video(nodes.stateless());
    const std::vector<Packet> packets = {Packet{0xff, 0xff, 0xff}, Packet{0}, stream.packets[0]};
    const auto hashes = decode(video, stream.codec, V4L2_PIX_FMT_NV12, expected.front(), packets);
    REQUIRE(hashes.size() == 1);
    CHECK(hashes.at(2) == expected.front().hash);
  }
}

}  // namespace daedalus::test
