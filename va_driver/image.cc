#include "va_driver/image.h"

#include <algorithm>
#include <array>
#include <utility>

#include "va_driver/buffer.h"
#include "va_driver/display.h"
#include "va_driver/status.h"
#include "va_driver/surface.h"

namespace daedalus::va {
namespace {

using core::ImageFormat;

struct KnownFormat {
  ImageFormat format;
  uint32_t fourcc;
  uint32_t bits_per_pixel;
};

constexpr std::array<KnownFormat, kMaxImageFormats> kFormats = {{
    {ImageFormat::kNv12, VA_FOURCC_NV12, 12},
    {ImageFormat::kP010, VA_FOURCC_P010, 24},
    {ImageFormat::kI420, VA_FOURCC_I420, 12},
    {ImageFormat::kYv12, VA_FOURCC_YV12, 12},
}};

VAImageFormat describe(const KnownFormat& known) {
  VAImageFormat format{};
  format.fourcc = known.fourcc;
  format.byte_order = VA_LSB_FIRST;
  format.bits_per_pixel = known.bits_per_pixel;
  return format;
}

const KnownFormat* find_format(uint32_t fourcc) {
  for (const KnownFormat& known : kFormats) {
    if (known.fourcc == fourcc) return &known;
  }
  return nullptr;
}

const KnownFormat& known_format(ImageFormat format) {
  return *std::find_if(kFormats.begin(), kFormats.end(),
                       [&](const KnownFormat& known) { return known.format == format; });
}

// Gives `buffer` (its memory is set) and an image of it their ids.
VAStatus publish(Display& display, const KnownFormat& known, uint32_t width, uint32_t height,
                 const core::LinearLayout& layout, std::shared_ptr<Buffer> buffer, VAImage* out) {
  buffer->type = VAImageBufferType;
  buffer->element_size = static_cast<uint32_t>(layout.size);
  buffer->element_count = buffer->max_element_count = 1;

  auto image = std::make_shared<Image>(Image{VAImage{}, known.format, layout, buffer});
  VAImage& description = image->description;
  description.format = describe(known);
  description.width = static_cast<uint16_t>(width);
  description.height = static_cast<uint16_t>(height);
  description.data_size = static_cast<uint32_t>(layout.size);
  description.num_planes = layout.plane_count;
  for (uint32_t i = 0; i < layout.plane_count; ++i) {
    description.pitches[i] = layout.stride[i];
    description.offsets[i] = layout.offset[i];
  }

  const auto buffer_id = display.insert(std::move(buffer));
  if (!buffer_id) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
  description.buf = *buffer_id;
  // The id is part of the description, which others may read once it is in the table.
  const auto image_id =
      display.insert_with_id<Image>(image, [&](uint32_t id) { image->description.image_id = id; });
  if (!image_id) {
    display.remove<Buffer>(*buffer_id);
    return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
  }
  *out = image->description;
  return VA_STATUS_SUCCESS;
}

bool is_inside(const VAImage& image, int x, int y, unsigned int width, unsigned int height) {
  return x >= 0 && y >= 0 && uint64_t(x) + width <= image.width &&
         uint64_t(y) + height <= image.height;
}

}  // namespace

VAStatus query_image_formats(Display&, VAImageFormat* formats, int* count) {
  if (!formats || !count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  for (size_t i = 0; i < kFormats.size(); ++i) formats[i] = describe(kFormats[i]);
  *count = kFormats.size();
  return VA_STATUS_SUCCESS;
}

VAStatus create_image(Display& display, VAImageFormat* format, int width, int height,
                      VAImage* image) {
  if (!format || !image) return VA_STATUS_ERROR_INVALID_PARAMETER;
  image->image_id = VA_INVALID_ID;
  image->buf = VA_INVALID_ID;
  const KnownFormat* known = find_format(format->fourcc);
  if (!known) {
    return refuse(VA_STATUS_ERROR_INVALID_IMAGE_FORMAT, "no images of fourcc 0x%08x",
                  format->fourcc);
  }
  constexpr int kMax = core::kMaxDimension;
  if (width <= 0 || height <= 0 || width > kMax || height > kMax) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "an image of %dx%d; 1x1 to %dx%d are possible",
                  width, height, kMax, kMax);
  }
  const core::LinearLayout layout = core::layout_of(known->format, width, height);
  auto buffer = std::make_shared<Buffer>();
  buffer->storage = display.storage().allocate(layout.size);
  buffer->data = buffer->storage.data();
  return publish(display, *known, width, height, layout, std::move(buffer), image);
}

