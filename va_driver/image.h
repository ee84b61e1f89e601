// Images: a surface's pixels in the client's hands, copied (Create, Get, Put) or shared (Derive).
#ifndef DAEDALUS_VA_DRIVER_IMAGE_H_
#define DAEDALUS_VA_DRIVER_IMAGE_H_

#include <va/va.h>

#include <memory>

#include "decode_core/surface.h"

namespace daedalus::va {

struct Buffer;
class Display;

struct Image {
  VAImage description;
  core::ImageFormat format;
  core::LinearLayout layout;
  std::shared_ptr<Buffer> buffer;
};

inline constexpr int kMaxImageFormats = 4;

VAStatus query_image_formats(Display& display, VAImageFormat* formats, int* count);
VAStatus create_image(Display& display, VAImageFormat* format, int width, int height,
                      VAImage* image);
// Only where the surface's memory is cached by the CPU; else VA_STATUS_ERROR_OPERATION_FAILED, on
// which clients go over to vaGetImage.
VAStatus derive_image(Display& display, VASurfaceID surface, VAImage* image);
VAStatus destroy_image(Display& display, VAImageID image);
// Waits for the surface's picture.
VAStatus get_image(Display& display, VASurfaceID surface, int x, int y, unsigned int width,
                   unsigned int height, VAImageID image);
// No scaling: both rectangles have one size.
VAStatus put_image(Display& display, VASurfaceID surface, VAImageID image, int src_x, int src_y,
                   unsigned int src_width, unsigned int src_height, int dest_x, int dest_y,
                   unsigned int dest_width, unsigned int dest_height);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_IMAGE_H_
