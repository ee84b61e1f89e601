// Where the samples of one NV12 picture, a frame or a field, lie.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURE_PLANES_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURE_PLANES_H_

#include <cstddef>
#include <cstdint>

#include "decode_core/frame_buffer.h"
#include "decode_core/software/h264/slice.h"
#include "gpu_kernels/idct/h264.h"

namespace daedalus::core::h264 {

struct PicturePlanes {
  uint8_t* luma = nullptr;
  uint8_t* chroma = nullptr;  // pairs: Cb, Cr
  ptrdiff_t luma_stride = 0;  // bytes
  ptrdiff_t chroma_stride = 0;

  // Every other line, from the first or the second.
  PicturePlanes field(bool bottom) const {
    return {bottom ? luma + luma_stride : luma, bottom ? chroma + chroma_stride : chroma,
            luma_stride * 2, chroma_stride * 2};
  }
  // x and y in macroblocks.
  gpu_kernels::H264Target macroblock(uint32_t x, uint32_t y) const {
    return {luma + static_cast<ptrdiff_t>(y) * 16 * luma_stride + x * 16,
            chroma + static_cast<ptrdiff_t>(y) * 8 * chroma_stride + x * 16, luma_stride,
            chroma_stride};
  }
};

// The part of an NV12 frame that is decoded.
inline PicturePlanes planes_of(const FrameView& frame, PictureStructure structure) {
  const PicturePlanes planes{frame.planes[0].data, frame.planes[1].data,
                             static_cast<ptrdiff_t>(frame.planes[0].stride),
                             static_cast<ptrdiff_t>(frame.planes[1].stride)};
  if (structure == PictureStructure::kFrame) return planes;
  return planes.field(structure == PictureStructure::kBottomField);
}

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURE_PLANES_H_
