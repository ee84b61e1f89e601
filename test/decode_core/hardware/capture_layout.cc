#include "test/decode_core/hardware/capture_layout.h"

#include "decode_core/uapi/pixel_formats.h"

namespace daedalus::core::test {
namespace {

uint32_t round_up(uint32_t value, uint32_t step) { return (value + step - 1) / step * step; }

// Replaces ten bits from `bit` on, which counts from the first byte's lowest; they lie in two
// bytes.
void put_ten_bits(std::span<uint8_t> bytes, size_t bit, uint32_t value) {
  const size_t first = bit / 8;
  const uint32_t old = bytes[first] | static_cast<uint32_t>(bytes[first + 1]) << 8;
  const uint32_t both = (old & ~(0x3FFu << bit % 8)) | value << bit % 8;
  bytes[first] = static_cast<uint8_t>(both);
  bytes[first + 1] = static_cast<uint8_t>(both >> 8);
}

}  // namespace

QueueFormat format_of(const CaptureLayout& layout, uint32_t width, uint32_t height) {
  QueueFormat format;
  format.fourcc = layout.fourcc;
  format.width = round_up(width, layout.width_step);
  format.height = round_up(height, layout.height_step);
  const uint32_t chroma_rows = (format.height + 1) / 2;
  const bool narrow = layout.fourcc == V4L2_PIX_FMT_NV12_COL128;
  if (narrow || layout.fourcc == V4L2_PIX_FMT_NV12_10_COL128) {
    const uint32_t samples = narrow ? 128 : 96;
    format.width = round_up(format.width, samples);
    format.strides[0] = format.height + chroma_rows + layout.padding;
    format.sizes[0] = format.width / samples * 128 * format.strides[0];
    return format;
  }
  uint32_t row = round_up(format.width, 2);
  if (layout.fourcc == V4L2_PIX_FMT_P010) row *= 2;
  if (layout.fourcc == V4L2_PIX_FMT_NV15) row = (row * 10 + 7) / 8;
  format.strides[0] = row + layout.padding;
  format.sizes[0] = format.strides[0] * (format.height + chroma_rows);
  return format;
}

void put_sample(const QueueFormat& format, std::span<uint8_t> bytes, uint32_t component, uint32_t x,
                uint32_t y, uint16_t value) {
  const size_t column = component == 0 ? x : 2 * x + component - 1;
  const size_t row = component == 0 ? y : format.height + y;
  const size_t stride = format.strides[0];
  switch (format.fourcc) {
    case V4L2_PIX_FMT_NV12_COL128:
      bytes[column / 128 * stride * 128 + row * 128 + column % 128] = static_cast<uint8_t>(value);
      break;
    case V4L2_PIX_FMT_NV12_10_COL128:
      put_ten_bits(
          bytes,
          (column / 96 * stride * 128 + row * 128 + column % 96 / 3 * 4) * 8 + column % 3 * 10,
          value);
      break;
    case V4L2_PIX_FMT_NV15:
      put_ten_bits(bytes, row * stride * 8 + column * 10, value);
      break;
    case V4L2_PIX_FMT_P010:
      bytes[row * stride + 2 * column] = static_cast<uint8_t>(value << 6);
      bytes[row * stride + 2 * column + 1] = static_cast<uint8_t>(value >> 2);
      break;
    default:
      bytes[row * stride + column] = static_cast<uint8_t>(value);
      break;
  }
}

}  // namespace daedalus::core::test
