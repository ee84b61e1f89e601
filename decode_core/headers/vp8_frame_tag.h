// The uncompressed start of a VP8 frame (RFC 6386 9.1): read, and written anew for engines that
// want it where the client stripped it.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_VP8_FRAME_TAG_H_
#define DAEDALUS_DECODE_CORE_HEADERS_VP8_FRAME_TAG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace daedalus::headers {

struct Vp8FrameTag {
  static constexpr size_t kKeyFrameBytes = 10;
  static constexpr size_t kInterFrameBytes = 3;
  static constexpr uint32_t kMaxFirstPartSize = (1u << 19) - 1;
  static constexpr uint16_t kMaxDimension = (1u << 14) - 1;

  bool key_frame = false;
  uint8_t version = 0;  // 0 to 7; above 3 is experimental
  bool show_frame = true;
  uint32_t first_part_size = 0;  // bytes of the first partition, at most kMaxFirstPartSize
  // Key frames only. Luma samples, at most kMaxDimension; scales 0 to 3.
  uint16_t width = 0;
  uint16_t height = 0;
  uint8_t horizontal_scale = 0;
  uint8_t vertical_scale = 0;

  size_t bytes() const { return key_frame ? kKeyFrameBytes : kInterFrameBytes; }
};

// Reads the tag at the start of a frame. kCorrupt: it is not whole, or a key frame's start code is
// wrong.
Result<Vp8FrameTag> parse_vp8_frame_tag(std::span<const uint8_t> frame);

// Writes the first tag.bytes() bytes of a frame; the rest of the array is zero. Bits of a value
// that do not fit its field are dropped.
std::array<uint8_t, Vp8FrameTag::kKeyFrameBytes> write_vp8_frame_tag(const Vp8FrameTag& tag);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_VP8_FRAME_TAG_H_
