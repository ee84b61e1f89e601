// Whether a frame may use skip mode (AV1 5.9.22): the header says no word of it where it may not.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_SKIP_MODE_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_SKIP_MODE_H_

#include <cstdint>
#include <span>

namespace daedalus::core::rewrite {

// skipModeAllowed of an inter frame with reference_select; `hints` are the order hints of its
// references. `bits` is OrderHintBits, 1 to 8.
bool av1_skip_mode_allowed(std::span<const uint32_t> hints, uint32_t order_hint, unsigned bits);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_SKIP_MODE_H_
