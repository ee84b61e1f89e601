#include "decode_core/software/dav1d/rewrite/av1_skip_mode.h"

#include <optional>

namespace daedalus::core::rewrite {
namespace {

// get_relative_dist(), 7.9.2.
int relative_distance(uint32_t a, uint32_t b, unsigned bits) {
  const int difference = static_cast<int>(a) - static_cast<int>(b);
  const int sign = 1 << (bits - 1);
  return (difference & (sign - 1)) - (difference & sign);
}

}  // namespace

bool av1_skip_mode_allowed(std::span<const uint32_t> hints, uint32_t order_hint, unsigned bits) {
  std::optional<uint32_t> forward;  // the nearest before
  bool backward = false;            // any after
  for (const uint32_t hint : hints) {
    const int distance = relative_distance(hint, order_hint, bits);
    if (distance > 0) backward = true;
    if (distance < 0 && (!forward.has_value() || relative_distance(hint, *forward, bits) > 0)) {
      forward = hint;
    }
  }
  if (!forward.has_value()) return false;
  if (backward) return true;
  for (const uint32_t hint : hints) {
    if (relative_distance(hint, *forward, bits) < 0) return true;
  }
  return false;
}

}  // namespace daedalus::core::rewrite
