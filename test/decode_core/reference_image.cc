#include "test/decode_core/reference_image.h"

#include "test/decode_core/jobs.h"

namespace daedalus::core::test {
namespace {

bool planar(ImageFormat format) {
  return format == ImageFormat::kI420 || format == ImageFormat::kYv12;
}

size_t bytes_of_sample(ImageFormat format) { return format == ImageFormat::kP010 ? 2 : 1; }

size_t position_of(ImageFormat format, const LinearLayout& layout, int component, uint32_t x,
                   uint32_t y) {
  size_t plane = static_cast<size_t>(component);
  size_t column = x;
  if (format == ImageFormat::kYv12 && component > 0) plane = 3 - plane;
  if (!planar(format) && component > 0) {
    plane = 1;
    column = size_t{x} * 2 + (component == 2 ? 1 : 0);
  }
  return layout.offset[plane] + size_t{layout.stride[plane]} * y + column * bytes_of_sample(format);
}

}  // namespace

int image_sample(ImageFormat format, const LinearLayout& layout, const uint8_t* image,
                 int component, uint32_t x, uint32_t y) {
  const uint8_t* at = image + position_of(format, layout, component, x, y);
  if (format != ImageFormat::kP010) return *at;
  const int value = at[0] | at[1] << 8;
  return value % 64 == 0 ? value / 64 : -1;
}

std::vector<uint8_t> untouched_image(const LinearLayout& layout) {
  return std::vector<uint8_t>(layout.size, kUntouched);
}

std::string difference(const FrameView& frame, const Rect& from, ImageFormat format,
                       const LinearLayout& layout, const std::vector<uint8_t>& image) {
  const int scale = format == ImageFormat::kP010 ? 4 : 1;
  std::vector<bool> is_sample(image.size(), false);
  for (int component = 0; component < 3; ++component) {
    const uint32_t divisor = component == 0 ? 1 : 2;
    const uint32_t width = (from.width + divisor - 1) / divisor;
    const uint32_t height = (from.height + divisor - 1) / divisor;
    const uint32_t frame_width = (frame.width + divisor - 1) / divisor;
    const uint32_t frame_height = (frame.height + divisor - 1) / divisor;
    for (uint32_t y = 0; y < height; ++y) {
      for (uint32_t x = 0; x < width; ++x) {
        const uint32_t frame_x = from.x / divisor + x;
        const uint32_t frame_y = from.y / divisor + y;
        int expected = (component == 0 ? 16 : 128) * scale;
        if (frame_x < frame_width && frame_y < frame_height) {
          expected = sample_at(frame, component, frame_x, frame_y);
        }
        const int actual = image_sample(format, layout, image.data(), component, x, y);
        if (actual != expected) {
          return "component " + std::to_string(component) + " at " + std::to_string(x) + ", " +
                 std::to_string(y) + ": " + std::to_string(actual) + " instead of " +
                 std::to_string(expected);
        }
        const size_t position = position_of(format, layout, component, x, y);
        for (size_t i = 0; i < bytes_of_sample(format); ++i) is_sample[position + i] = true;
      }
    }
  }
  for (size_t i = 0; i < image.size(); ++i) {
    if (!is_sample[i] && image[i] != kUntouched)
      return "byte " + std::to_string(i) + " was written";
  }
  return {};
}

}  // namespace daedalus::core::test
