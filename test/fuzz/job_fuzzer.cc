// Any recording through the core: sessions over libavcodec, pictures shown by a surface. Whatever a
// job says, its picture ends with pixels or with a reason, and the pixels can be read.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/log.h>
}

#include "decode_core/core.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/surface.h"

namespace {

using namespace daedalus::core;

void require(bool condition) {
  if (!condition) std::abort();
}

// Damage is what this program is about: nobody wants to read of it.
const bool kQuiet = [] {
  ::av_log_set_level(AV_LOG_QUIET);
  return ::setenv("DAEDALUS_LOG", "error", 0) == 0;
}();

constexpr uint32_t kSurfaceWidth = 64;
constexpr uint32_t kSurfaceHeight = 66;

class Client {
 public:
  void submit(RecordedJob recorded) {
    // Larger ones find nothing that small ones do not, only later.
    if (recorded.job.coded_width() > 512 || recorded.job.coded_height() > 512) return;
    auto& session = sessions_[recorded.session % 4];
    session = session_for(recorded.job, session);
    if (session == nullptr) {
      auto opened = core_->open_session({recorded.profile, 0, 0, "replay"});
      require(opened.ok());
      session = std::move(*opened);
      opened_.push_back(session);
    }
    const auto picture = recorded.job.target;
    surfaces_[pictures_.size() % surfaces_.size()]->set_picture(picture);
    const Picture::State before = picture->state();
    const daedalus::Status status = session->submit(std::move(recorded.job));
    if (!status.ok()) require(!status.error().message.empty() && picture->state() == before);
    if (status.ok()) pictures_.push_back(picture);
  }

  void finish() {
    for (const auto& picture : pictures_) {
      picture->wait();
      if (picture->state() == Picture::State::kFailed) {
        require(!picture->error().message.empty());
        continue;
      }
      require(picture->state() == Picture::State::kDone);
      const auto frame = picture->frame();
      require(frame.has_value() && frame->view.width > 0 && frame->view.width <= kMaxDimension);
      require(frame->view.height > 0 && frame->view.height <= kMaxDimension);
    }
    for (const auto& surface : surfaces_) read(*surface);
    // A session whose thread lets go of its last picture ends behind our back; a leak checker that
    // looks at that moment is misled.
    for (const auto& session : opened_) session->drain();
  }

 private:
  static void read(const Surface& surface) {
    for (const ImageFormat format : {ImageFormat::kI420, ImageFormat::kP010}) {
      const LinearLayout layout = layout_of(format, kSurfaceWidth, kSurfaceHeight);
      std::vector<uint8_t> image(layout.size);
      // One of the two fails: another depth.
      static_cast<void>(
          surface.read({0, 0, kSurfaceWidth, kSurfaceHeight}, format, layout, image.data()).ok());
    }
  }

  static std::shared_ptr<Core> create_core() {
    Settings settings;
    settings.threads = 1;
    return Core::create(settings);
  }
  std::unique_ptr<Surface> create_surface(bool exported) {
    auto surface =
        std::make_unique<Surface>(core_, SurfaceFormat::kNv12, kSurfaceWidth, kSurfaceHeight);
    if (exported) require(surface->export_memory(false).ok());
    return surface;
  }

  const std::shared_ptr<Core> core_ = create_core();
  std::array<std::unique_ptr<Surface>, 2> surfaces_ = {create_surface(false), create_surface(true)};
  std::map<uint32_t, std::shared_ptr<Session>> sessions_;
  std::vector<std::shared_ptr<Session>> opened_;
  std::vector<std::shared_ptr<Picture>> pictures_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kMostJobs = 16;
  auto reader = RecordingReader::open(std::span(data, size));
  if (!reader) return 0;
  Client client;
  for (int i = 0; i < kMostJobs; ++i) {
    auto next = reader->next();
    if (!next || !next->has_value()) break;
    client.submit(std::move(**next));
  }
  client.finish();
  return 0;
}
