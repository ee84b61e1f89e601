#include <algorithm>
#include <cstring>
#include <utility>

#include "decode_core/planar_frame.h"
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
    const auto grained = core::add_film_grain(*frame);
    if (!grained) return grained.error();
    const core::FrameView& view = grained->view;
    if (visible.x + visible.width > view.width || visible.y + visible.height > view.height) {
      return Error{ErrorCode::kCorrupt, "the visible area is not inside the decoded picture"};
    }
    const size_t sample = core::is_wide(view.format) ? 2 : 1;
    out.width = visible.width;
    out.height = visible.height;
    out.bit_depth = sample == 2 ? 10 : 8;
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

 private:
  std::shared_ptr<core::Core> core_;
  std::shared_ptr<core::Session> session_;
};

}  // namespace

std::unique_ptr<Front> create_replay_front(std::shared_ptr<core::Core> core) {
  return std::make_unique<ReplayFront>(std::move(core));
}

}  // namespace daedalus::tool
