#include "decode_core/hardware/capture_format.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "decode_core/codec.h"
#include "decode_core/image.h"
#include "decode_core/uapi/pixel_formats.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/sand/sand.h"
#include "gpu_kernels/sand/sand_vulkan.h"
#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::core {
namespace {

using gpu_kernels::Band;
using gpu_kernels::chroma_420;
using gpu_kernels::ColumnPlane;
using gpu_kernels::kColumnBytes;
using gpu_kernels::PackFunctions;
using gpu_kernels::SandFormat;
using gpu_kernels::SandFunctions;
using gpu_kernels::SandPicture;
using gpu_kernels::SourcePlane;
using gpu_kernels::Substrate;
using gpu_kernels::TargetPlane;

// How samples lie in a plane.
enum class Packing : uint8_t { kLinear, kNc12, kNc30, kNv15 };

// How the colour planes of a format lie in its memory planes.
struct Kind {
  uint32_t fourcc;
  int bit_depth;
  SampleFormat samples;    // what pictures are in place, unpacked or copied
  uint32_t memory_planes;  // 1: the colour planes follow each other in one
  Packing packing = Packing::kLinear;
};
constexpr std::array<Kind, 7> kKinds = {{
    {V4L2_PIX_FMT_NV12, 8, SampleFormat::kNv12, 1},
    {V4L2_PIX_FMT_NV12M, 8, SampleFormat::kNv12, 2},
    {V4L2_PIX_FMT_YUV420, 8, SampleFormat::kI420, 1},
    {V4L2_PIX_FMT_P010, 10, SampleFormat::kP010, 1},
    {V4L2_PIX_FMT_NV12_COL128, 8, SampleFormat::kNv12, 1, Packing::kNc12},
    {V4L2_PIX_FMT_NV12_10_COL128, 10, SampleFormat::kP010, 1, Packing::kNc30},
    {V4L2_PIX_FMT_NV15, 10, SampleFormat::kP010, 1, Packing::kNv15},
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

ImageFormat image_format_of(SampleFormat samples) {
  if (samples == SampleFormat::kI420) return ImageFormat::kI420;
  return samples == SampleFormat::kP010 ? ImageFormat::kP010 : ImageFormat::kNv12;
}

// The frame's memory, laid out in the samples' format.
Result<FrameBuffer> allocate(FramePool& pool, SampleFormat samples, uint32_t width,
                             uint32_t height) {
  const LinearLayout layout = layout_of(image_format_of(samples), width, height);
  auto memory = pool.allocate(layout.size);
  if (!memory) return memory.error();
  FrameBuffer frame{{samples, width, height, {}}, *memory};
  for (size_t plane = 0; plane < layout.plane_count; ++plane) {
    frame.view.planes[plane] = {(*memory)->data() + layout.offset[plane], layout.stride[plane]};
  }
  return frame;
}

TargetPlane target(const FrameBuffer& frame, size_t plane) {
  const Plane& to = frame.view.planes[plane];
  return {to.data, static_cast<ptrdiff_t>(to.stride)};
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

  void run(const FrameBuffer& frame) const {
    const Band luma{frame.view.width, 0, frame.view.height};
    const Band chroma{chroma_420(luma.width), 0, chroma_420(luma.end_row)};
    const Band pairs{chroma.width * 2, 0, chroma.end_row};
    if (kind_.samples == SampleFormat::kI420) {
      copy_plane(frame, 0, luma);
      copy_plane(frame, 1, chroma);
      copy_plane(frame, 2, chroma);
    } else {
      copy_plane(frame, 0, luma);
      copy_plane(frame, 1, pairs);
    }
  }

  // What of it a GPU can do; nullopt where its kernels do not know the packing, or the size.
  std::optional<SandPicture> for_gpu(const FrameBuffer& frame) const {
    if (!has_columns(kind_)) return std::nullopt;
    const SandPicture picture{
        .format = kind_.packing == Packing::kNc12 ? SandFormat::kNc12 : SandFormat::kNc30,
        .from_luma = columns(0),
        .from_chroma = columns(1),
        .luma = target(frame, 0),
        .chroma = target(frame, 1),
        .width = frame.view.width,
        .height = frame.view.height};
    if (!gpu_kernels::VulkanSand::takes(picture)) return std::nullopt;
    return picture;
  }

 private:
  const uint8_t* start(size_t plane) const {
    const Location& at = locations_[plane];
    return planes_[at.memory_plane].data() + at.offset;
  }
  SourcePlane rows(size_t plane) const {
    return {start(plane), static_cast<ptrdiff_t>(locations_[plane].stride)};
  }
  ColumnPlane columns(size_t plane) const { return {start(plane), locations_[plane].stride}; }

  void copy_plane(const FrameBuffer& frame, size_t plane, Band band) const {
    const TargetPlane to = target(frame, plane);
    switch (kind_.packing) {
      case Packing::kNc12:
        return sand_.unpack_nc12(columns(plane), to, band);
      case Packing::kNc30:
        return sand_.unpack_nc30(columns(plane), to, band);
      case Packing::kNv15:
        return sand_.unpack_nv15(rows(plane), to, band);
      case Packing::kLinear:
        break;
    }
    (is_wide(kind_.samples) ? pack_.copy_16 : pack_.copy_8)(rows(plane), to, band);
  }

  const Kind& kind_;
  const std::array<Location, 3> locations_;
  const std::span<const std::span<uint8_t>> planes_;
  const PackFunctions& pack_;
  const SandFunctions& sand_;
};

// kCpu: there is nothing for the GPU to unpack, no GPU, or nobody wants it.
UnpackedOn unpack_on_gpu(const Copy& copy, const FrameBuffer& frame, Substrate wish,
                         gpu_kernels::Dispatcher& dispatcher) {
  const bool asked = wish == Substrate::kVulkan;
  if (!asked && wish != Substrate::kAuto) return UnpackedOn::kCpu;
  const auto picture = copy.for_gpu(frame);
  if (!picture) return UnpackedOn::kCpu;
  const auto work = gpu_kernels::Work::of(gpu_kernels::Stage::kSand, picture->width,
                                          picture->height, is_wide(frame.view.format) ? 10 : 8);
  if (!asked && !dispatcher.prefers_gpu(work)) return UnpackedOn::kCpu;
  gpu_kernels::VulkanSand* const sand = dispatcher.stages().sand();
  if (sand == nullptr) return UnpackedOn::kCpu;
  const auto run = [&](gpu_kernels::vulkan::Deadline deadline) {
    return sand->run(*picture, deadline);
  };
  const auto transfer =
      asked ? run(gpu_kernels::vulkan::kNoDeadline) : dispatcher.have_done(work, run);
  if (!transfer) {
    return gpu_kernels::failed_now(transfer.error()) ? UnpackedOn::kCpuForGpu : UnpackedOn::kCpu;
  }
  return *transfer == gpu_kernels::PackTransfer::kInPlace ? UnpackedOn::kGpu
                                                          : UnpackedOn::kGpuCopied;
}

}  // namespace

int bit_depth_of_capture(uint32_t fourcc) {
  const Kind* kind = find_kind(fourcc);
  return kind == nullptr ? 0 : kind->bit_depth;
}

bool is_packed_capture(uint32_t fourcc) {
  const Kind* kind = find_kind(fourcc);
  return kind != nullptr && kind->packing != Packing::kLinear;
}

bool has_columns(uint32_t fourcc) {
  const Kind* kind = find_kind(fourcc);
  return kind != nullptr && has_columns(*kind);
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
  FrameView view{kind.samples, width, height, {}};
  const std::array<Location, 3> locations = locate(kind, format);
  for (size_t plane = 0; plane < locations.size(); ++plane) {
    const Location& at = locations[plane];
    if (at.rows == 0) continue;
    view.planes[plane] = {planes[at.memory_plane].data() + at.offset, at.stride};
  }
  return view;
}

Result<CopiedPicture> copy_picture(FramePool& pool, const QueueFormat& format,
                                   std::span<const std::span<uint8_t>> planes, uint32_t width,
                                   uint32_t height, const gpu_kernels::SubstrateChoice& substrate,
                                   gpu_kernels::Dispatcher* dispatcher) {
  const Kind& kind = *find_kind(format.fourcc);
  if (Status status = check_planes(format, planes); !status) return status.error();
  auto frame = allocate(pool, kind.samples, width, height);
  if (!frame) return frame.error();
  const Copy copy(kind, format, planes, substrate);
  auto unpacked = UnpackedOn::kCpu;
  if (dispatcher != nullptr) {
    unpacked = unpack_on_gpu(copy, *frame, substrate.of(gpu_kernels::Stage::kSand), *dispatcher);
  }
  const bool by_gpu = unpacked == UnpackedOn::kGpu || unpacked == UnpackedOn::kGpuCopied;
  if (!by_gpu) copy.run(*frame);
  if (kind.packing == Packing::kLinear) unpacked = UnpackedOn::kNothing;
  return CopiedPicture{std::move(*frame), unpacked};
}

}  // namespace daedalus::core
