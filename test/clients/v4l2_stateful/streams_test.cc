// The stateful client on the node in this process: every frame that plain libavcodec shows, bit for
// bit, whatever the client's manner.
#include "test/catch.h"
#include "test/clients/v4l2/testing.h"
#include "test/clients/v4l2_stateful/stateful_player.h"

namespace daedalus::v4l2_client::testing {
namespace {

using core::test::Shown;

void check(const InProcessNodes& nodes, const std::string& path, const StatefulOptions& options) {
  INFO(path);
  std::vector<Shown> frames;
  InProcessCalls calls(nodes);
  const auto played = play_stateful(calls, path, options, [&](const Frame& frame) -> Status {
    frames.push_back(shown_of(frame));
    return {};
  });
  if (!played) FAIL(played.error().message);
  const std::string difference = first_difference(frames, decode_plainly(path));
  INFO(difference);
  CHECK(difference.empty());
  CHECK(played->video_path == "/dev/video10");
  CHECK(played->packets >= frames.size());
  CHECK(played->errors == 0);
  CHECK(played->changes == 0);
  CHECK(calls.open_files() == 0);
  CHECK(calls.mappings() == 0);
}

bool is_wide(const std::string& path) { return path.find("10bit") != std::string::npos; }

// One stream made of several, decoded by one open file.
struct Joined {
  std::vector<Shown> frames, expected;
  uint64_t changes = 0, errors = 0;
};

Joined decode_joined(const InProcessNodes& nodes, const std::vector<std::string>& names) {
  std::vector<core::test::Packet> packets;
  size_t largest = 0;
  Joined joined;
  core::Codec codec{};
  for (const std::string& name : names) {
    const core::test::Stream stream = core::test::read_clip(name);
    codec = stream.codec;
    packets.insert(packets.end(), stream.packets.begin(), stream.packets.end());
    for (Shown& shown : core::test::decode_plainly(codec, stream.packets)) {
      joined.expected.push_back(shown);
      joined.expected.back().token = 0;
    }
  }
  for (const core::test::Packet& packet : packets) largest = std::max(largest, packet.size());
  InProcessCalls calls(nodes);
  uint64_t before = 0;
  auto decoder = StatefulDecoder::open(calls, codec, largest, {},
                                       [&](const Frame& frame, uint64_t timestamp) -> Status {
                                         // In these streams pictures come in decoding order.
                                         CHECK((timestamp > before || joined.frames.empty()));
                                         before = timestamp;
                                         joined.frames.push_back(shown_of(frame));
                                         return {};
                                       });
  if (!decoder) FAIL(decoder.error().message);
  for (size_t i = 0; i < packets.size(); ++i) {
    if (Status status = (*decoder)->decode(packets[i], i * 1000); !status)
      FAIL(status.error().message);
  }
  if (Status status = (*decoder)->drain(); !status) FAIL(status.error().message);
  joined.changes = (*decoder)->changes();
  joined.errors = (*decoder)->errors();
  return joined;
}

}  // namespace

TEST_CASE("every clip, with one OUTPUT buffer and with many") {
  const InProcessNodes nodes(core::test::make_core(2));
  for (const uint32_t buffers : {1U, 8U, 32U}) {
    StatefulOptions options;
    options.output_buffers = buffers;
    for (const std::string& path : clip_paths()) check(nodes, path, options);
  }
}

TEST_CASE("every clip, with as few CAPTURE buffers as the node asks for") {
  const InProcessNodes nodes(core::test::make_core(2));
  StatefulOptions options;
  options.extra_captures = 0;
  for (const std::string& path : clip_paths()) check(nodes, path, options);
}

TEST_CASE("every clip, in every CAPTURE format of its depth") {
  const InProcessNodes nodes(core::test::make_core(2));
  for (const uint32_t fourcc :
       {V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_P010}) {
    StatefulOptions options;
    options.capture_fourcc = fourcc;
    for (const std::string& path : clip_paths()) {
      if (is_wide(path) == (fourcc == V4L2_PIX_FMT_P010)) check(nodes, path, options);
    }
  }
}

TEST_CASE("a CAPTURE format of another depth is an error, not a wrong picture") {
  const InProcessNodes nodes(core::test::make_core(2));
  StatefulOptions options;
  options.capture_fourcc = V4L2_PIX_FMT_P010;
  InProcessCalls calls(nodes);
  const auto played =
      play_stateful(calls, "test/data/vp9.webm", options, [](const Frame&) { return Status(); });
  REQUIRE_FALSE(played.ok());
  CHECK(played.error().code == ErrorCode::kUnsupported);
  CHECK(calls.open_files() == 0);
}

TEST_CASE("exported buffers, and imported ones") {
  const InProcessNodes nodes(core::test::make_core(2));
  for (const BufferMemory memory : {BufferMemory::kExpbuf, BufferMemory::kDmabuf}) {
    StatefulOptions options;
    options.output_memory = options.capture_memory = memory;
    for (const std::string& path : clip_paths()) check(nodes, path, options);
  }
}

// As libavcodec does it: bitstream first, then the question.
TEST_CASE("a client that asks for the format with bitstream queued is never told to come again") {
  const InProcessNodes nodes(core::test::make_core(2));
  const core::test::Packet packet = core::test::read_clip("vp8.webm").packets.front();
  for (int repetition = 0; repetition < 5; ++repetition) {
    InProcessCalls calls(nodes);
    const int fd = calls.open("/dev/video10");
    REQUIRE(fd >= 0);
    v4l2_format format{};
    format.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
    format.fmt.pix_mp.pixelformat = V4L2_PIX_FMT_VP8;
    format.fmt.pix_mp.num_planes = 1;
    REQUIRE(calls.ioctl(fd, VIDIOC_S_FMT, &format) == 0);
    Buffers output(calls, fd, format.type, BufferMemory::kMmap);
    REQUIRE(output.allocate(1, format.fmt.pix_mp).ok());
    REQUIRE(output.plane(0, 0).size() >= packet.size());
    std::copy(packet.begin(), packet.end(), output.plane(0, 0).begin());
    REQUIRE(output.stream(true).ok());
    REQUIRE(output.queue(0, static_cast<uint32_t>(packet.size())).ok());
    v4l2_format capture{};
    capture.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
    CHECK(calls.ioctl(fd, VIDIOC_G_FMT, &capture) == 0);
    CHECK(capture.fmt.pix_mp.width != format.fmt.pix_mp.width);
    CHECK(output.free().ok());
    CHECK(calls.close(fd) == 0);
  }
}

TEST_CASE("a stream that changes its depth, twice") {
  const InProcessNodes nodes(core::test::make_core(2));
  const Joined joined = decode_joined(nodes, {"vp9.webm", "vp9_10bit.webm", "vp9.webm"});
  const std::string difference = first_difference(joined.frames, joined.expected);
  INFO(difference);
  CHECK(difference.empty());
  CHECK(joined.changes == 2);
  CHECK(joined.errors == 0);
}

TEST_CASE("a node that is named must be a stateful decoder") {
  const InProcessNodes nodes(core::test::make_core(2));
  StatefulOptions options;
  options.video_path = "/dev/video10";
  check(nodes, "test/data/vp8.webm", options);
  options.video_path = "/dev/video11";  // the stateless one
  InProcessCalls calls(nodes);
  CHECK_FALSE(play_stateful(calls, "test/data/vp8.webm", options, [](const Frame&) {
                return Status();
              }).ok());
}

}  // namespace daedalus::v4l2_client::testing
