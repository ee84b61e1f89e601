// Whether a global motion model of AV1 can warp.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_WARP_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_WARP_H_

#include <cstdint>
#include <span>

namespace daedalus::headers {

// warpValid of the shear setup (AV1 7.11.3.6) for gm_params of one reference.
bool av1_warp_is_valid(std::span<const int32_t, 6> parameters);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_WARP_H_
