// What happens to a client in mid-stream: a new resolution, a seek, a new context, the end of one.
#include <cstdlib>

#include "test/catch.h"
#include "test/clients/va/testing.h"

namespace daedalus::va_client::testing {
namespace {

// Decodes the clip; after every `period` jobs the context is destroyed.
Result<std::vector<Frame>> decode_with_lost_contexts(VaClient& client, const Clip& clip,
                                                     size_t period) {
  std::vector<Frame> frames;
  size_t jobs = 0;
  const Status played = play(
      clip,
      [&](const core::DecodeJob& job) {
        // Not between the two fields of a frame, which no client does.
        if (++jobs % period == 0 && job.field != core::FieldRole::kSecondField)
          client.close_context();
        return client.decode(job);
      },
      [&](const parsed_stream::OutputEvent& shown, core::ImageFormat format) -> Status {
        Frame frame{shown.visible.width, shown.visible.height, {}};
        if (Status read = client.read(*shown.picture, shown.visible, format, frame.pixels); !read)
          return read;
        frames.push_back(std::move(frame));
        return {};
      });
  if (!played) return played.error();
  return frames;
}

void check_equal(const Result<std::vector<Frame>>& expected,
                 const Result<std::vector<Frame>>& actual) {
  if (!expected) FAIL(expected.error().message);
  if (!actual) FAIL(actual.error().message);
  REQUIRE(!expected->empty());
  CHECK(first_difference(*expected, *actual) == "");
}

}  // namespace

TEST_CASE("a new resolution in mid-stream") {
  const Clip clip = joined(test_clip("h264.mp4", 20), test_clip("h264_interlaced.mp4", 20));
  const Result<std::vector<Frame>> expected = decode_by_core(clip);
  for (const ClientStyle& style : client_styles()) {
    INFO(style.name);
    VaClient client(start_display(), style);
    check_equal(expected, decode_by_driver(client, clip));
    CHECK(client.contexts_created() == 2);
  }
}

TEST_CASE("a VP9 resolution that changes without a key frame") {
  const char* corpus = std::getenv("DAEDALUS_CORPUS");
  if (!corpus) DAEDALUS_SKIP("DAEDALUS_CORPUS is not set");
  for (const char* name : {"resize-scaledref-a.ivf", "resize-scaledref-odd.ivf"}) {
    const Result<Clip> clip = read_clip(std::string(corpus) + "/vp9/generated/" + name);
    if (!clip) DAEDALUS_SKIP(clip.error().message);
    const Result<std::vector<Frame>> expected = decode_by_core(*clip);
    for (const char* style : {"ffmpeg", "gstreamer-vaapi", "chromium"}) {
      INFO(name << " in the style of " << style);
      VaClient client(start_display(), client_style(style));
      check_equal(expected, decode_by_driver(client, *clip));
      CHECK(client.contexts_created() > 2);
    }
  }
}

TEST_CASE("surfaces outlive their context, and a new one goes on with them as references") {
  for (const std::string& name : clip_names()) {
    const Clip clip = test_clip(name, 30);
    const Result<std::vector<Frame>> expected = decode_by_core(clip);
    for (const char* style : {"ffmpeg", "chromium"}) {
      INFO(name << " in the style of " << style);
      VaClient client(start_display(), client_style(style));
      check_equal(expected, decode_with_lost_contexts(client, clip, 7));
      CHECK(client.contexts_created() > 3);
    }
  }
}

TEST_CASE("a seek: the stream goes on at another key frame in the same context") {
  for (const std::string& name : clip_names()) {
    INFO(name);
    const Clip clip = test_clip(name);
    Clip head = clip;
    head.packets.resize(head.packets.size() / 3);
    const Clip tail = from_key_frame(clip, 1);
    if (tail.packets.empty()) continue;
    VaClient client(start_display(), client_style("ffmpeg"));
    check_equal(decode_by_core(head), decode_by_driver(client, head));
    check_equal(decode_by_core(tail), decode_by_driver(client, tail));
    check_equal(decode_by_core(head), decode_by_driver(client, head));
    CHECK(client.contexts_created() == 1);
  }
}

TEST_CASE("pictures that are never read, and a stream that ends in the middle of a frame") {
  const Clip clip = test_clip("h264_interlaced.mp4", 12);
  std::vector<core::DecodeJob> jobs = jobs_of(clip);
  VaClient client(start_display(), client_style("ffmpeg"));
  for (const core::DecodeJob& job : jobs) REQUIRE(client.decode(job).ok());
  client.close_context();
  const core::DecodeJob& last = jobs.back();
  std::vector<uint8_t> pixels;
  CHECK(client
            .read(*last.target, {0, 0, last.coded_width(), last.coded_height()},
                  core::ImageFormat::kNv12, pixels)
            .ok());
}

}  // namespace daedalus::va_client::testing
