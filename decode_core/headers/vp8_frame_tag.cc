#include "decode_core/headers/vp8_frame_tag.h"

#include <algorithm>

namespace daedalus::headers {
namespace {

constexpr std::array<uint8_t, 3> kStartCode = {0x9d, 0x01, 0x2a};

}  // namespace

Result<Vp8FrameTag> parse_vp8_frame_tag(std::span<const uint8_t> frame) {
  if (frame.size() < Vp8FrameTag::kInterFrameBytes) {
    return Error{ErrorCode::kCorrupt, "VP8: the frame is shorter than its tag"};
  }
  const uint32_t bits = frame[0] | uint32_t{frame[1]} << 8 | uint32_t{frame[2]} << 16;
  Vp8FrameTag tag;
  tag.key_frame = (bits & 1) == 0;
  tag.version = bits >> 1 & 7;
  tag.show_frame = (bits >> 4 & 1) != 0;
  tag.first_part_size = bits >> 5;
  if (!tag.key_frame) return tag;

  if (frame.size() < Vp8FrameTag::kKeyFrameBytes) {
    return Error{ErrorCode::kCorrupt, "VP8: the key frame is shorter than its tag"};
  }
  if (!std::equal(kStartCode.begin(), kStartCode.end(), frame.begin() + 3)) {
    return Error{ErrorCode::kCorrupt, "VP8: the key frame's start code is wrong"};
  }
  const uint32_t width = frame[6] | uint32_t{frame[7]} << 8;
  const uint32_t height = frame[8] | uint32_t{frame[9]} << 8;
  tag.width = width & Vp8FrameTag::kMaxDimension;
  tag.height = height & Vp8FrameTag::kMaxDimension;
  tag.horizontal_scale = static_cast<uint8_t>(width >> 14);
  tag.vertical_scale = static_cast<uint8_t>(height >> 14);
  return tag;
}

std::array<uint8_t, Vp8FrameTag::kKeyFrameBytes> write_vp8_frame_tag(const Vp8FrameTag& tag) {
  std::array<uint8_t, Vp8FrameTag::kKeyFrameBytes> out{};
  const auto put = [&out](size_t at, uint32_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) out[at + i] = static_cast<uint8_t>(value >> (8 * i));
  };
  put(0,
      (tag.key_frame ? 0u : 1u) | (tag.version & 7u) << 1 | (tag.show_frame ? 1u : 0u) << 4 |
          tag.first_part_size << 5,
      3);
  if (!tag.key_frame) return out;
  std::copy(kStartCode.begin(), kStartCode.end(), out.begin() + 3);
  constexpr uint32_t kSizeMask = Vp8FrameTag::kMaxDimension;
  put(6, (tag.width & kSizeMask) | (tag.horizontal_scale & 3u) << 14, 2);
  put(8, (tag.height & kSizeMask) | (tag.vertical_scale & 3u) << 14, 2);
  return out;
}

}  // namespace daedalus::headers
