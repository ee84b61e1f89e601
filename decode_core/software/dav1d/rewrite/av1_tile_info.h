// tile_info() of a frame header (AV1 5.9.15), written from parameters.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_TILE_INFO_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_TILE_INFO_H_

#include <cstdint>

#include "base/result.h"
#include "decode_core/software/libavcodec/rewrite/bit_writer.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

struct Av1TileFrame {
  uint32_t width;   // FrameWidth: before super-resolution; luma samples
  uint32_t height;  // FrameHeight
  bool superblock_128;
};

// `tile_size_bytes`: 1 to 4, TileSizeBytes to tell. Columns and rows of `info` are 1 to 64.
// kInvalidArgument: no such tiles fit the frame; what was written so far is of no use.
Status write_av1_tile_info(BitWriter& bits, const v4l2_av1_tile_info& info,
                           const Av1TileFrame& frame, unsigned tile_size_bytes);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_TILE_INFO_H_
