// The pixel formats of CAPTURE buffers that can be read, and the picture in one, in place or
// copied.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_FORMAT_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_FORMAT_H_

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/image.h"
#include "decode_core/picture.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
}

namespace daedalus::core {

// 8 or 10 for NV12, NV12M, YU12, P010, and for those that have to be unpacked: NC12, NC30 (SAND
// columns, of the Raspberry Pi's HEVC block) and NV15 (rkvdec); 0 for every other format.
int bit_depth_of_capture(uint32_t fourcc);

// Whether it is one of the formats that have to be unpacked; they cost a pass of gpu_kernels/sand.
bool is_packed_capture(uint32_t fourcc);

// Of these, whether a GPU can unpack it: SAND columns.
bool has_columns(uint32_t fourcc);

// Whether a picture of `width` x `height` luma samples lies inside such buffers; what is beyond it
// is padding. A format that contradicts itself holds nothing.
bool holds_picture(const QueueFormat& format, uint32_t width, uint32_t height);

// How a surface's memory has to be laid out for such buffers to be decoded into it; of NV12 and
// P010 in one memory plane, else nullopt.
std::optional<LinearLayout> surface_layout(const QueueFormat& format);
// Whether the destination's memory can be such a buffer.
bool suits(const Destination& destination, const QueueFormat& format);

// The first `width` x `height` luma samples of a buffer, in place: NV12, I420 or P010. The format
// holds_picture() and need not be unpacked; kSystem: as copy_picture().
Result<FrameView> view_picture(const QueueFormat& format,
                               std::span<const std::span<uint8_t>> planes, uint32_t width,
                               uint32_t height);

// What unpacked a picture.
enum class UnpackedOn : uint8_t {
  kNothing,    // it was linear
  kCpu,        // for any reason but the next
  kCpuForGpu,  // which was to do it, and failed
  kGpu,        // where it lay
  kGpuCopied,  // planes were copied for it
};
struct CopiedPicture {
  FrameBuffer frame;
  UnpackedOn unpacked = UnpackedOn::kNothing;
};

// Copies the first `width` x `height` luma samples of a buffer into cached memory of the pool:
// NV12, I420 or P010. The format holds_picture(); kSystem: the buffer's planes are smaller than the
// format says. Columns are unpacked on a GPU if the choice for stage "sand" is Vulkan, or if it is
// left open and `dispatcher` prefers it; null: there is none.
Result<CopiedPicture> copy_picture(FramePool& pool, const QueueFormat& format,
                                   std::span<const std::span<uint8_t>> planes, uint32_t width,
                                   uint32_t height, const gpu_kernels::SubstrateChoice& substrate,
                                   gpu_kernels::Dispatcher* dispatcher = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_FORMAT_H_
