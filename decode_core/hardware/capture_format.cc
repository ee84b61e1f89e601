#include "decode_core/hardware/capture_format.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/image.h"
#include "decode_core/uapi/pixel_formats.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/sand/sand.h"

namespace daedalus::core {
namespace {

using gpu_kernels::Band;
using gpu_kernels::chroma_420;
using gpu_kernels::ColumnPlane;
using gpu_kernels::kColumnBytes;
using gpu_kernels::PackFunctions;
using gpu_kernels::SandFunctions;
using gpu_kernels::SourcePlane;
using gpu_kernels::TargetPlane;

// How samples lie in a plane.
enum class Packing : uint8_t { kLinear, kNc12, kNc30, kNv15 };

// How the colour planes of a format lie in its memory planes.
struct Kind {
  uint32_t fourcc;
  int bit_depth;
  SampleFormat samples;    // what copies of its pictures are
  uint32_t memory_planes;  // 1: the colour planes follow each other in one
  Packing packing = Packing::kLinear;
};
constexpr std::array<Kind, 7> kKinds = {{
    {V4L2_PIX_FMT_NV12, 8, SampleFormat::kNv12, 1},
    {V4L2_PIX_FMT_NV12M, 8, SampleFormat::kNv12, 2},
    {V4L2_PIX_FMT_YUV420, 8, SampleFormat::kI420, 1},
    {V4L2_PIX_FMT_P010, 10, SampleFormat::kI42010, 1},
    {V4L2_PIX_FMT_NV12_COL128, 8, SampleFormat::kNv12, 1, Packing::kNc12},
    {V4L2_PIX_FMT_NV12_10_COL128, 10, SampleFormat::kI42010, 1, Packing::kNc30},
    {V4L2_PIX_FMT_NV15, 10, SampleFormat::kI42010, 1, Packing::kNv15},
}};

bool has_columns(const Kind& kind) {
  return kind.packing == Packing::kNc12 || kind.packing == Packing::kNc30;
}

const Kind* find_kind(uint32_t fourcc) {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](const Kind& kind) { return kind.fourcc == fourcc; });
  return found == kKinds.end() ? nullptr : found;
}

// A colour plane in the buffer.
struct Location {
  uint32_t memory_plane = 0;
  size_t offset = 0;  // bytes
  size_t stride = 0;  // bytes from a row to the next; of columns: from a column to the next
  size_t row = 0;     // bytes of it that are samples, for the whole width
  uint32_t rows = 0;
};

size_t row_bytes(const Kind& kind, size_t samples) {
  if (kind.packing == Packing::kNv15) return gpu_kernels::nv15_row_bytes(samples);
  return kind.bit_depth > 8 ? 2 * samples : samples;
}

// V4L2 "2.7. Image Formats": in one memory plane the luma has `height` rows, and chroma follows; in
// columns it does so in each of them, and "bytesperline" is the rows from a column to the next
// ("pixfmt-nv12-col128" of the Raspberry Pi's kernel).
std::array<Location, 3> locate(const Kind& kind, const QueueFormat& format) {
  const uint32_t chroma_width = chroma_420(format.width);
  const uint32_t chroma_rows = chroma_420(format.height);
  const size_t chroma_row = row_bytes(kind, size_t{chroma_width} * 2);
  const size_t stride = format.strides[0];
  std::array<Location, 3> at{};
  at[0] = {0, 0, stride, row_bytes(kind, format.width), format.height};
  if (has_columns(kind)) {
    at[0] = {0, 0, stride * kColumnBytes, 0, format.height};
    at[1] = {0, size_t{format.height} * kColumnBytes, stride * kColumnBytes, 0, chroma_rows};
  } else if (kind.samples == SampleFormat::kI420) {
    const size_t chroma = stride * format.height;
    at[1] = {0, chroma, stride / 2, chroma_width, chroma_rows};
    at[2] = {0, chroma + stride / 2 * chroma_rows, stride / 2, chroma_width, chroma_rows};
  } else if (kind.memory_planes == 2) {
    at[1] = {1, 0, format.strides[1], chroma_row, chroma_rows};
  } else {
    at[1] = {0, stride * format.height, stride, chroma_row, chroma_rows};
  }
  return at;
}

