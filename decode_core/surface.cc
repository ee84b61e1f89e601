#include "decode_core/surface.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "decode_core/core.h"
#include "decode_core/output/output_pass.h"
#include "decode_core/session.h"

namespace daedalus::core {
namespace {

using gpu_kernels::chroma_420;
using gpu_kernels::Stage;

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

void pack(Core& core, const FrameView& frame, const Rect& from, ImageFormat format,
          const LinearLayout& layout, uint8_t* out) {
  const auto& functions = gpu_kernels::pack_functions(core.settings().substrate.of(Stage::kPack));
  run_output_pass(functions, core.workers(), frame, from, format, layout, out);
}

// The output pass of one picture, counted in the statistics of the session that decoded it.
void pack_counted(Core& core, const FrameView& frame, Session* session, const Rect& from,
                  ImageFormat format, const LinearLayout& layout, uint8_t* out) {
  pack(core, frame, from, format, layout, out);
  if (session == nullptr) return;
  const auto& functions = gpu_kernels::pack_functions(core.settings().substrate.of(Stage::kPack));
  session->count_stage(gpu_kernels::stage_name(Stage::kPack), functions.target);
}

// A frame without any decoded sample: the output pass makes it black.
FrameView empty_frame(SurfaceFormat format) { return {sample_format_of(format), 0, 0, {}}; }

// Memory for one I420 frame of the surface's depth, planes 64-byte aligned.
Result<FrameBuffer> allocate_planar(SurfaceFormat format, uint32_t width, uint32_t height) {
  const size_t sample = format == SurfaceFormat::kP010 ? 2 : 1;
  const LinearLayout layout = layout_of(ImageFormat::kI420, width, height);
  auto memory = FramePool().allocate(layout.size * sample);
  if (!memory) return memory.error();
  FrameBuffer frame{{sample_format_of(format), width, height, {}}, *memory};
  for (size_t plane = 0; plane < 3; ++plane) {
    frame.view.planes[plane] = {(*memory)->data() + layout.offset[plane] * sample,
                                layout.stride[plane] * sample};
  }
  return frame;
}

}  // namespace

Surface::Surface(std::shared_ptr<Core> core, SurfaceFormat format, uint32_t width, uint32_t height)
    : core_(std::move(core)), format_(format), width_(width), height_(height) {}

std::shared_ptr<Picture> Surface::picture() const {
  std::lock_guard lock(mutex_);
  return picture_;
}

void Surface::set_picture(std::shared_ptr<Picture> picture) {
  std::shared_ptr<Picture> former;  // released outside the lock: it may be a session's last
  std::lock_guard lock(mutex_);
  former = std::exchange(picture_, std::move(picture));
  if (former != nullptr && former != picture_) former->set_output_pass(nullptr);
  if (export_.has_value() && picture_ != nullptr) attach_output_pass(*picture_);
}

bool Surface::exported() const {
  std::lock_guard lock(mutex_);
  return export_.has_value();
}

// With the lock held.
void Surface::attach_output_pass(Picture& picture) const {
  // The pass owns what it needs: the surface may be destroyed while the picture decodes.
  picture.set_output_pass([core = core_, exported = *export_, format = format_, width = width_,
                           height = height_, owner = &picture](const FrameBuffer& frame) {
    const ImageFormat image = image_format_of(format);
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

Result<Surface::Export> Surface::export_memory(bool require_dma_buf) {
  std::unique_lock lock(mutex_);
  if (!export_.has_value()) {
    const ImageFormat image = image_format_of(format_);
    const LinearLayout layout = layout_of(image, width_, height_);
    auto memory = core_->memory().allocate(layout.size, require_dma_buf);
    if (!memory) return memory.error();
    (*memory)->begin_cpu_write();
    pack(*core_, empty_frame(format_), {0, 0, width_, height_}, image, layout, (*memory)->data());
    (*memory)->end_cpu_write();
    export_ = Export{std::move(*memory), layout};
    if (picture_ != nullptr) attach_output_pass(*picture_);
  } else if (require_dma_buf && !export_->memory->dma_buf()) {
    return Error{ErrorCode::kUnsupported, "the surface's memory is no dma-buf and is permanent"};
  }
  Export result = *export_;
  const std::shared_ptr<Picture> picture = picture_;
  lock.unlock();
  if (picture != nullptr) picture->wait();
  return result;
}

Status Surface::read(const Rect& from, ImageFormat format, const LinearLayout& layout,
                     uint8_t* out) const {
  if (!inside(from, width_, height_)) return invalid("the region to read is not inside the surface");
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
  auto frame = allocate_planar(format_, width_, height_);
  if (!frame) return frame.error();

  // What the surface showed, as planar samples, then the image's region over it.
  const auto& copy = gpu_kernels::pack_functions(gpu_kernels::Substrate::kAuto);
  const std::shared_ptr<Picture> shown = picture();
  if (shown != nullptr) shown->wait();
  const auto former = shown != nullptr ? shown->frame() : std::nullopt;
  const bool wide = format_ == SurfaceFormat::kP010;
  for (size_t plane = 0; plane < 3; ++plane) {
    const uint32_t width = plane == 0 ? width_ : chroma_420(width_);
    const uint32_t height = plane == 0 ? height_ : chroma_420(height_);
    const Plane& to = frame->view.planes[plane];
    const gpu_kernels::TargetPlane target{to.data, static_cast<ptrdiff_t>(to.stride)};
    const gpu_kernels::Band all{width, 0, height};
    if (wide) {
      copy.fill_16(target, all, plane == 0 ? 64 : 512);
    } else {
      copy.fill_8(target, all, plane == 0 ? 16 : 128);
    }
    if (!former.has_value() || former->view.format != frame->view.format) continue;
    const Plane& old = former->view.planes[plane];
    const uint32_t old_width = plane == 0 ? former->view.width : chroma_420(former->view.width);
    const uint32_t old_height = plane == 0 ? former->view.height : chroma_420(former->view.height);
    const gpu_kernels::Band band{std::min(width, old_width), 0, std::min(height, old_height)};
    if (band.width == 0) continue;
    (wide ? copy.copy_16 : copy.copy_8)({old.data, static_cast<ptrdiff_t>(old.stride)}, target, band);
  }

  const size_t sample = wide ? 2 : 1;
  const auto source = [&](size_t plane, uint32_t x, uint32_t y, size_t bytes) {
    return gpu_kernels::SourcePlane{
        image + layout.offset[plane] + size_t{layout.stride[plane]} * y + x * bytes,
        static_cast<ptrdiff_t>(layout.stride[plane])};
  };
  const auto target = [&](size_t plane, uint32_t x, uint32_t y) {
    const Plane& to = frame->view.planes[plane];
    return gpu_kernels::TargetPlane{to.data + to.stride * y + x * sample,
                                    static_cast<ptrdiff_t>(to.stride)};
  };
  if (from.width != 0 && from.height != 0) {
    const gpu_kernels::Band luma{from.width, 0, from.height};
    const gpu_kernels::Band chroma{chroma_420(from.width), 0, chroma_420(from.height)};
    const uint32_t x = from.x / 2, y = from.y / 2, u = to_x / 2, v = to_y / 2;
    switch (format) {
      case ImageFormat::kNv12:
        copy.copy_8(source(0, from.x, from.y, 1), target(0, to_x, to_y), luma);
        copy.deinterleave_8(source(1, x, y, 2), target(1, u, v), target(2, u, v), chroma);
        break;
      case ImageFormat::kP010:
        copy.high_to_low_16(source(0, from.x, from.y, 2), target(0, to_x, to_y), luma, 10);
        copy.deinterleave_high_to_low_16(source(1, x, y, 4), target(1, u, v), target(2, u, v),
                                         chroma, 10);
        break;
      case ImageFormat::kI420:
      case ImageFormat::kYv12: {
        const size_t first = format == ImageFormat::kI420 ? 1 : 2;
        copy.copy_8(source(0, from.x, from.y, 1), target(0, to_x, to_y), luma);
        copy.copy_8(source(1, x, y, 1), target(first, u, v), chroma);
        copy.copy_8(source(2, x, y, 1), target(3 - first, u, v), chroma);
        break;
      }
    }
  }
  set_picture(std::make_shared<Picture>(std::move(*frame)));
  return {};
}

}  // namespace daedalus::core
