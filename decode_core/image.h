// Linear images: how a picture lies in a client's buffer.
#ifndef DAEDALUS_DECODE_CORE_IMAGE_H_
#define DAEDALUS_DECODE_CORE_IMAGE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace daedalus::core {

// Layouts an image can have; P010 is little endian, value in the high 10 bits.
enum class ImageFormat : uint8_t { kNv12, kI420, kYv12, kP010 };

// Where the planes of a linear buffer lie, in bytes. Plane order is that of the format (kYv12:
// Y, V, U).
struct LinearLayout {
  uint32_t plane_count = 0;
  std::array<uint32_t, 3> offset{};
  std::array<uint32_t, 3> stride{};
  size_t size = 0;  // of the whole buffer
};

// Strides are multiples of 64 bytes, planes begin at multiples of 64. Sizes are bounded by
// kMaxDimension: the caller checks.
LinearLayout layout_of(ImageFormat format, uint32_t width, uint32_t height);

// In luma samples.
struct Rect {
  uint32_t x = 0, y = 0, width = 0, height = 0;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_IMAGE_H_
