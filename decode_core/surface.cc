#include "decode_core/surface.h"

#include <array>
#include <utility>

#include "base/log.h"
#include "decode_core/core.h"
#include "decode_core/output/output_pass.h"
#include "decode_core/planar_frame.h"
#include "decode_core/session.h"

namespace daedalus::core {
namespace {

Error invalid(const char* message) { return {ErrorCode::kInvalidArgument, message}; }

ImageFormat image_format_of(SurfaceFormat format) {
  return format == SurfaceFormat::kP010 ? ImageFormat::kP010 : ImageFormat::kNv12;
}

SampleFormat sample_format_of(SurfaceFormat format) {
  return format == SurfaceFormat::kP010 ? SampleFormat::kI42010 : SampleFormat::kI420;
}

bool inside(const Rect& rect, uint32_t width, uint32_t height) {
  return rect.x <= width && rect.width <= width - rect.x && rect.y <= height &&
         rect.height <= height - rect.y;
}

// The output pass of one picture, counted in the statistics of the session that decoded it.
void pack_counted(Core& core, const FrameView& frame, Session* session, const Rect& from,
                  ImageFormat format, const LinearLayout& layout, uint8_t* out) {
  const StageRun run = run_output_pass(core, frame, from, format, layout, out);
  if (session != nullptr) session->count_stage(run);
}

// A frame without any decoded sample: the output pass makes it black.
FrameView empty_frame(SurfaceFormat format) { return {sample_format_of(format), 0, 0, {}}; }

// Whether an image of that layout has the region.
bool holds(ImageFormat format, const LinearLayout& layout, const Rect& region) {
  const bool planar = format == ImageFormat::kI420 || format == ImageFormat::kYv12;
  const uint64_t sample = format == ImageFormat::kP010 ? 2 : 1;
  if (layout.plane_count != (planar ? 3 : 2)) return false;
  for (size_t plane = 0; plane < layout.plane_count; ++plane) {
    const uint64_t right = uint64_t{region.x} + region.width;
    const uint64_t bottom = uint64_t{region.y} + region.height;
    const uint64_t row = plane == 0 ? right : (right + 1) / 2 * (planar ? 1 : 2);
    const uint64_t rows = plane == 0 ? bottom : (bottom + 1) / 2;
    if (rows == 0) continue;
    if (row * sample > layout.stride[plane] ||
        layout.offset[plane] + layout.stride[plane] * (rows - 1) + row * sample > layout.size) {
      return false;
    }
  }
  return true;
}

}  // namespace

Surface::Surface(std::shared_ptr<Core> core, SurfaceFormat format, uint32_t width, uint32_t height)
    : core_(std::move(core)), format_(format), width_(width), height_(height) {}

std::shared_ptr<Picture> Surface::picture() const {
  std::lock_guard lock(mutex_);
  return picture_;
}

void Surface::set_picture(std::shared_ptr<Picture> picture) {
  if (exported()) {
    const auto former = this->picture();
    if (former != nullptr && former != picture) former->wait();
  }
  std::shared_ptr<Picture> former;  // released outside the lock: it may be a session's last
  std::lock_guard lock(mutex_);
  former = std::exchange(picture_, std::move(picture));
  if (former != nullptr && former != picture_) {
    former->set_output_pass(nullptr);
    former->set_destination(std::nullopt);
  }
  if (export_.has_value() && picture_ != nullptr) attach_output_pass(*picture_);
}

bool Surface::exported() const {
  std::lock_guard lock(mutex_);
  return export_.has_value();
}

// With the lock held.
void Surface::attach_output_pass(Picture& picture) const {
  if (!cpu_writes_) {
    picture.set_destination(Destination{export_->memory, export_->layout, width_, height_});
  }
  // The pass owns what it needs: the surface may be destroyed while the picture decodes.
  picture.set_output_pass([core = core_, exported = *export_, format = format_, width = width_,
                           height = height_, owner = &picture](const FrameBuffer& frame) {
    const ImageFormat image = image_format_of(format);
    if (frame.exporter != nullptr && frame.exporter->gave(*exported.memory)) {
      if (const auto session = owner->session()) session->count_stage({"export", "in place"});
      return;
    }
    if (!output_pass_supports(frame.view.format, image)) {
      log(LogLevel::kError, "the stream's bit depth is not that of the exported surface");
      return;
    }
    exported.memory->begin_cpu_write();
    pack_counted(*core, frame.view, owner->session().get(), {0, 0, width, height}, image,
                 exported.layout, exported.memory->data());
    exported.memory->end_cpu_write();
  });
}

// With the lock held: the buffer that the picture was decoded into becomes the surface's own, where
// it has all of the surface's pixels in its format and the device gives it away.
void Surface::take_frame_memory() {
  const auto frame = picture_->frame();
  const SampleFormat own =
      format_ == SurfaceFormat::kP010 ? SampleFormat::kP010 : SampleFormat::kNv12;
  if (!frame || frame->exporter == nullptr || frame->view.format != own ||
      frame->view.width < width_ || frame->view.height < height_) {
    return;
  }
  auto memory = frame->exporter->give();
  if (!memory) {
    log(LogLevel::kDebug, "a buffer of the device is not exported: %s",
        memory.error().message.c_str());
    return;
  }
  LinearLayout layout;
  layout.plane_count = 2;
  layout.size = (*memory)->size();
  for (size_t plane = 0; plane < layout.plane_count; ++plane) {
    const Plane& from = frame->view.planes[plane];
    layout.offset[plane] = static_cast<uint32_t>(from.data - frame->view.planes[0].data);
    layout.stride[plane] = static_cast<uint32_t>(from.stride);
  }
  export_ = Export{std::move(*memory), layout};
  attach_output_pass(*picture_);
}

// Whether the frame lies in the memory, where a device may refer to it.
bool Surface::is_in_place(const Picture& picture) const {
  const auto frame = picture.frame();
  return frame && frame->exporter != nullptr && frame->exporter->gave(*export_->memory);
}

// With the lock held: no picture is decoded into the exported memory from now on.
Status Surface::open_to_cpu() {
  if (cpu_writes_) return {};
  if (!export_->memory->cached() || (picture_ != nullptr && is_in_place(*picture_))) {
    return Error{ErrorCode::kUnsupported,
                 "the surface is a buffer of the decoder's, which is not for the CPU to write to"};
  }
  cpu_writes_ = true;
  if (picture_ != nullptr) picture_->set_destination(std::nullopt);
  return {};
}

Result<Surface::Export> Surface::export_memory(bool require_dma_buf) {
  const ImageFormat image = image_format_of(format_);
  LinearLayout layout;
  const bool first = !exported();
  // Devices are asked with no lock held.
  if (first) layout = core_->surface_layout(image, width_, height_);
  // Where it lies is to be known first.
  const auto shown = picture();
  if (shown != nullptr && first == require_dma_buf) shown->wait();
  std::unique_lock lock(mutex_);
  if (!export_.has_value() && require_dma_buf && picture_ != nullptr) take_frame_memory();
  if (!export_.has_value()) {
    auto memory = core_->memory().allocate(layout.size, require_dma_buf);
    if (!memory) return memory.error();
    (*memory)->begin_cpu_write();
    run_output_pass(*core_, empty_frame(format_), {0, 0, width_, height_}, image, layout,
                    (*memory)->data());
    (*memory)->end_cpu_write();
    export_ = Export{std::move(*memory), layout};
    cpu_writes_ = !require_dma_buf;
    if (picture_ != nullptr) attach_output_pass(*picture_);
  } else if (require_dma_buf && !export_->memory->dma_buf()) {
    return Error{ErrorCode::kUnsupported, "the surface's memory is no dma-buf and is permanent"};
  } else if (!require_dma_buf) {
    if (Status status = open_to_cpu(); !status.ok()) return status.error();
  }
  Export result = *export_;
  const std::shared_ptr<Picture> latest = picture_;
  lock.unlock();
  if (latest != nullptr) latest->wait();
  return result;
}

Status Surface::read(const Rect& from, ImageFormat format, const LinearLayout& layout,
                     uint8_t* out) const {
  if (!inside(from, width_, height_))
    return invalid("the region to read is not inside the surface");
  if (!holds(format, layout, {0, 0, from.width, from.height})) {
    return invalid("the region to read is not inside the image");
  }
  const std::shared_ptr<Picture> shown = picture();
  FrameBuffer frame{empty_frame(format_), nullptr};
  if (shown != nullptr) {
    shown->wait();
    if (auto decoded = shown->frame()) frame = std::move(*decoded);
  }
  if (!output_pass_supports(frame.view.format, format)) {
    return invalid("the image's bit depth is not that of the picture");
  }
  pack_counted(*core_, frame.view, shown != nullptr ? shown->session().get() : nullptr, from,
               format, layout, out);
  return {};
}

Status Surface::write(ImageFormat format, const LinearLayout& layout, const uint8_t* image,
                      const Rect& from, uint32_t to_x, uint32_t to_y) {
  if ((format == ImageFormat::kP010) != (format_ == SurfaceFormat::kP010)) {
    return invalid("the image's bit depth is not that of the surface");
  }
  if (!inside({to_x, to_y, from.width, from.height}, width_, height_)) {
    return invalid("the region to write is not inside the surface");
  }
  if (((from.x | from.y | to_x | to_y) & 1) != 0) {
    return invalid("4:2:0 regions begin at even coordinates");
  }
  if (!holds(format, layout, from)) return invalid("the region to write is not inside the image");
  auto frame = PlanarFrame::allocate(sample_format_of(format_), width_, height_);
  if (!frame) return frame.error();
  frame->make_black();
  if (const auto shown = picture()) {
    shown->wait();
    const auto former = shown->frame();
    if (former.has_value() && output_pass_supports(former->view.format, format)) {
      frame->copy(former->view);
    }
  }
  if (from.width != 0 && from.height != 0) frame->unpack(format, layout, image, from, to_x, to_y);
  set_picture(std::make_shared<Picture>(frame->buffer()));
  return {};
}

}  // namespace daedalus::core
