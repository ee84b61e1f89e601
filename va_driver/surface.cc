#include "va_driver/surface.h"

#include <va/va_drmcommon.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "base/enum_value.h"
#include "decode_core/core.h"
#include "va_driver/context.h"
#include "va_driver/display.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

using Clock = core::Picture::Clock;

// Most surfaces of one call: far beyond any pool, far below what would hurt.
constexpr unsigned int kMaxSurfacesAtOnce = 4096;

std::optional<core::SurfaceFormat> format_of_rt_format(unsigned int rt_format) {
  if (rt_format & VA_RT_FORMAT_YUV420) return core::SurfaceFormat::kNv12;
  if (rt_format & VA_RT_FORMAT_YUV420_10) return core::SurfaceFormat::kP010;
  return std::nullopt;
}

std::optional<core::SurfaceFormat> format_of_fourcc(int fourcc) {
  switch (static_cast<unsigned int>(fourcc)) {
    case VA_FOURCC_NV12:
      return core::SurfaceFormat::kNv12;
    case VA_FOURCC_P010:
      return core::SurfaceFormat::kP010;
    default:
      return std::nullopt;
  }
}

bool allows_linear(const VASurfaceAttrib& attribute) {
  const auto* list = static_cast<const VADRMFormatModifierList*>(attribute.value.value.p);
  if (!list || !list->modifiers) return false;
  constexpr uint64_t kLinear = 0;  // DRM_FORMAT_MOD_LINEAR
  return std::find(list->modifiers, list->modifiers + list->num_modifiers, kLinear) !=
         list->modifiers + list->num_modifiers;
}

// What the attributes of vaCreateSurfaces say about format and memory.
VAStatus read_attributes(std::span<const VASurfaceAttrib> attributes,
                         std::optional<core::SurfaceFormat>* format) {
  for (const VASurfaceAttrib& attribute : attributes) {
    if (!(attribute.flags & VA_SURFACE_ATTRIB_SETTABLE)) continue;
    switch (plain(attribute.type)) {
      case VASurfaceAttribPixelFormat:
        *format = format_of_fourcc(attribute.value.value.i);
        if (!*format) {
          return refuse(VA_STATUS_ERROR_INVALID_IMAGE_FORMAT,
                        "surfaces are NV12 or P010, not fourcc 0x%08x", attribute.value.value.i);
        }
        break;
      case VASurfaceAttribMemoryType:
        if (attribute.value.value.i != VA_SURFACE_ATTRIB_MEM_TYPE_VA) {
          return refuse(VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE,
                        "surfaces live in the driver's memory; memory type 0x%x cannot be imported",
                        attribute.value.value.i);
        }
        break;
      case VASurfaceAttribExternalBufferDescriptor:
        if (attribute.value.value.p) {
          return refuse(VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE,
                        "external buffers cannot become surfaces");
        }
        break;
      case VASurfaceAttribDRMFormatModifiers:
        if (!allows_linear(attribute)) {
          return refuse(VA_STATUS_ERROR_ATTR_NOT_SUPPORTED, "surfaces have modifier LINEAR only");
        }
        break;
      default:
        break;
    }
  }
  return VA_STATUS_SUCCESS;
}

// Compares two buffers in the surface's own format; the padding of rows does not count.
bool same_pixels(const core::Surface& surface, const core::LinearLayout& layout, const uint8_t* a,
                 const uint8_t* b) {
  const size_t sample = surface.format() == core::SurfaceFormat::kP010 ? 2 : 1;
  for (uint32_t plane = 0; plane < layout.plane_count; ++plane) {
    const uint32_t rows = plane == 0 ? surface.height() : (surface.height() + 1) / 2;
    const size_t row_bytes =
        sample * (plane == 0 ? surface.width() : (surface.width() + 1) / 2 * 2);
    for (uint32_t row = 0; row < rows; ++row) {
      const size_t at = layout.offset[plane] + size_t{row} * layout.stride[plane];
      if (std::memcmp(a + at, b + at, row_bytes) != 0) return false;
    }
  }
  return true;
}

