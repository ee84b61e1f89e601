#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "decode_core/output/output_pass.h"
#include "decode_core/session.h"
#include "tools/daedalus/front.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::tool {
namespace {

class ReplayFront final : public Front {
 public:
  explicit ReplayFront(std::shared_ptr<core::Core> core) : core_(std::move(core)) {}

  Status decode(core::DecodeJob job) override {
    session_ = core::session_for(job, std::move(session_));
    if (session_ == nullptr) {
      const auto profile = parsed_stream::profile_of(job);
      if (!profile.has_value()) {
        return Error{ErrorCode::kUnsupported, "the stream's profile is none that is supported"};
      }
      auto session =
          core_->open_session({*profile, job.coded_width(), job.coded_height(), "replay"});
      if (!session) return session.error();
      session_ = std::move(*session);
    }
    return session_->submit(std::move(job));
  }

  Status wait(const core::Picture& picture) override {
    picture.wait();
    switch (picture.state()) {
      case core::Picture::State::kDone:
        return {};
      case core::Picture::State::kFailed:
        return picture.error();
      default:
        return Error{ErrorCode::kNotFound, "the picture to show was never decoded"};
    }
  }

  Status read(const core::Picture& picture, const core::Rect& visible, Frame& out) override {
    const auto frame = picture.frame();
    if (!frame.has_value()) return Error{ErrorCode::kNotFound, "the picture has no pixels"};
    const core::FrameView& view = frame->view;
    if (visible.x + visible.width > view.width || visible.y + visible.height > view.height) {
      return Error{ErrorCode::kCorrupt, "the visible area is not inside the decoded picture"};
    }
    const size_t sample = core::is_wide(view.format) ? 2 : 1;
    out.width = visible.width;
    out.height = visible.height;
    out.bit_depth = sample == 2 ? 10 : 8;
    if (view.film_grain != nullptr) {
      // Only the output pass adds it.
      run_output_pass(picture, view, visible,
                      sample == 2 ? core::ImageFormat::kP010 : core::ImageFormat::kI420,
                      out.samples);
      if (sample == 2) convert_p010(out);
      return {};
    }
    out.samples.clear();
    for (size_t component = 0; component < 3; ++component) {
      const uint32_t shift = component == 0 ? 0 : 1;
      const size_t width = (visible.width + shift) >> shift;
      const uint32_t height = (visible.height + shift) >> shift;
      for (uint32_t y = 0; y < height; ++y) {
        const size_t at = out.samples.size();
        out.samples.resize(at + width * sample);
        core::read_samples(view, component, visible.x >> shift, (visible.y >> shift) + y, width,
                           out.samples.data() + at);
      }
    }
    return {};
  }

  Status pack(const core::Picture& picture, const core::Rect& visible) override {
    const auto frame = picture.frame();
    if (!frame.has_value()) return Error{ErrorCode::kNotFound, "the picture has no pixels"};
    const bool wide = core::is_wide(frame->view.format);
    run_output_pass(picture, frame->view, visible,
                    wide ? core::ImageFormat::kP010 : core::ImageFormat::kNv12, image_);
    return {};
  }

 private:
  // Into planes without padding, counted in the picture's statistics.
  void run_output_pass(const core::Picture& picture, const core::FrameView& view,
                       const core::Rect& visible, core::ImageFormat format,
                       std::vector<uint8_t>& samples) {
    const size_t sample = format == core::ImageFormat::kP010 ? 2 : 1;
    const size_t chroma_width = (visible.width + 1) / 2 * sample;
    const size_t chroma = chroma_width * ((visible.height + 1) / 2);
    const size_t width = visible.width * sample;
    const size_t luma = width * visible.height;
    samples.resize(luma + 2 * chroma);
    uint8_t* const at = samples.data();
    std::array<core::Plane, 3> planes = {
        {{at, width}, {at + luma, 2 * chroma_width}, {nullptr, 0}}};
    if (format == core::ImageFormat::kI420) {
      planes[1].stride = chroma_width;
      planes[2] = {at + luma + chroma, chroma_width};
    }
    const core::StageRun run =
        core::run_output_pass(*core_, view, visible, format, planes, core::PassThreads::kWorkers);
    if (const auto session = picture.session()) session->count_stage(run);
  }

  std::shared_ptr<core::Core> core_;
  std::shared_ptr<core::Session> session_;
  std::vector<uint8_t> image_;
};

}  // namespace

std::unique_ptr<Front> create_replay_front(std::shared_ptr<core::Core> core) {
  return std::make_unique<ReplayFront>(std::move(core));
}

}  // namespace daedalus::tool
