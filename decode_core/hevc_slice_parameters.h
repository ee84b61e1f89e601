// HevcSliceParameters from the slice's own header.
#ifndef DAEDALUS_DECODE_CORE_HEVC_SLICE_PARAMETERS_H_
#define DAEDALUS_DECODE_CORE_HEVC_SLICE_PARAMETERS_H_

#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/job.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core {

// The reference picture lists (H.265 8.3.4), of `decode`'s sets, whose counts are at most 16. An
// index in them that leads to no entry of dpb stands for a missing picture and is passed on.
// `header`: of a dependent slice segment that of the slice that it belongs to.
HevcSliceParameters hevc_slice_parameters(const headers::HevcSliceHeader& header,
                                          const v4l2_ctrl_hevc_decode_params& decode);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HEVC_SLICE_PARAMETERS_H_