// Waits until the surface's picture is finished, then says how it went.
VAStatus wait_for(Surface& surface, std::optional<Clock::time_point> deadline) {
  if (const auto context = surface.context()) context->note_sync();
  const auto picture = surface.pixels.picture();
  if (!picture) return VA_STATUS_SUCCESS;
  if (!picture->wait(deadline)) return VA_STATUS_ERROR_TIMEDOUT;
  if (picture->state() != core::Picture::State::kFailed) return VA_STATUS_SUCCESS;
  return refuse(VA_STATUS_ERROR_DECODING_ERROR, "%s", picture->error().message.c_str());
}

}  // namespace

void Surface::set_target(std::shared_ptr<core::Picture> picture,
                         std::shared_ptr<core::Picture> reference,
                         std::shared_ptr<const ChainState> state, std::weak_ptr<Context> context) {
  std::shared_ptr<core::Picture> former;  // let go with no lock held: it may be a session's last
  {
    std::lock_guard lock(mutex_);
    former = std::exchange(target_, picture);
    reference_.swap(reference);
    context_ = std::move(context);
    state_ = std::move(state);
    derived_mapped_ = false;
  }
  pixels.set_picture(std::move(picture));
}

std::shared_ptr<core::Picture> Surface::reference() const {
  const auto shown = pixels.picture();
  std::lock_guard lock(mutex_);
  return shown == target_ ? reference_ : shown;
}

std::shared_ptr<Context> Surface::context() const {
  std::lock_guard lock(mutex_);
  return context_.lock();
}

std::shared_ptr<const ChainState> Surface::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void Surface::note_derived_map() {
  std::lock_guard lock(mutex_);
  derived_mapped_ = true;
}

Status Surface::take_derived_writes() {
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(derived_mapped_, false)) return Status();
  }
  auto exported = pixels.export_memory(false);
  if (!exported.ok()) return exported.error();
  const core::LinearLayout& layout = exported->layout;
  const core::Rect whole{0, 0, pixels.width(), pixels.height()};
  const core::ImageFormat format = image_format_of(pixels.format());
  const std::unique_ptr<uint8_t[]> decoded(new uint8_t[layout.size]);
  if (Status status = pixels.read(whole, format, layout, decoded.get()); !status.ok()) {
    return status;
  }
  // A client that only looked must not replace the picture: it may be a reference.
  if (same_pixels(pixels, layout, decoded.get(), exported->memory->data())) return Status();
  return pixels.write(format, layout, exported->memory->data(), whole, 0, 0);
}

VASurfaceDecodeMBErrors* Surface::list_errors() {
  const auto picture = pixels.picture();
  std::lock_guard lock(mutex_);
  errors_.clear();
  if (picture && picture->concealed()) {
    const uint32_t macroblocks = ((pixels.width() + 15) / 16) * ((pixels.height() + 15) / 16);
    VASurfaceDecodeMBErrors concealed{};
    concealed.status = 1;
    concealed.end_mb = macroblocks - 1;
    concealed.decode_error_type = VADecodeMBError;
    concealed.num_mb = macroblocks;
    errors_.push_back(concealed);
  }
  VASurfaceDecodeMBErrors end{};
  end.status = -1;
  errors_.push_back(end);
  return errors_.data();
}

core::ImageFormat image_format_of(core::SurfaceFormat format) {
  return format == core::SurfaceFormat::kP010 ? core::ImageFormat::kP010 : core::ImageFormat::kNv12;
}

VAStatus create_surfaces(Display& display, int width, int height, int rt_format, int count,
                         VASurfaceID* surfaces) {
  if (width < 0 || height < 0 || count < 0) return VA_STATUS_ERROR_INVALID_PARAMETER;
  return create_surfaces2(display, rt_format, width, height, surfaces, count, nullptr, 0);
}

