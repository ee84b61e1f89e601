// global_motion_params() of a frame header (AV1 5.9.24), written from parameters.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_GLOBAL_MOTION_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_GLOBAL_MOTION_H_

#include <array>
#include <cstdint>

#include "base/result.h"
#include "decode_core/software/libavcodec/rewrite/bit_writer.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

// gm_params by reference; in units of 2^-16.
using Av1GlobalMotion = std::array<std::array<int32_t, 6>, V4L2_AV1_TOTAL_REFS_PER_FRAME>;

// No motion: what frames without a primary reference are coded against (7.20, 7.21).
const Av1GlobalMotion& default_av1_global_motion();

// Coded against `previous` (PrevGmParams). `result`, the default before, becomes gm_params.
// kInvalidArgument: a parameter that the code cannot tell.
Status write_av1_global_motion(BitWriter& bits, const v4l2_av1_global_motion& motion,
                               const Av1GlobalMotion& previous, bool high_precision,
                               Av1GlobalMotion& result);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_GLOBAL_MOTION_H_
