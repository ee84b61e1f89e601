// References by their order hints: short signalling (AV1 7.8) and skip mode (5.9.22).
#include <algorithm>
#include <functional>

#include "decode_core/headers/av1_frame_reader.h"
#include "decode_core/headers/av1_order_hints.h"

namespace daedalus::headers {
namespace {

// Indices into ref_frame_idx.
constexpr size_t index_of(v4l2_av1_reference_frame reference) {
  return static_cast<size_t>(reference) - V4L2_AV1_REF_LAST_FRAME;
}

}  // namespace

int av1_relative_distance(unsigned bits, uint32_t a, uint32_t b) {
  if (bits == 0) return 0;
  const int difference = static_cast<int>(a) - static_cast<int>(b);
  const int sign = 1 << (bits - 1);
  return (difference & (sign - 1)) - (difference & sign);
}

std::optional<std::array<uint8_t, 2>> av1_skip_mode_frames(unsigned bits, uint32_t order_hint,
                                                           const std::array<uint32_t, 7>& hints) {
  if (bits == 0) return std::nullopt;
  constexpr size_t kNone = kAv1ReferenceCount;
  // The nearest reference before `hint` (sign -1) or behind it (1).
  const auto nearest = [&](uint32_t hint, int sign) {
    size_t found = kNone;
    for (size_t i = 0; i < kAv1ReferenceCount; ++i) {
      if (av1_relative_distance(bits, hints[i], hint) * sign <= 0) continue;
      if (found == kNone || av1_relative_distance(bits, hints[i], hints[found]) * sign < 0) {
        found = i;
      }
    }
    return found;
  };
  const size_t forward = nearest(order_hint, -1);
  if (forward == kNone) return std::nullopt;
  size_t second = nearest(order_hint, 1);
  if (second == kNone) second = nearest(hints[forward], -1);
  if (second == kNone) return std::nullopt;
  const auto [low, high] = std::minmax(forward, second);
  return std::array<uint8_t, 2>{static_cast<uint8_t>(V4L2_AV1_REF_LAST_FRAME + low),
                                static_cast<uint8_t>(V4L2_AV1_REF_LAST_FRAME + high)};
}

// set_frame_refs() (7.8). Of equals the last wins where the latest is searched, else the first.
void Av1FrameReader::set_short_signalled_references(uint8_t last, uint8_t golden) {
  constexpr int8_t kNone = -1;
  auto& references = header_.frame.ref_frame_idx;
  std::fill(std::begin(references), std::end(references), kNone);
  references[index_of(V4L2_AV1_REF_LAST_FRAME)] = static_cast<int8_t>(last);
  references[index_of(V4L2_AV1_REF_GOLDEN_FRAME)] = static_cast<int8_t>(golden);
  std::array<bool, kAv1SlotCount> used{};
  used[last] = used[golden] = true;
  std::array<int, kAv1SlotCount> distances{};  // to this frame; negative: before it
  for (size_t i = 0; i < kAv1SlotCount; ++i) {
    distances[i] = av1_relative_distance(sequence_.order_hint_bits, slot_order_hints_[i],
                                         header_.frame.order_hint);
  }

  const auto find = [&](bool backward, const std::function<bool(int, int)>& better) {
    int8_t found = kNone;
    for (size_t i = 0; i < kAv1SlotCount; ++i) {
      if (used[i] || (distances[i] >= 0) != backward) continue;
      if (found == kNone || better(distances[i], distances[found])) {
        found = static_cast<int8_t>(i);
      }
    }
    return found;
  };
  const auto take = [&](v4l2_av1_reference_frame reference, int8_t slot) {
    if (slot == kNone) return;
    references[index_of(reference)] = slot;
    used[slot] = true;
  };
  take(V4L2_AV1_REF_ALTREF_FRAME, find(true, std::greater_equal<>()));
  take(V4L2_AV1_REF_BWDREF_FRAME, find(true, std::less<>()));
  take(V4L2_AV1_REF_ALTREF2_FRAME, find(true, std::less<>()));
  for (const auto reference :
       {V4L2_AV1_REF_LAST2_FRAME, V4L2_AV1_REF_LAST3_FRAME, V4L2_AV1_REF_BWDREF_FRAME,
        V4L2_AV1_REF_ALTREF2_FRAME, V4L2_AV1_REF_ALTREF_FRAME}) {
    if (references[index_of(reference)] != kNone) continue;
    take(reference, find(false, std::greater_equal<>()));
  }
  const auto earliest = std::min_element(distances.begin(), distances.end()) - distances.begin();
  std::replace(std::begin(references), std::end(references), kNone, static_cast<int8_t>(earliest));
}

uint32_t Av1FrameReader::reference_hint(size_t reference) const {
  return slot_order_hints_[header_.frame.ref_frame_idx[reference]];
}

// skip_mode_params() (5.9.22) up to skipModeAllowed.
bool Av1FrameReader::find_skip_mode_frames() {
  if (header_.intra() || !header_.has(V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT)) return false;
  std::array<uint32_t, kAv1ReferenceCount> hints;
  for (size_t i = 0; i < hints.size(); ++i) hints[i] = reference_hint(i);
  const auto frames =
      av1_skip_mode_frames(sequence_.order_hint_bits, header_.frame.order_hint, hints);
  if (!frames) return false;
  std::copy(frames->begin(), frames->end(), header_.frame.skip_mode_frame);
  return true;
}

}  // namespace daedalus::headers
