#include "decode_core/headers/vp9_superframe.h"

namespace daedalus::headers {
namespace {

// Size in bytes of the index at the end of `packet`; 0: it has none.
size_t index_size(std::span<const uint8_t> packet) {
  const uint8_t marker = packet.back();
  if ((marker & 0xe0) != 0xc0) return 0;
  const size_t frame_count = (marker & 7) + 1u;
  const size_t bytes_per_size = (marker >> 3 & 3) + 1u;
  const size_t size = 2 + frame_count * bytes_per_size;
  return size <= packet.size() && packet[packet.size() - size] == marker ? size : 0;
}

}  // namespace

Result<Vp9Superframe> split_vp9_superframe(std::span<const uint8_t> packet) {
  if (packet.empty()) return Error{ErrorCode::kCorrupt, "VP9: the packet is empty"};
  Vp9Superframe result;
  const size_t index = index_size(packet);
  if (index == 0) {
    result.storage[result.count++] = packet;
    return result;
  }
  const size_t frame_count = (packet.back() & 7) + 1u;
  const size_t bytes_per_size = (packet.back() >> 3 & 3) + 1u;
  std::span<const uint8_t> sizes = packet.last(index).subspan(1);
  std::span<const uint8_t> frames = packet.first(packet.size() - index);
  for (size_t i = 0; i < frame_count; ++i) {
    size_t size = 0;  // little endian
    for (size_t byte = 0; byte < bytes_per_size; ++byte) size |= size_t{sizes[byte]} << (8 * byte);
    sizes = sizes.subspan(bytes_per_size);
    if (size == 0 || size > frames.size()) {
      return Error{ErrorCode::kCorrupt, "VP9: the superframe index does not fit the packet"};
    }
    result.storage[result.count++] = frames.first(size);
    frames = frames.subspan(size);
  }
  return result;
}

}  // namespace daedalus::headers
