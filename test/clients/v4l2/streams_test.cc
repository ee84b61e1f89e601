// The stateless client on the nodes in this process: every frame that plain libavcodec shows, bit
// for bit, whatever the client's manner.
#include "test/catch.h"
#include "test/clients/v4l2/testing.h"

namespace daedalus::v4l2_client::testing {
namespace {

void check(const InProcessNodes& nodes, const std::string& path, const DecoderOptions& options) {
  INFO(path);
  const auto decoded = decode(nodes, path, options);
  if (!decoded) FAIL(decoded.error().message);
  CHECK(first_difference(decoded->frames, decode_plainly(path)) == "");
  CHECK(decoded->played.decoded >= decoded->frames.size());
  CHECK(decoded->played.errors == 0);
  CHECK(decoded->played.lost == 0);
  CHECK(decoded->played.skipped == 0);
  CHECK(decoded->open_files == 0);
  CHECK(decoded->mappings == 0);
}

bool is_wide(const std::string& path) { return path.find("10bit") != std::string::npos; }

}  // namespace

TEST_CASE("every clip, with one request in flight and with many") {
  const InProcessNodes nodes(core::test::make_core(2));
  for (const uint32_t requests : {1U, 4U, 15U}) {
    DecoderOptions options;
    options.requests = requests;
    for (const std::string& path : clip_paths()) check(nodes, path, options);
  }
}

TEST_CASE("every clip, in every CAPTURE format") {
  const InProcessNodes nodes(core::test::make_core(2));
  for (const uint32_t fourcc : {V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_YUV420}) {
    DecoderOptions options;
    options.capture_fourcc = fourcc;
    for (const std::string& path : clip_paths()) {
      if (!is_wide(path)) check(nodes, path, options);
    }
  }
}

TEST_CASE("H.264 and HEVC in frames and in slices, with start codes and without") {
  const InProcessNodes nodes(core::test::make_core(2));
  for (const bool slice_based : {false, true}) {
    for (const bool start_codes : {false, true}) {
      DecoderOptions options;
      options.modes = {slice_based, start_codes};
      for (const char* clip : {"h264.mp4", "h264_interlaced.mp4", "hevc.mp4", "hevc_10bit.mp4"})
        check(nodes, std::string("test/data/") + clip, options);
    }
  }
}

TEST_CASE("exported buffers, and imported ones") {
  const InProcessNodes nodes(core::test::make_core(2));
  for (const BufferMemory memory : {BufferMemory::kExpbuf, BufferMemory::kDmabuf}) {
    DecoderOptions options;
    options.output_memory = options.capture_memory = memory;
    for (const std::string& path : clip_paths()) check(nodes, path, options);
  }
}

TEST_CASE("a node that is named must be a stateless decoder with its media node") {
  const InProcessNodes nodes(core::test::make_core(2));
  DecoderOptions options;
  options.video_path = "/dev/video11";
  options.media_path = "/dev/media0";
  check(nodes, "test/data/vp8.webm", options);
  options.video_path = "/dev/video10";  // the stateful one
  CHECK_FALSE(decode(nodes, "test/data/vp8.webm", options).ok());
  options = {};
  options.media_path = "/dev/media1";
  CHECK_FALSE(decode(nodes, "test/data/vp8.webm", options).ok());
}

}  // namespace daedalus::v4l2_client::testing
