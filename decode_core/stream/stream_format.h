// StreamFormat: what a stream's headers say of its pictures.
#ifndef DAEDALUS_DECODE_CORE_STREAM_STREAM_FORMAT_H_
#define DAEDALUS_DECODE_CORE_STREAM_STREAM_FORMAT_H_

#include <cstdint>

#include "decode_core/image.h"

namespace daedalus::core {

// Colour as the bitstream says it, in the code points of ISO/IEC 23091-2 (2: unspecified).
struct Colorimetry {
  uint8_t primaries = 2;
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool full_range = false;
  bool operator==(const Colorimetry&) const = default;
};

struct StreamFormat {
  uint32_t coded_width = 0;  // luma samples
  uint32_t coded_height = 0;
  Rect visible;              // the cropping window
  int bit_depth = 8;         // 8 or 10
  uint32_t min_buffers = 1;  // the picture itself and those that the stream's order holds back
  Colorimetry colorimetry;
  bool operator==(const StreamFormat& other) const {
    return same_buffers(other) && min_buffers == other.min_buffers &&
           colorimetry == other.colorimetry;
  }

  // Pictures of both fit the same CAPTURE buffers (V4L2 "stateful decoder", dynamic resolution
  // change): sizes and depth agree.
  bool same_buffers(const StreamFormat& other) const {
    return coded_width == other.coded_width && coded_height == other.coded_height &&
           visible.x == other.visible.x && visible.y == other.visible.y &&
           visible.width == other.visible.width && visible.height == other.visible.height &&
           bit_depth == other.bit_depth;
  }
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_STREAM_FORMAT_H_
