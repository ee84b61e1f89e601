// Formats: the pixel formats of CAPTURE queues and the format of a queue as V4L2 describes it.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_FORMAT_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_FORMAT_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "decode_core/image.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// A linear pixel format that pictures can be written in.
struct RawFormat {
  uint32_t fourcc;  // V4L2_PIX_FMT_…
  core::ImageFormat image;
  int bit_depth;
  uint32_t memory_planes;        // planes with memory of their own
  std::string_view description;  // the kernel's words (v4l_fill_fmtdesc)
};

// In the order of preference.
std::span<const RawFormat> raw_formats();
const RawFormat* find_raw_format(uint32_t fourcc);
// The index-th format of that depth (VIDIOC_ENUM_FMT); null beyond the last.
const RawFormat* enumerate_raw_format(uint32_t index, int bit_depth);

// Colour as V4L2 says it; 0 is "default" for each.
struct Colour {
  uint32_t colorspace = V4L2_COLORSPACE_DEFAULT;
  uint8_t ycbcr_enc = V4L2_YCBCR_ENC_DEFAULT;
  uint8_t quantization = V4L2_QUANTIZATION_DEFAULT;
  uint8_t xfer_func = V4L2_XFER_FUNC_DEFAULT;
  bool operator==(const Colour&) const = default;
};

// The colour of a client's format; values that V4L2 does not know become "default".
Colour colour_of(const v4l2_pix_format_mplane& pixels);
// From the code points of ISO/IEC 23091-2 (2: unspecified).
Colour colour_of(uint8_t primaries, uint8_t transfer, uint8_t matrix, bool full_range);

// The format of one queue.
struct QueueFormat {
  uint32_t fourcc = 0;
  uint32_t width = 0;  // luma samples
  uint32_t height = 0;
  Colour colour;
  uint32_t plane_count = 1;                          // planes with memory of their own
  std::array<uint32_t, VIDEO_MAX_PLANES> sizes{};    // bytes
  std::array<uint32_t, VIDEO_MAX_PLANES> strides{};  // bytes; 0 for coded data
};

// A raw queue's format: planes, sizes and strides follow from the size in luma samples.
QueueFormat raw_queue_format(const RawFormat& format, uint32_t width, uint32_t height,
                             const Colour& colour);
// Where the colour planes of a picture lie in the memory planes of such a queue's buffers.
struct PlaneLocation {
  uint32_t memory_plane = 0;
  uint32_t offset = 0;  // bytes
  uint32_t stride = 0;  // bytes
};
std::array<PlaneLocation, 3> plane_locations(const RawFormat& format, uint32_t width,
                                             uint32_t height);

// A coded queue's format. `wanted_size`: of one buffer, in bytes, brought into the bounds below.
QueueFormat coded_queue_format(uint32_t fourcc, uint32_t width, uint32_t height,
                               uint32_t wanted_size, const Colour& colour);
inline constexpr uint32_t kMinCodedBufferSize = 2u << 20;
inline constexpr uint32_t kMaxCodedBufferSize = 32u << 20;

// Sizes of pictures that a client may ask for; 0 becomes the default, the rest is clamped.
inline constexpr uint32_t kDefaultWidth = 640;
inline constexpr uint32_t kDefaultHeight = 480;
uint32_t clamp_dimension(uint32_t value, uint32_t default_value);

// Fills all of `pixels`.
void describe(const QueueFormat& format, v4l2_pix_format_mplane* pixels);

// Fills index's answer: pixelformat, flags, description; what a client must find zero is zero.
void describe(uint32_t fourcc, std::string_view description, uint32_t flags, v4l2_fmtdesc* answer);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_FORMAT_H_
