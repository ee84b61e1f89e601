#include "test/clients/v4l2/testing.h"

#include <algorithm>
#include <utility>

#include "test/catch.h"

namespace daedalus::v4l2_client::testing {

core::test::Shown shown_of(Frame frame) {
  const size_t sample = frame.bit_depth > 8 ? 2 : 1;
  const size_t width = frame.width * sample, chroma_width = (frame.width + 1) / 2 * sample;
  uint8_t* y = frame.samples.data();
  uint8_t* u = y + width * frame.height;
  uint8_t* v = u + chroma_width * ((frame.height + 1) / 2);
  const core::FrameView view{
      frame.bit_depth > 8 ? core::SampleFormat::kI42010 : core::SampleFormat::kI420,
      frame.width,
      frame.height,
      {{{y, width}, {u, chroma_width}, {v, chroma_width}}}};
  return {frame.width, frame.height, core::hash_frame(view), 0};
}

Result<Decoded> decode(const InProcessNodes& nodes, const std::string& path,
                       const DecoderOptions& options) {
  Decoded decoded;
  InProcessCalls calls(nodes);
  auto played = play_file(calls, path, options, [&](const Frame& frame) -> Status {
    decoded.frames.push_back(shown_of(frame));
    return {};
  });
  if (!played) return played.error();
  decoded.played = std::move(*played);
  decoded.open_files = calls.open_files();
  decoded.mappings = calls.mappings();
  return decoded;
}

std::vector<core::test::Shown> decode_plainly(const std::string& path) {
  auto stream = core::test::read_stream(path);
  if (!stream) FAIL(stream.error().message);
  auto frames = core::test::decode_plainly(stream->codec, stream->packets);
  for (core::test::Shown& frame : frames) frame.token = 0;
  return frames;
}

std::string first_difference(const std::vector<core::test::Shown>& frames,
                             const std::vector<core::test::Shown>& expected) {
  const auto [at, other] = std::ranges::mismatch(frames, expected);
  if (at == frames.end() && other == expected.end()) return "";
  return "frame " + std::to_string(at - frames.begin()) + " of " + std::to_string(frames.size()) +
         ", " + std::to_string(expected.size()) + " expected";
}

std::vector<std::string> clip_paths() {
  std::vector<std::string> paths;
  for (const char* clip : core::test::kClips) paths.push_back(std::string("test/data/") + clip);
  return paths;
}

}  // namespace daedalus::v4l2_client::testing
