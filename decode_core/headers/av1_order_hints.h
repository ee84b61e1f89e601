// What follows from the order hints of an AV1 frame and its references.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_ORDER_HINTS_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_ORDER_HINTS_H_

#include <array>
#include <cstdint>
#include <optional>

namespace daedalus::headers {

// get_relative_dist() (AV1 5.9.3); `bits` is OrderHintBits, 0 without order hints.
int av1_relative_distance(unsigned bits, uint32_t a, uint32_t b);

// SkipModeFrame (5.9.22) of a frame with reference_select: references 1 (LAST) to 7. `hints` are
// those of the seven references in order. nullopt: skipModeAllowed is 0.
std::optional<std::array<uint8_t, 2>> av1_skip_mode_frames(unsigned bits, uint32_t order_hint,
                                                           const std::array<uint32_t, 7>& hints);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_ORDER_HINTS_H_
