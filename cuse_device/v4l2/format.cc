#include "cuse_device/v4l2/format.h"

#include <algorithm>
#include <cstring>

#include "decode_core/codec.h"

namespace daedalus::v4l2 {
namespace {

constexpr RawFormat kRawFormats[] = {
    {V4L2_PIX_FMT_NV12, core::ImageFormat::kNv12, 8, 1, "Y/UV 4:2:0"},
    {V4L2_PIX_FMT_YUV420, core::ImageFormat::kI420, 8, 1, "Planar YUV 4:2:0"},
    {V4L2_PIX_FMT_NV12M, core::ImageFormat::kNv12, 8, 2, "Y/UV 4:2:0 (N-C)"},
    {V4L2_PIX_FMT_P010, core::ImageFormat::kP010, 10, 1, "10-bit Y/UV 4:2:0"},
};

// Colour primaries of ISO/IEC 23091-2, table 2.
uint32_t colorspace_of(uint8_t primaries, uint8_t transfer) {
  switch (primaries) {
    case 1:
      return transfer == 13 ? V4L2_COLORSPACE_SRGB : V4L2_COLORSPACE_REC709;
    case 4:
      return V4L2_COLORSPACE_470_SYSTEM_M;
    case 5:
      return V4L2_COLORSPACE_470_SYSTEM_BG;
    case 6:
      return V4L2_COLORSPACE_SMPTE170M;
    case 7:
      return V4L2_COLORSPACE_SMPTE240M;
    case 9:
      return V4L2_COLORSPACE_BT2020;
    case 11:
      return V4L2_COLORSPACE_DCI_P3;
    default:
      return V4L2_COLORSPACE_DEFAULT;
  }
}

// Transfer characteristics, table 3.
uint8_t xfer_func_of(uint8_t transfer) {
  switch (transfer) {
    case 1:
    case 6:
    case 14:
    case 15:
      return V4L2_XFER_FUNC_709;
    case 7:
      return V4L2_XFER_FUNC_SMPTE240M;
    case 8:
      return V4L2_XFER_FUNC_NONE;
    case 13:
      return V4L2_XFER_FUNC_SRGB;
    case 16:
      return V4L2_XFER_FUNC_SMPTE2084;
    case 17:
      return V4L2_XFER_FUNC_DCI_P3;
    default:
      return V4L2_XFER_FUNC_DEFAULT;
  }
}

// Matrix coefficients, table 4.
uint8_t ycbcr_enc_of(uint8_t matrix) {
  switch (matrix) {
    case 1:
      return V4L2_YCBCR_ENC_709;
    case 5:
    case 6:
      return V4L2_YCBCR_ENC_601;
    case 7:
      return V4L2_YCBCR_ENC_SMPTE240M;
    case 9:
      return V4L2_YCBCR_ENC_BT2020;
    case 10:
      return V4L2_YCBCR_ENC_BT2020_CONST_LUM;
    default:
      return V4L2_YCBCR_ENC_DEFAULT;
  }
}

}  // namespace

std::span<const RawFormat> raw_formats() { return kRawFormats; }

const RawFormat* find_raw_format(uint32_t fourcc) {
  const auto* found = std::find_if(std::begin(kRawFormats), std::end(kRawFormats),
                                   [&](const RawFormat& f) { return f.fourcc == fourcc; });
  return found == std::end(kRawFormats) ? nullptr : found;
}

const RawFormat* enumerate_raw_format(uint32_t index, int bit_depth) {
  for (const RawFormat& format : kRawFormats) {
    if (format.bit_depth == bit_depth && index-- == 0) return &format;
  }
  return nullptr;
}

Colour colour_of(const v4l2_pix_format_mplane& pixels) {
  Colour colour;
  if (pixels.colorspace <= V4L2_COLORSPACE_DCI_P3) colour.colorspace = pixels.colorspace;
  if (pixels.ycbcr_enc <= V4L2_YCBCR_ENC_SMPTE240M) colour.ycbcr_enc = pixels.ycbcr_enc;
  if (pixels.quantization <= V4L2_QUANTIZATION_LIM_RANGE) {
    colour.quantization = pixels.quantization;
  }
  if (pixels.xfer_func <= V4L2_XFER_FUNC_SMPTE2084) colour.xfer_func = pixels.xfer_func;
  return colour;
}

Colour colour_of(uint8_t primaries, uint8_t transfer, uint8_t matrix, bool full_range) {
  Colour colour;
  colour.colorspace = colorspace_of(primaries, transfer);
  colour.xfer_func = xfer_func_of(transfer);
  colour.ycbcr_enc = ycbcr_enc_of(matrix);
  if (full_range) {
    colour.quantization = V4L2_QUANTIZATION_FULL_RANGE;
  } else if (colour != Colour{}) {
    colour.quantization = V4L2_QUANTIZATION_LIM_RANGE;
  }
  return colour;
}

QueueFormat raw_queue_format(const RawFormat& format, uint32_t width, uint32_t height,
                             const Colour& colour) {
  const core::LinearLayout layout = core::layout_of(format.image, width, height);
  QueueFormat queue;
  queue.fourcc = format.fourcc;
  queue.width = width;
  queue.height = height;
  queue.colour = colour;
  queue.plane_count = format.memory_planes;
  queue.strides[0] = layout.stride[0];
  queue.sizes[0] = static_cast<uint32_t>(layout.size);
  if (format.memory_planes == 2) {
    queue.sizes[0] = layout.offset[1];
    queue.sizes[1] = static_cast<uint32_t>(layout.size) - layout.offset[1];
    queue.strides[1] = layout.stride[1];
  }
  return queue;
}

std::array<PlaneLocation, 3> plane_locations(const RawFormat& format, uint32_t width,
                                             uint32_t height) {
  const core::LinearLayout layout = core::layout_of(format.image, width, height);
  std::array<PlaneLocation, 3> planes{};
  for (uint32_t i = 0; i < layout.plane_count; ++i) {
    planes[i] = {0, layout.offset[i], layout.stride[i]};
    if (i != 0 && format.memory_planes == 2) planes[i] = {1, 0, layout.stride[i]};
  }
  return planes;
}

QueueFormat coded_queue_format(uint32_t fourcc, uint32_t width, uint32_t height,
                               uint32_t wanted_size, const Colour& colour) {
  QueueFormat queue;
  queue.fourcc = fourcc;
  queue.width = width;
  queue.height = height;
  queue.colour = colour;
  queue.plane_count = 1;
  // A coded picture of intra blocks is seldom larger than half of its samples.
  const uint32_t usual = width * height / 4 * 3;
  queue.sizes[0] =
      std::clamp(std::max(wanted_size, usual), kMinCodedBufferSize, kMaxCodedBufferSize);
  return queue;
}

uint32_t clamp_dimension(uint32_t value, uint32_t default_value) {
  return value == 0 ? default_value : std::min(value, core::kMaxDimension);
}

void describe(const QueueFormat& format, v4l2_pix_format_mplane* pixels) {
  *pixels = {};
  pixels->width = format.width;
  pixels->height = format.height;
  pixels->pixelformat = format.fourcc;
  pixels->field = V4L2_FIELD_NONE;
  pixels->colorspace = format.colour.colorspace;
  pixels->ycbcr_enc = format.colour.ycbcr_enc;
  pixels->quantization = format.colour.quantization;
  pixels->xfer_func = format.colour.xfer_func;
  pixels->num_planes = static_cast<uint8_t>(format.plane_count);
  for (uint32_t i = 0; i < format.plane_count; ++i) {
    pixels->plane_fmt[i].sizeimage = format.sizes[i];
    pixels->plane_fmt[i].bytesperline = format.strides[i];
  }
}

void describe(uint32_t fourcc, std::string_view description, uint32_t flags, v4l2_fmtdesc* answer) {
  const uint32_t index = answer->index;
  const uint32_t type = answer->type;
  *answer = {};
  answer->index = index;
  answer->type = type;
  answer->flags = flags;
  answer->pixelformat = fourcc;
  const size_t length = std::min(description.size(), sizeof answer->description - 1);
  std::memcpy(answer->description, description.data(), length);
}

}  // namespace daedalus::v4l2
