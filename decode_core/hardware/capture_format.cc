#include "decode_core/hardware/capture_format.h"

#include <algorithm>
#include <array>
#include <string>

#include "decode_core/codec.h"
#include "decode_core/image.h"
#include "gpu_kernels/pack/pack.h"

namespace daedalus::core {
namespace {

using gpu_kernels::Band;
using gpu_kernels::chroma_420;
using gpu_kernels::SourcePlane;
using gpu_kernels::TargetPlane;

// How the colour planes of a format lie in its memory planes.
struct Kind {
  uint32_t fourcc;
  int bit_depth;
  SampleFormat samples;    // what pictures of it become
  uint32_t memory_planes;  // 1: the colour planes follow each other in one
};
constexpr std::array<Kind, 4> kKinds = {{
    {V4L2_PIX_FMT_NV12, 8, SampleFormat::kNv12, 1},
    {V4L2_PIX_FMT_NV12M, 8, SampleFormat::kNv12, 2},
    {V4L2_PIX_FMT_YUV420, 8, SampleFormat::kI420, 1},
    {V4L2_PIX_FMT_P010, 10, SampleFormat::kI42010, 1},
}};

const Kind* find_kind(uint32_t fourcc) {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](const Kind& kind) { return kind.fourcc == fourcc; });
  return found == kKinds.end() ? nullptr : found;
}

// A colour plane in the buffer.
struct Location {
  uint32_t memory_plane = 0;
  size_t offset = 0;  // bytes
  size_t stride = 0;  // bytes
  size_t row = 0;     // bytes of it that are samples, for the whole width
  uint32_t rows = 0;
};

// V4L2 "2.7. Image Formats": in one memory plane the luma has `height` rows, and chroma follows.
std::array<Location, 3> locate(const Kind& kind, const QueueFormat& format) {
  const size_t sample = kind.bit_depth > 8 ? 2 : 1;
  const uint32_t chroma_width = chroma_420(format.width);
  const uint32_t chroma_rows = chroma_420(format.height);
  const size_t stride = format.strides[0];
  std::array<Location, 3> at{};
  at[0] = {0, 0, stride, format.width * sample, format.height};
  if (kind.samples == SampleFormat::kI420) {
    const size_t chroma = stride * format.height;
    at[1] = {0, chroma, stride / 2, chroma_width, chroma_rows};
    at[2] = {0, chroma + stride / 2 * chroma_rows, stride / 2, chroma_width, chroma_rows};
  } else if (kind.memory_planes == 2) {
    at[1] = {1, 0, format.strides[1], size_t{chroma_width} * 2 * sample, chroma_rows};
  } else {
    at[1] = {0, stride * format.height, stride, size_t{chroma_width} * 2 * sample, chroma_rows};
  }
  return at;
}

bool consistent(const Kind& kind, const QueueFormat& format) {
  if (format.width == 0 || format.height == 0 || format.width > 2 * kMaxDimension ||
      format.height > 2 * kMaxDimension || format.planes != kind.memory_planes) {
    return false;
  }
  for (const Location& plane : locate(kind, format)) {
    if (plane.rows == 0) continue;
    const size_t end = plane.offset + plane.stride * (plane.rows - 1) + plane.row;
    if (plane.stride < plane.row || end > format.sizes[plane.memory_plane]) return false;
  }
  return true;
}

// The frame's memory, laid out in the samples' format.
Result<FrameBuffer> allocate(FramePool& pool, SampleFormat samples, uint32_t width,
                             uint32_t height) {
  const size_t sample = samples == SampleFormat::kI42010 ? 2 : 1;
  const LinearLayout layout = layout_of(
      samples == SampleFormat::kNv12 ? ImageFormat::kNv12 : ImageFormat::kI420, width, height);
  auto memory = pool.allocate(layout.size * sample);
  if (!memory) return memory.error();
  FrameBuffer frame{{samples, width, height, {}}, *memory};
  for (size_t plane = 0; plane < layout.plane_count; ++plane) {
    frame.view.planes[plane] = {(*memory)->data() + layout.offset[plane] * sample,
                                layout.stride[plane] * sample};
  }
  return frame;
}

TargetPlane target(const FrameBuffer& frame, size_t plane) {
  const Plane& to = frame.view.planes[plane];
  return {to.data, static_cast<ptrdiff_t>(to.stride)};
}

}  // namespace

int bit_depth_of_capture(uint32_t fourcc) {
  const Kind* kind = find_kind(fourcc);
  return kind == nullptr ? 0 : kind->bit_depth;
}

bool holds_picture(const QueueFormat& format, uint32_t width, uint32_t height) {
  const Kind* kind = find_kind(format.fourcc);
  return kind != nullptr && width <= format.width && height <= format.height &&
         consistent(*kind, format);
}

Result<FrameBuffer> copy_picture(FramePool& pool, const QueueFormat& format,
                                 std::span<const DeviceMapping> planes, uint32_t width,
                                 uint32_t height) {
  const Kind& kind = *find_kind(format.fourcc);
  for (uint32_t i = 0; i < format.planes; ++i) {
    if (i >= planes.size() || planes[i].bytes().size() < format.sizes[i]) {
      return Error{ErrorCode::kSystem, "a CAPTURE buffer is smaller than its format says"};
    }
  }
  auto frame = allocate(pool, kind.samples, width, height);
  if (!frame) return frame.error();
  const auto locations = locate(kind, format);
  const auto source = [&](size_t plane) {
    const Location& at = locations[plane];
    return SourcePlane{planes[at.memory_plane].bytes().data() + at.offset,
                       static_cast<ptrdiff_t>(at.stride)};
  };
  const gpu_kernels::PackFunctions& pack =
      gpu_kernels::pack_functions(gpu_kernels::Substrate::kAuto);
  const Band luma{width, 0, height};
  const Band chroma{chroma_420(width), 0, chroma_420(height)};
  switch (kind.samples) {
    case SampleFormat::kNv12:
      pack.copy_8(source(0), target(*frame, 0), luma);
      pack.copy_8(source(1), target(*frame, 1), {chroma.width * 2, 0, chroma.end_row});
      break;
    case SampleFormat::kI420:
      pack.copy_8(source(0), target(*frame, 0), luma);
      pack.copy_8(source(1), target(*frame, 1), chroma);
      pack.copy_8(source(2), target(*frame, 2), chroma);
      break;
    case SampleFormat::kI42010:
      pack.high_to_low_16(source(0), target(*frame, 0), luma, kind.bit_depth);
      pack.deinterleave_high_to_low_16(source(1), target(*frame, 1), target(*frame, 2), chroma,
                                       kind.bit_depth);
      break;
  }
  return frame;
}

}  // namespace daedalus::core