VAStatus derive_image(Display& display, VASurfaceID surface, VAImage* image) {
  if (!image) return VA_STATUS_ERROR_INVALID_PARAMETER;
  image->image_id = VA_INVALID_ID;
  image->buf = VA_INVALID_ID;
  const auto object = display.find<Surface>(surface);
  if (!object) return VA_STATUS_ERROR_INVALID_SURFACE;
  if (!display.surface_memory_is_cached()) {
    return refuse(VA_STATUS_ERROR_OPERATION_FAILED,
                  "surface memory is not cached by the CPU: vaGetImage is faster than reading it");
  }
  auto exported = object->pixels.export_memory(false);
  if (!exported.ok()) {
    return refuse(VA_STATUS_ERROR_OPERATION_FAILED, "%s", exported.error().message.c_str());
  }
  auto buffer = std::make_shared<Buffer>();
  buffer->data = exported->memory->data();
  buffer->borrowed = exported->memory;
  buffer->derived_from = object;
  return publish(display, known_format(image_format_of(object->pixels.format())),
                 object->pixels.width(), object->pixels.height(), exported->layout,
                 std::move(buffer), image);
}

VAStatus destroy_image(Display& display, VAImageID image) {
  const auto object = display.remove<Image>(image);
  if (!object) return VA_STATUS_ERROR_INVALID_IMAGE;
  display.remove<Buffer>(object->description.buf);
  return VA_STATUS_SUCCESS;
}

VAStatus get_image(Display& display, VASurfaceID surface, int x, int y, unsigned int width,
                   unsigned int height, VAImageID image) {
  const auto source = display.find<Surface>(surface);
  if (!source) return VA_STATUS_ERROR_INVALID_SURFACE;
  const auto target = display.find<Image>(image);
  if (!target) return VA_STATUS_ERROR_INVALID_IMAGE;
  if (x < 0 || y < 0 || !is_inside(target->description, 0, 0, width, height)) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "%ux%u at (%d, %d) into an image of %ux%u",
                  width, height, x, y, target->description.width, target->description.height);
  }
  if (Status status = source->take_derived_writes(); !status.ok()) return refuse(status.error());
  const core::Rect from{uint32_t(x), uint32_t(y), width, height};
  const Status status =
      source->pixels.read(from, target->format, target->layout, target->buffer->data);
  return status.ok() ? VA_STATUS_SUCCESS : refuse(status.error());
}

VAStatus put_image(Display& display, VASurfaceID surface, VAImageID image, int src_x, int src_y,
                   unsigned int src_width, unsigned int src_height, int dest_x, int dest_y,
                   unsigned int dest_width, unsigned int dest_height) {
  const auto target = display.find<Surface>(surface);
  if (!target) return VA_STATUS_ERROR_INVALID_SURFACE;
  const auto source = display.find<Image>(image);
  if (!source) return VA_STATUS_ERROR_INVALID_IMAGE;
  if (src_width != dest_width || src_height != dest_height) {
    return refuse(VA_STATUS_ERROR_UNIMPLEMENTED, "vaPutImage does not scale (%ux%u to %ux%u)",
                  src_width, src_height, dest_width, dest_height);
  }
  if (dest_x < 0 || dest_y < 0 ||
      !is_inside(source->description, src_x, src_y, src_width, src_height)) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "%ux%u at (%d, %d) of an image of %ux%u",
                  src_width, src_height, src_x, src_y, source->description.width,
                  source->description.height);
  }
  if (Status status = target->take_derived_writes(); !status.ok()) return refuse(status.error());
  const core::Rect from{uint32_t(src_x), uint32_t(src_y), src_width, src_height};
  const Status status = target->pixels.write(source->format, source->layout, source->buffer->data,
                                             from, uint32_t(dest_x), uint32_t(dest_y));
  return status.ok() ? VA_STATUS_SUCCESS : refuse(status.error());
}

}  // namespace daedalus::va
