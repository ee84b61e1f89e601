#include "va_driver/context.h"

#include <utility>
#include <variant>

#include "decode_core/session.h"
#include "va_driver/display.h"
#include "va_driver/status.h"
#include "va_driver/surface.h"

namespace daedalus::va {
namespace {

class DisplayReferences final : public References {
 public:
  explicit DisplayReferences(Display& display) : display_(display) {}
  Reference resolve(VASurfaceID id) override {
    const auto surface = display_.find<Surface>(id);
    if (!surface) return {};
    return {surface->reference(), surface->state()};
  }

 private:
  Display& display_;
};

std::shared_ptr<Surface> surface_or(Display& display, VASurfaceID id,
                                    const std::shared_ptr<Surface>& other) {
  auto surface = id == VA_INVALID_SURFACE ? nullptr : display.find<Surface>(id);
  return surface ? surface : other;
}

bool holds(const Surface& surface, const Config& config) {
  return (rt_format_of(surface.pixels.format()) & config.rt_formats) != 0;
}

// A profile of two depths leaves it to each picture (AV1).
bool has_depth_of(const Surface& surface, const core::DecodeJob& job) {
  const auto* av1 = std::get_if<core::Av1Parameters>(&job.parameters);
  if (av1 == nullptr) return true;
  return (av1->sequence.bit_depth > 8) == (surface.pixels.format() == core::SurfaceFormat::kP010);
}

}  // namespace

Context::Context(const Config& config, uint32_t width, uint32_t height)
    : config_(config),
      width_(width),
      height_(height),
      builder_(JobBuilder::create(config.capability.profile)) {}

VAStatus Context::begin(std::shared_ptr<Surface> target) {
  if (!holds(*target, config_)) {
    return refuse(VA_STATUS_ERROR_INVALID_SURFACE,
                  "the profile decodes to render target formats 0x%x; the surface has another",
                  config_.rt_formats);
  }
  std::lock_guard lock(mutex_);
  builder_->begin();
  target_ = std::move(target);
  return VA_STATUS_SUCCESS;
}

VAStatus Context::render(std::span<const std::shared_ptr<Buffer>> buffers) {
  std::lock_guard lock(mutex_);
  if (!target_) {
    return refuse(VA_STATUS_ERROR_OPERATION_FAILED, "vaRenderPicture without vaBeginPicture");
  }
  return builder_->render(buffers);
}

VAStatus Context::end(Display& display) {
  Submitted submitted;
  {
    std::lock_guard lock(mutex_);
    if (!target_) {
      return refuse(VA_STATUS_ERROR_OPERATION_FAILED, "vaEndPicture without vaBeginPicture");
    }
    const VAStatus status = submit(display, &submitted);
    target_ = nullptr;
    builder_->begin();
    if (status) return status;
  }
  if (submitted.shown->pixels.exported() && !synced_) submitted.picture->wait();
  return VA_STATUS_SUCCESS;
}

VAStatus Context::submit(Display& display, Submitted* submitted) {
  BuiltJob built;
  DisplayReferences references(display);
  if (VAStatus status = builder_->end(references, &built)) return status;
  aim(&built);
  const auto target_surface = surface_or(display, built.target_surface, target_);
  const auto shown_surface = surface_or(display, built.display_surface, target_surface);
  for (const Surface* surface : {target_surface.get(), shown_surface.get()}) {
    if (!holds(*surface, config_) || !has_depth_of(*surface, built.job)) {
      return refuse(VA_STATUS_ERROR_INVALID_SURFACE, "a surface of another depth than the picture");
    }
  }
  if (Status status = open_session_for(display, built); !status.ok()) return refuse(status.error());

  const auto target = built.job.target;
  const auto shown = built.job.display ? built.job.display : target;
  const bool second = built.job.field == core::FieldRole::kSecondField;
  const auto show = [&] {
    if (target_surface != shown_surface) {
      target_surface->set_target(target, target, built.state, weak_from_this());
    }
    shown_surface->set_target(shown, target, built.state, weak_from_this());
  };
  // A picture that is refused changes no surface; but where one was exported, its former picture is
  // let go first, so that hardware can decode this one into the same memory.
  const bool early = shown_surface->pixels.exported() && !second;
  if (early) show();
  if (Status status = session_->submit(std::move(built.job)); !status.ok()) {
    return refuse(status.error());
  }
  if (!early) show();
  const bool first = built.parity != Parity::kFrame && !second;
  open_field_ = first ? OpenField{target, built.parity} : OpenField{};
  *submitted = {shown_surface, shown};
  return VA_STATUS_SUCCESS;
}

void Context::aim(BuiltJob* built) {
  core::DecodeJob& job = built->job;
  const bool second = built->parity != Parity::kFrame && open_field_.picture &&
                      open_field_.parity != built->parity &&
                      open_field_.picture == target_->pixels.picture();
  if (second) {
    job.field = core::FieldRole::kSecondField;
    job.target = open_field_.picture;
  } else {
    job.field =
        built->parity == Parity::kFrame ? core::FieldRole::kFrame : core::FieldRole::kFirstField;
    job.target = std::make_shared<core::Picture>();
  }
}

Status Context::open_session_for(const Display& display, const BuiltJob& built) {
  std::shared_ptr<core::Session> session = core::session_for(built.job, session_);
  for (const auto& picture : built.chain) {
    if (!session) session = picture->session();
  }
  if (!session) {
    auto opened = display.core()->open_session({config_.capability.profile, width_, height_, "va"});
    if (!opened.ok()) return opened.error();
    session = std::move(*opened);
  }
  session_ = std::move(session);
  return Status();
}

void Context::drain() {
  std::shared_ptr<core::Session> session;
  {
    std::lock_guard lock(mutex_);
    session = session_;
  }
  if (session) session->drain();
}

VAStatus create_context(Display& display, VAConfigID config, int width, int height, int /*flags*/,
                        VASurfaceID* targets, int target_count, VAContextID* context) {
  if (!context) return VA_STATUS_ERROR_INVALID_PARAMETER;
  *context = VA_INVALID_ID;
  const auto chosen = display.find<Config>(config);
  if (!chosen) return VA_STATUS_ERROR_INVALID_CONFIG;
  const core::ProfileCapability& can = chosen->capability;
  if (width < 0 || height < 0 || uint32_t(width) < can.min_width ||
      uint32_t(height) < can.min_height || uint32_t(width) > can.max_width ||
      uint32_t(height) > can.max_height) {
    return refuse(VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED,
                  "a context of %dx%d; the profile decodes %ux%u to %ux%u", width, height,
                  can.min_width, can.min_height, can.max_width, can.max_height);
  }
  if (target_count < 0 || (target_count > 0 && !targets)) return VA_STATUS_ERROR_INVALID_PARAMETER;
  const std::span<const VASurfaceID> ids(targets, static_cast<size_t>(target_count));
  if (display.find_all<Surface>(ids).size() != ids.size()) return VA_STATUS_ERROR_INVALID_SURFACE;
  display.core()->expect(core::codec_of(can.profile));
  const auto id = display.insert(std::make_shared<Context>(*chosen, width, height));
  if (!id) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
  *context = *id;
  return VA_STATUS_SUCCESS;
}

VAStatus destroy_context(Display& display, VAContextID context) {
  return display.remove<Context>(context) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_CONTEXT;
}

VAStatus begin_picture(Display& display, VAContextID context, VASurfaceID target) {
  const auto object = display.find<Context>(context);
  if (!object) return VA_STATUS_ERROR_INVALID_CONTEXT;
  auto surface = display.find<Surface>(target);
  if (!surface) return VA_STATUS_ERROR_INVALID_SURFACE;
  return object->begin(std::move(surface));
}

VAStatus render_picture(Display& display, VAContextID context, VABufferID* buffers, int count) {
  const auto object = display.find<Context>(context);
  if (!object) return VA_STATUS_ERROR_INVALID_CONTEXT;
  if (count < 0 || (count > 0 && !buffers)) return VA_STATUS_ERROR_INVALID_PARAMETER;
  const std::span<const VABufferID> ids(buffers, static_cast<size_t>(count));
  const auto found = display.find_all<Buffer>(ids);
  if (found.size() != ids.size()) {
    return refuse(VA_STATUS_ERROR_INVALID_BUFFER, "vaRenderPicture of an unknown buffer");
  }
  return object->render(found);
}

VAStatus end_picture(Display& display, VAContextID context) {
  const auto object = display.find<Context>(context);
  if (!object) return VA_STATUS_ERROR_INVALID_CONTEXT;
  return object->end(display);
}

}  // namespace daedalus::va
