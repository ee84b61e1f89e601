// Cutting the visible part out of a picture, plane after plane without padding.
#ifndef DAEDALUS_TEST_CLIENTS_VA_PIXELS_H_
#define DAEDALUS_TEST_CLIENTS_VA_PIXELS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "decode_core/image.h"

namespace daedalus::va_client {

// Somebody else's pixels.
struct PixelView {
  struct Plane {
    const uint8_t* data = nullptr;
    size_t stride = 0;  // bytes
  };
  core::ImageFormat format = core::ImageFormat::kNv12;
  uint32_t width = 0, height = 0;  // luma samples
  std::array<Plane, 3> planes;     // in the order of the format
};

// The `visible` part in `format`. kInvalidArgument: it lies outside, or the depths differ.
Status cut(const PixelView& from, const core::Rect& visible, core::ImageFormat format,
           std::vector<uint8_t>& out);

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_PIXELS_H_