// Whether the rows of both planes fit a column, and all columns the memory.
bool columns_consistent(const Kind& kind, const QueueFormat& format) {
  const size_t samples = kind.packing == Packing::kNc12 ? gpu_kernels::kNc12ColumnSamples
                                                        : gpu_kernels::kNc30ColumnSamples;
  // An odd width has one chroma sample more than its luma.
  const size_t width = size_t{2} * chroma_420(format.width);
  const size_t columns = (width + samples - 1) / samples;
  const size_t rows = size_t{format.height} + chroma_420(format.height);
  const size_t column_rows = format.strides[0];
  return rows <= column_rows &&
         ((columns - 1) * column_rows + rows) * kColumnBytes <= format.sizes[0];
}

bool consistent(const Kind& kind, const QueueFormat& format) {
  if (format.width == 0 || format.height == 0 || format.width > 2 * kMaxDimension ||
      format.height > 2 * kMaxDimension || format.planes != kind.memory_planes) {
    return false;
  }
  if (has_columns(kind)) return columns_consistent(kind, format);
  for (const Location& plane : locate(kind, format)) {
    if (plane.rows == 0) continue;
    const size_t end = plane.offset + plane.stride * (plane.rows - 1) + plane.row;
    if (plane.stride < plane.row || end > format.sizes[plane.memory_plane]) return false;
  }
  return true;
}

Status check_planes(const QueueFormat& format, std::span<const std::span<uint8_t>> planes) {
  for (uint32_t i = 0; i < format.planes; ++i) {
    if (i >= planes.size() || planes[i].size() < format.sizes[i]) {
      return Error{ErrorCode::kSystem, "a CAPTURE buffer is smaller than its format says"};
    }
  }
  return {};
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

TargetPlane target(const FrameBuffer& frame, size_t plane, uint32_t row = 0) {
  const Plane& to = frame.view.planes[plane];
  return {to.data + row * to.stride, static_cast<ptrdiff_t>(to.stride)};
}

// One picture out of one buffer, by the kernels of one wish.
class Copy {
 public:
  Copy(const Kind& kind, const QueueFormat& format, std::span<const std::span<uint8_t>> planes,
       const gpu_kernels::SubstrateChoice& substrate)
      : kind_(kind),
        locations_(locate(kind, format)),
        planes_(planes),
        pack_(gpu_kernels::pack_functions(substrate.of(gpu_kernels::Stage::kPack))),
        sand_(gpu_kernels::sand_functions(substrate.of(gpu_kernels::Stage::kSand))) {}

  void run(FrameBuffer& frame) const {
    const Band luma{frame.view.width, 0, frame.view.height};
    const Band chroma{chroma_420(luma.width), 0, chroma_420(luma.end_row)};
    const Band pairs{chroma.width * 2, 0, chroma.end_row};
    if (kind_.packing == Packing::kNc12) {
      sand_.unpack_nc12(columns(0, 0), target(frame, 0), luma);
      sand_.unpack_nc12(columns(1, 0), target(frame, 1), pairs);
    } else if (kind_.packing != Packing::kLinear) {
      run_packed_10(frame, luma, chroma);
    } else if (kind_.samples == SampleFormat::kNv12) {
      pack_.copy_8(rows(0, 0), target(frame, 0), luma);
      pack_.copy_8(rows(1, 0), target(frame, 1), pairs);
    } else if (kind_.samples == SampleFormat::kI420) {
      pack_.copy_8(rows(0, 0), target(frame, 0), luma);
      pack_.copy_8(rows(1, 0), target(frame, 1), chroma);
      pack_.copy_8(rows(2, 0), target(frame, 2), chroma);
    } else {
      pack_.high_to_low_16(rows(0, 0), target(frame, 0), luma, kind_.bit_depth);
      pack_.deinterleave_high_to_low_16(rows(1, 0), target(frame, 1), target(frame, 2), chroma,
                                        kind_.bit_depth);
    }
  }

 private:
  const uint8_t* start(size_t plane) const {
    const Location& at = locations_[plane];
    return planes_[at.memory_plane].data() + at.offset;
  }
  // From that row on.
  SourcePlane rows(size_t plane, uint32_t row) const {
    const size_t stride = locations_[plane].stride;
    return {start(plane) + row * stride, static_cast<ptrdiff_t>(stride)};
  }
  ColumnPlane columns(size_t plane, uint32_t row) const {
    return {start(plane) + size_t{row} * kColumnBytes, locations_[plane].stride};
  }

  void unpack_10(size_t plane, uint32_t row, TargetPlane to, Band band) const {
    if (kind_.packing == Packing::kNc30) {
      sand_.unpack_nc30(columns(plane, row), to, band);
    } else {
      sand_.unpack_nv15(rows(plane, row), to, band);
    }
  }

  // To P010 and from there to low planar samples, in strips that stay in the first-level cache.
  void run_packed_10(FrameBuffer& frame, Band luma, Band chroma) const {
    constexpr uint32_t kStripRows = 8;
    const size_t stride = size_t{chroma.width} * 2 * sizeof(uint16_t);
    std::vector<uint8_t> memory(stride * kStripRows);
    const TargetPlane strip{memory.data(), static_cast<ptrdiff_t>(stride)};
    const SourcePlane unpacked{strip.data, strip.stride};
    for (uint32_t row = 0; row < luma.end_row; row += kStripRows) {
      const Band band{luma.width, 0, std::min(kStripRows, luma.end_row - row)};
      unpack_10(0, row, strip, band);
      pack_.high_to_low_16(unpacked, target(frame, 0, row), band, kind_.bit_depth);
    }
    for (uint32_t row = 0; row < chroma.end_row; row += kStripRows) {
      const Band band{chroma.width, 0, std::min(kStripRows, chroma.end_row - row)};
      unpack_10(1, row, strip, {2 * band.width, 0, band.end_row});
      pack_.deinterleave_high_to_low_16(unpacked, target(frame, 1, row), target(frame, 2, row),
                                        band, kind_.bit_depth);
    }
  }

  const Kind& kind_;
  const std::array<Location, 3> locations_;
  const std::span<const std::span<uint8_t>> planes_;
  const PackFunctions& pack_;
  const SandFunctions& sand_;
};

}  // namespace

