// Sequence parameter sets of HEVC (H.265 7.3.2.2.1, annex E).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_SPS_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_SPS_H_

#include <cstdint>
#include <span>

#include "base/result.h"

namespace daedalus::headers {

// conf_win_*_offset turned into luma samples. A window that leaves nothing is refused with the
// parameter set.
struct HevcConformanceWindow {
  uint32_t left = 0, right = 0, top = 0, bottom = 0;
};

// video_signal_type of the VUI parameters (E.3.1); the code points are those of ISO/IEC 23091-2.
struct HevcColour {
  uint8_t primaries = 2;  // 2: unspecified
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool full_range = false;
};

// What is needed to make room for the pictures of a stream, to order and to show them.
struct HevcSps {
  uint8_t id = 0;
  uint8_t chroma_format_idc = 1;
  uint32_t width = 0;  // luma samples, multiples of the smallest coding block
  uint32_t height = 0;
  HevcConformanceWindow window;
  uint8_t bit_depth_luma = 8;  // 8 to 16
  uint8_t bit_depth_chroma = 8;
  // Of the highest sub-layer: pictures in the decoded picture buffer, the current one included (1
  // to 16), and pictures that may precede another in decoding order and follow it in output order.
  uint8_t max_dec_pic_buffering = 1;
  uint8_t max_num_reorder_pics = 0;
  HevcColour colour;  // unspecified where the VUI ends too early
};

// `nal`: the whole NAL unit (type 33, layer 0), no start code, emulation prevention kept. Any
// profile is accepted; pictures are at most core::kMaxDimension each way.
Result<HevcSps> parse_hevc_sps(std::span<const uint8_t> nal);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_SPS_H_
