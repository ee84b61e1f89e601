#include "test/clients/va/testing.h"

#include <algorithm>
#include <utility>

#include "decode_core/core.h"
#include "decode_core/session.h"
#include "decode_core/surface.h"
#include "test/catch.h"
#include "test/clients/va/pixels.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::va_client::testing {
namespace {

core::ImageFormat image_format_of(const core::DecodeJob& job) {
  return rt_format_of(job) == VA_RT_FORMAT_YUV420_10 ? core::ImageFormat::kP010
                                                     : core::ImageFormat::kI420;
}

// Decodes jobs on one session after another, as session_for says.
class CoreDecoder {
 public:
  Status decode(core::DecodeJob job) {
    std::shared_ptr<core::Session> session = core::session_for(job, session_);
    if (!session) {
      core::SessionConfig config;
      const Result<core::Profile> profile = profile_of(job);
      if (!profile) return profile.error();
      config.profile = *profile;
      config.width = job.coded_width();
      config.height = job.coded_height();
      config.front = "replay";
      Result<std::shared_ptr<core::Session>> opened = core_->open_session(config);
      if (!opened) return opened.error();
      session = std::move(opened).value();
    }
    session_ = session;
    return session->submit(std::move(job));
  }

  Result<Frame> read(const parsed_stream::OutputEvent& shown, core::ImageFormat format) {
    shown.picture->wait();
    const std::optional<core::FrameBuffer> decoded = shown.picture->frame();
    if (!decoded) return shown.picture->error();
    const core::Rect& visible = shown.visible;
    const uint32_t width = std::max(decoded->view.width, visible.x + visible.width);
    const uint32_t height = std::max(decoded->view.height, visible.y + visible.height);
    core::Surface surface(core_,
                          format == core::ImageFormat::kP010 ? core::SurfaceFormat::kP010
                                                             : core::SurfaceFormat::kNv12,
                          width, height);
    surface.set_picture(shown.picture);
    const core::LinearLayout layout = core::layout_of(format, width, height);
    std::vector<uint8_t> image(layout.size);
    if (Status read = surface.read({0, 0, width, height}, format, layout, image.data()); !read)
      return read.error();
    PixelView view;
    view.format = format;
    view.width = width;
    view.height = height;
    for (uint32_t i = 0; i < layout.plane_count; ++i)
      view.planes[i] = {image.data() + layout.offset[i], layout.stride[i]};
    Frame frame{visible.width, visible.height, {}};
    if (Status cut_out = cut(view, visible, format, frame.pixels); !cut_out) return cut_out.error();
    return frame;
  }

 private:
  std::shared_ptr<core::Core> core_ = core::Core::shared();
  std::shared_ptr<core::Session> session_;
};

}  // namespace

std::vector<std::string> clip_names() {
  return {"h264.mp4", "h264_interlaced.mp4", "hevc.mp4", "hevc_10bit.mp4", "mpeg2.mpg", "vp8.webm",
          "vp9.webm", "vp9_10bit.webm",      "av1.webm", "av1_10bit.webm"};
}

Clip test_clip(const std::string& name, size_t packets) {
  Result<Clip> clip = read_clip("test/data/" + name);
  if (!clip) FAIL(clip.error().message);
  REQUIRE(!clip->packets.empty());
  clip->packets.resize(std::min(packets, clip->packets.size()));
  return std::move(clip).value();
}

Clip joined(const Clip& first, const Clip& second) {
  Clip both = first;
  if (!second.headers.empty()) both.packets.push_back({second.headers, false});
  both.packets.insert(both.packets.end(), second.packets.begin(), second.packets.end());
  return both;
}

Clip from_key_frame(const Clip& clip, size_t number) {
  Clip rest;
  rest.codec = clip.codec;
  rest.headers = clip.headers;
  size_t keys = 0;
  for (const Packet& packet : clip.packets) {
    keys += packet.key;
    if (keys > number) rest.packets.push_back(packet);
  }
  return rest;
}

Status play(const Clip& clip, const Decode& decode, const Show& show) {
  const std::unique_ptr<parsed_stream::Parser> parser = parsed_stream::create_parser(clip.codec);
  core::ImageFormat format = core::ImageFormat::kI420;
  std::vector<parsed_stream::Event> events;
  const auto handle = [&]() -> Status {
    for (parsed_stream::Event& event : events) {
      Status status;
      if (auto* decoding = std::get_if<parsed_stream::DecodeEvent>(&event)) {
        format = image_format_of(decoding->job);
        status = decode(std::move(decoding->job));
      } else {
        status = show(std::get<parsed_stream::OutputEvent>(event), format);
      }
      if (!status) return status;
    }
    events.clear();
    return {};
  };
  if (!clip.headers.empty()) {
    if (Status parsed = parser->parse(clip.headers, events); !parsed) return parsed;
  }
  for (const Packet& packet : clip.packets) {
    if (Status parsed = parser->parse(packet.bytes, events); !parsed) return parsed;
    if (Status handled = handle(); !handled) return handled;
  }
  parser->flush(events);
  return handle();
}

std::vector<core::DecodeJob> jobs_of(const Clip& clip) {
  std::vector<core::DecodeJob> jobs;
  const Status played = play(
      clip,
      [&](core::DecodeJob job) {
        jobs.push_back(std::move(job));
        return Status();
      },
      [](const parsed_stream::OutputEvent&, core::ImageFormat) { return Status(); });
  if (!played) FAIL(played.error().message);
  return jobs;
}

Result<std::vector<Frame>> decode_by_core(const Clip& clip) {
  CoreDecoder decoder;
  std::vector<Frame> frames;
  const Status played = play(
      clip, [&](core::DecodeJob job) { return decoder.decode(std::move(job)); },
      [&](const parsed_stream::OutputEvent& shown, core::ImageFormat format) -> Status {
        Result<Frame> frame = decoder.read(shown, format);
        if (!frame) return frame.error();
        frames.push_back(std::move(frame).value());
        return {};
      });
  if (!played) return played.error();
  return frames;
}

Result<std::vector<Frame>> decode_by_driver(VaClient& client, const Clip& clip) {
  std::vector<Frame> frames;
  const Status played = play(
      clip, [&](const core::DecodeJob& job) { return client.decode(job); },
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

Subject subject(const std::string& name, size_t packets) {
  Subject s{test_clip(name, packets), {}, {}};
  Result<std::vector<Frame>> expected = decode_by_core(s.clip);
  if (!expected) FAIL(expected.error().message);
  s.expected = std::move(expected).value();
  REQUIRE(!s.expected.empty());
  s.jobs = jobs_of(s.clip);
  return s;
}

std::string first_difference(const std::vector<Frame>& expected, const std::vector<Frame>& actual) {
  if (expected.size() != actual.size()) {
    return std::to_string(actual.size()) + " frames instead of " + std::to_string(expected.size());
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == actual[i]) continue;
    if (expected[i].pixels.size() != actual[i].pixels.size())
      return "frame " + std::to_string(i) + " has another size";
    const auto at = std::mismatch(expected[i].pixels.begin(), expected[i].pixels.end(),
                                  actual[i].pixels.begin());
    return "frame " + std::to_string(i) + " differs at byte " +
           std::to_string(at.first - expected[i].pixels.begin());
  }
  return {};
}

}  // namespace daedalus::va_client::testing
