// Superframes: several VP9 frames in one packet (VP9 Annex B).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_VP9_SUPERFRAME_H_
#define DAEDALUS_DECODE_CORE_HEADERS_VP9_SUPERFRAME_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace daedalus::headers {

// The frames of one packet, in decoding order, borrowed from it.
struct Vp9Superframe {
  std::array<std::span<const uint8_t>, 8> storage{};
  size_t count = 0;

  std::span<const std::span<const uint8_t>> frames() const {
    return std::span(storage).first(count);
  }
};

// A packet without a superframe index is one frame. kCorrupt: the packet is empty, or its index
// names an empty frame or more bytes than there are.
Result<Vp9Superframe> split_vp9_superframe(std::span<const uint8_t> packet);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_VP9_SUPERFRAME_H_
