// Real streams through the stateless node: every picture that plain libavcodec shows, bit for bit.
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "test/catch.h"
#include "test/cuse_device/v4l2/stateless_client.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::test {
namespace {

using core::test::Shown;
using Manner = StatelessPlayer::Manner;

std::string path_of(const char* clip) { return std::string("test/data/") + clip; }

bool wide(const char* clip) { return std::string(clip).find("10bit") != std::string::npos; }

std::vector<Shown> expected_of(const char* clip) {
  const auto stream = core::test::read_clip(clip);
  return core::test::decode_plainly(stream.codec, stream.packets);
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

TEST_CASE("every clip in every CAPTURE format, several requests in flight") {
  TestNodes nodes;
  for (const char* clip : core::test::kClips) {
    const auto expected = expected_of(clip);
    const std::vector<uint32_t> formats =
        wide(clip)
            ? std::vector<uint32_t>{V4L2_PIX_FMT_P010}
            : std::vector<uint32_t>{V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_YUV420};
    for (const uint32_t format : formats) {
      INFO(clip << " " << format);
      Manner manner;
      manner.raw_format = format;
      StatelessPlayer player(nodes, manner);
      compare(player.play(path_of(clip)), expected);
    }
  }
}

TEST_CASE("one request at a time, all controls in each, CAPTURE memory overwritten by the client") {
  TestNodes nodes;
  for (const char* clip : core::test::kClips) {
    INFO(clip);
    Manner manner;
    manner.raw_format = wide(clip) ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_NV12;
    manner.requests = 1;
    manner.repeat_controls = true;
    manner.overwrite_captures = true;
    StatelessPlayer player(nodes, manner);
    compare(player.play(path_of(clip)), expected_of(clip));
  }
}

TEST_CASE("H.264 and HEVC slice by slice") {
  TestNodes nodes;
  for (const char* clip : {"h264.mp4", "h264_interlaced.mp4", "hevc.mp4", "hevc_10bit.mp4"}) {
    INFO(clip);
    Manner manner;
    manner.raw_format = wide(clip) ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_NV12;
    manner.slice_based = true;
    StatelessPlayer player(nodes, manner);
    compare(player.play(path_of(clip)), expected_of(clip));
  }
}

TEST_CASE("two clients of each clip at once") {
  TestNodes nodes;
  struct Run {
    const char* clip;
    std::vector<Shown> shown;
    std::string failure;
  };
  std::vector<Run> runs;
  for (const char* clip : core::test::kClips) {
    for (int i = 0; i < 2; ++i) runs.push_back({clip, {}, ""});
  }
  std::vector<std::thread> threads;
  for (Run& run : runs) {
    threads.emplace_back([&nodes, &run] {
      try {
        Manner manner;
        manner.raw_format = wide(run.clip) ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_NV12;
        StatelessPlayer player(nodes, manner);
        run.shown = player.play(path_of(run.clip));
      } catch (const std::runtime_error& error) {
        run.failure = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Run& run : runs) {
    INFO(run.clip);
    CHECK(run.failure == "");
    compare(run.shown, expected_of(run.clip));
  }
}

}  // namespace daedalus::test