VAStatus create_surfaces2(Display& display, unsigned int rt_format, unsigned int width,
                          unsigned int height, VASurfaceID* surfaces, unsigned int count,
                          VASurfaceAttrib* attributes, unsigned int attribute_count) {
  if (!surfaces || count == 0 || (attribute_count > 0 && !attributes)) {
    return VA_STATUS_ERROR_INVALID_PARAMETER;
  }
  auto format = format_of_rt_format(rt_format);
  if (!format) {
    return refuse(VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT, "no surfaces of format 0x%x", rt_format);
  }
  if (VAStatus status = read_attributes({attributes, attribute_count}, &format)) return status;
  if (width == 0 || height == 0 || width > core::kMaxDimension || height > core::kMaxDimension) {
    return refuse(VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED,
                  "a surface of %ux%u; 1x1 to %ux%u are possible", width, height,
                  core::kMaxDimension, core::kMaxDimension);
  }
  if (count > kMaxSurfacesAtOnce) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;

  std::vector<VASurfaceID> made;
  made.reserve(count);
  VAStatus failure = VA_STATUS_SUCCESS;
  try {
    while (made.size() < count) {
      const auto id =
          display.insert(std::make_shared<Surface>(display.core(), *format, width, height));
      if (!id) {
        failure = VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
        break;
      }
      made.push_back(*id);
    }
  } catch (const std::bad_alloc&) {
    failure = VA_STATUS_ERROR_ALLOCATION_FAILED;
  }
  if (failure) {
    for (VASurfaceID id : made) display.remove<Surface>(id);
    return failure;
  }
  std::copy(made.begin(), made.end(), surfaces);
  return VA_STATUS_SUCCESS;
}

VAStatus destroy_surfaces(Display& display, VASurfaceID* surfaces, int count) {
  if (count < 0 || (count > 0 && !surfaces)) return VA_STATUS_ERROR_INVALID_PARAMETER;
  const std::span<const VASurfaceID> ids(surfaces, static_cast<size_t>(count));
  if (display.find_all<Surface>(ids).size() != ids.size()) return VA_STATUS_ERROR_INVALID_SURFACE;
  for (VASurfaceID id : ids) display.remove<Surface>(id);
  return VA_STATUS_SUCCESS;
}

VAStatus sync_surface(Display& display, VASurfaceID surface) {
  return sync_surface2(display, surface, VA_TIMEOUT_INFINITE);
}

VAStatus sync_surface2(Display& display, VASurfaceID surface, uint64_t timeout_ns) {
  const auto object = display.find<Surface>(surface);
  if (!object) return VA_STATUS_ERROR_INVALID_SURFACE;
  // Beyond a year a deadline is none; so the sum cannot overflow.
  constexpr uint64_t kForever = uint64_t{365} * 24 * 3600 * 1'000'000'000;
  if (timeout_ns >= kForever) return wait_for(*object, std::nullopt);
  return wait_for(*object, Clock::now() + std::chrono::nanoseconds(timeout_ns));
}

VAStatus query_surface_status(Display& display, VASurfaceID surface, VASurfaceStatus* status) {
  const auto object = display.find<Surface>(surface);
  if (!object) return VA_STATUS_ERROR_INVALID_SURFACE;
  if (!status) return VA_STATUS_ERROR_INVALID_PARAMETER;
  const auto picture = object->pixels.picture();
  const bool pending = picture && picture->state() == core::Picture::State::kPending;
  *status = pending ? VASurfaceRendering : VASurfaceReady;
  return VA_STATUS_SUCCESS;
}

VAStatus query_surface_error(Display& display, VASurfaceID surface, VAStatus error_status,
                             void** error_info) {
  const auto object = display.find<Surface>(surface);
  if (!object) return VA_STATUS_ERROR_INVALID_SURFACE;
  if (!error_info || error_status != VA_STATUS_ERROR_DECODING_ERROR) {
    return VA_STATUS_ERROR_INVALID_PARAMETER;
  }
  *error_info = object->list_errors();
  return VA_STATUS_SUCCESS;
}

}  // namespace daedalus::va