int bit_depth_of_capture(uint32_t fourcc) {
  const Kind* kind = find_kind(fourcc);
  return kind == nullptr ? 0 : kind->bit_depth;
}

bool is_packed_capture(uint32_t fourcc) {
  const Kind* kind = find_kind(fourcc);
  return kind != nullptr && kind->packing != Packing::kLinear;
}

bool holds_picture(const QueueFormat& format, uint32_t width, uint32_t height) {
  const Kind* kind = find_kind(format.fourcc);
  return kind != nullptr && width <= format.width && height <= format.height &&
         consistent(*kind, format);
}

std::optional<LinearLayout> surface_layout(const QueueFormat& format) {
  const Kind* kind = find_kind(format.fourcc);
  const bool interleaved = format.fourcc == V4L2_PIX_FMT_NV12 || format.fourcc == V4L2_PIX_FMT_P010;
  if (!interleaved || !consistent(*kind, format)) return std::nullopt;
  LinearLayout layout;
  layout.plane_count = 2;
  layout.size = format.sizes[0];
  const std::array<Location, 3> locations = locate(*kind, format);
  for (size_t plane = 0; plane < layout.plane_count; ++plane) {
    layout.offset[plane] = static_cast<uint32_t>(locations[plane].offset);
    layout.stride[plane] = static_cast<uint32_t>(locations[plane].stride);
  }
  return layout;
}

bool suits(const Destination& destination, const QueueFormat& format) {
  const auto layout = surface_layout(format);
  return layout && layout->offset == destination.layout.offset &&
         layout->stride == destination.layout.stride && destination.memory->dma_buf() &&
         destination.memory->size() >= format.sizes[0];
}

Result<FrameView> view_picture(const QueueFormat& format,
                               std::span<const std::span<uint8_t>> planes, uint32_t width,
                               uint32_t height) {
  const Kind& kind = *find_kind(format.fourcc);
  if (Status status = check_planes(format, planes); !status) return status.error();
  const bool wide = kind.bit_depth > 8;
  FrameView view{wide ? SampleFormat::kP010 : kind.samples, width, height, {}};
  const std::array<Location, 3> locations = locate(kind, format);
  for (size_t plane = 0; plane < locations.size(); ++plane) {
    const Location& at = locations[plane];
    if (at.rows == 0) continue;
    view.planes[plane] = {planes[at.memory_plane].data() + at.offset, at.stride};
  }
  return view;
}

Result<FrameBuffer> copy_picture(FramePool& pool, const QueueFormat& format,
                                 std::span<const std::span<uint8_t>> planes, uint32_t width,
                                 uint32_t height, const gpu_kernels::SubstrateChoice& substrate) {
  const Kind& kind = *find_kind(format.fourcc);
  if (Status status = check_planes(format, planes); !status) return status.error();
  auto frame = allocate(pool, kind.samples, width, height);
  if (!frame) return frame.error();
  Copy(kind, format, planes, substrate).run(*frame);
  return frame;
}

}  // namespace daedalus::core
