// VaClient's reading back through a VAImage.
#include "test/clients/va/pixels.h"
#include "test/clients/va/va_client.h"

namespace daedalus::va_client {
namespace {

uint32_t fourcc_of(core::ImageFormat format) {
  switch (format) {
    case core::ImageFormat::kNv12:
      return VA_FOURCC_NV12;
    case core::ImageFormat::kI420:
      return VA_FOURCC_I420;
    case core::ImageFormat::kYv12:
      return VA_FOURCC_YV12;
    case core::ImageFormat::kP010:
      return VA_FOURCC_P010;
  }
  return 0;
}

Result<VAImage> create_image(Display& display, core::ImageFormat format, uint32_t width,
                             uint32_t height) {
  VAImageFormat va_format{};
  va_format.fourcc = fourcc_of(format);
  va_format.byte_order = VA_LSB_FIRST;
  va_format.bits_per_pixel = format == core::ImageFormat::kP010 ? 24 : 12;
  VAImage image{};
  Status created =
      display.check(display.call(&VADriverVTable::vaCreateImage, &va_format,
                                 static_cast<int>(width), static_cast<int>(height), &image),
                    "vaCreateImage");
  if (!created) return created.error();
  return image;
}

Status cut_image(Display& display, const VAImage& image, const core::Rect& visible,
                 core::ImageFormat format, std::vector<uint8_t>& out) {
  void* data = nullptr;
  if (Status mapped = display.check(display.call(&VADriverVTable::vaMapBuffer, image.buf, &data),
                                    "vaMapBuffer");
      !mapped)
    return mapped;
  Status read = cut(image_pixels(image, static_cast<const uint8_t*>(data)), visible, format, out);
  display.call(&VADriverVTable::vaUnmapBuffer, image.buf);
  return read;
}

}  // namespace

Status VaClient::read_image(const Surface& surface, const core::Rect& visible,
                            core::ImageFormat format, std::vector<uint8_t>& out) {
  VAImage image{};
  VAStatus derived = VA_STATUS_ERROR_OPERATION_FAILED;
  if (style_.read_back == ReadBack::kDeriveImage) {
    derived = display_->call(&VADriverVTable::vaDeriveImage, surface.id, &image);
    if (derived != VA_STATUS_SUCCESS && derived != VA_STATUS_ERROR_OPERATION_FAILED)
      return display_->check(derived, "vaDeriveImage");
  }
  Status status;
  if (derived != VA_STATUS_SUCCESS) {
    Result<VAImage> created = create_image(*display_, format, surface.width, surface.height);
    if (!created) return created.error();
    image = *created;
    status = display_->check(display_->call(&VADriverVTable::vaGetImage, surface.id, 0, 0,
                                            surface.width, surface.height, image.image_id),
                             "vaGetImage");
  }
  if (status) status = cut_image(*display_, image, visible, format, out);
  display_->call(&VADriverVTable::vaDestroyImage, image.image_id);
  return status;
}

Status VaClient::get_image(const core::Picture& picture, core::ImageFormat format) {
  const Surface* surface = find(picture);
  if (!surface) return Error{ErrorCode::kNotFound, "the picture has no surface"};
  if (image_.width != surface->width || image_.height != surface->height) {
    destroy_image();
    Result<VAImage> created = create_image(*display_, format, surface->width, surface->height);
    if (!created) return created.error();
    image_ = *created;
  }
  const VAStatus status = display_->call(&VADriverVTable::vaGetImage, surface->id, 0, 0,
                                         surface->width, surface->height, image_.image_id);
  if (status != VA_STATUS_SUCCESS) destroy_image();  // perhaps of another format
  return display_->check(status, "vaGetImage");
}

void VaClient::destroy_image() {
  if (image_.width != 0) display_->call(&VADriverVTable::vaDestroyImage, image_.image_id);
  image_ = {};
}

}  // namespace daedalus::va_client
