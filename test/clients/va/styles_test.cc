// Pixels through the driver are those of the core, whatever the client's habits.
#include "test/catch.h"
#include "test/clients/va/testing.h"

namespace daedalus::va_client::testing {
namespace {

std::vector<Frame> core_frames(const Clip& clip) {
  Result<std::vector<Frame>> frames = decode_by_core(clip);
  if (!frames) FAIL(frames.error().message);
  REQUIRE(!frames->empty());
  return std::move(frames).value();
}

std::vector<Frame> driver_frames(VaClient& client, const Clip& clip) {
  Result<std::vector<Frame>> frames = decode_by_driver(client, clip);
  if (!frames) FAIL(frames.error().message);
  return std::move(frames).value();
}

}  // namespace

TEST_CASE("every client style gets the core's pixels of every codec") {
  for (const std::string& name : clip_names()) {
    const Clip clip = test_clip(name);
    const std::vector<Frame> expected = core_frames(clip);
    for (const ClientStyle& style : client_styles()) {
      INFO(name << " in the style of " << style.name);
      VaClient client(start_display(), style);
      CHECK(first_difference(expected, driver_frames(client, clip)) == "");
      CHECK(client.contexts_created() == 1);
      if (style.read_back == ReadBack::kExport)
        CHECK(client.exports() + client.exports_derived() > 0);
    }
  }
}

TEST_CASE("one display serves two streams by turns") {
  const Clip h264 = test_clip("h264.mp4", 20);
  const Clip vp9 = test_clip("vp9.webm", 20);
  const std::vector<core::DecodeJob> h264_jobs = jobs_of(h264);
  const std::vector<core::DecodeJob> vp9_jobs = jobs_of(vp9);
  const std::shared_ptr<Display> display = start_display();
  VaClient first(display, client_style("ffmpeg"));
  VaClient second(display, client_style("gstreamer-vaapi"));
  for (size_t i = 0; i < std::max(h264_jobs.size(), vp9_jobs.size()); ++i) {
    if (i < h264_jobs.size()) REQUIRE(first.decode(h264_jobs[i]).ok());
    if (i < vp9_jobs.size()) REQUIRE(second.decode(vp9_jobs[i]).ok());
  }
  const auto last_is_right = [](VaClient& client, const Clip& clip,
                                const std::vector<core::DecodeJob>& jobs) {
    VaClient alone(start_display(), client_style("ffmpeg"));
    for (const core::DecodeJob& job : jobs) REQUIRE(alone.decode(job).ok());
    const core::DecodeJob& last = jobs.back();
    const core::Rect all{0, 0, last.coded_width(), last.coded_height()};
    std::vector<uint8_t> expected;
    std::vector<uint8_t> actual;
    REQUIRE(alone.read(*last.target, all, core::ImageFormat::kI420, expected).ok());
    REQUIRE(client.read(*last.target, all, core::ImageFormat::kI420, actual).ok());
    CHECK(expected == actual);
    CHECK(!clip.packets.empty());
  };
  last_is_right(first, h264, h264_jobs);
  last_is_right(second, vp9, vp9_jobs);
}

TEST_CASE("images of every 8-bit format show the same picture") {
  const Clip clip = test_clip("vp8.webm", 5);
  const std::vector<core::DecodeJob> jobs = jobs_of(clip);
  for (const char* style : {"ffmpeg", "ffmpeg-derive"}) {
    INFO(style);
    VaClient client(start_display(), client_style(style));
    for (const core::DecodeJob& job : jobs) REQUIRE(client.decode(job).ok());
    const core::DecodeJob& last = jobs.back();
    const uint32_t width = last.coded_width();
    const uint32_t height = last.coded_height();
    const core::Rect all{0, 0, width, height};
    std::vector<uint8_t> nv12;
    std::vector<uint8_t> i420;
    std::vector<uint8_t> yv12;
    REQUIRE(client.read(*last.target, all, core::ImageFormat::kNv12, nv12).ok());
    REQUIRE(client.read(*last.target, all, core::ImageFormat::kI420, i420).ok());
    REQUIRE(client.read(*last.target, all, core::ImageFormat::kYv12, yv12).ok());
    const size_t luma = size_t{width} * height;
    const size_t chroma = size_t{(width + 1) / 2} * ((height + 1) / 2);
    REQUIRE(nv12.size() == luma + 2 * chroma);
    CHECK(std::equal(nv12.begin(), nv12.begin() + luma, i420.begin()));
    CHECK(std::equal(nv12.begin(), nv12.begin() + luma, yv12.begin()));
    bool same = true;
    for (size_t i = 0; i < chroma; ++i) {
      same = same && nv12[luma + 2 * i] == i420[luma + i] &&
             nv12[luma + 2 * i + 1] == i420[luma + chroma + i] &&
             nv12[luma + 2 * i] == yv12[luma + chroma + i] &&
             nv12[luma + 2 * i + 1] == yv12[luma + i];
    }
    CHECK(same);
    // Anything but a flat picture, or the comparison says nothing.
    CHECK(std::any_of(i420.begin(), i420.end(), [&](uint8_t v) { return v != i420[0]; }));
  }
}

}  // namespace daedalus::va_client::testing
