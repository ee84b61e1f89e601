// H.264 parameter sets written anew from the parsed parameters (H.264 7.3.2.1, 7.3.2.2).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_H264_PARAMETER_SETS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_H264_PARAMETER_SETS_H_

#include <cstdint>
#include <vector>

#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

// Appends an Annex B sequence parameter set: always profile High, which holds everything below it,
// no cropping, no VUI. Values are in the ranges that validate(DecodeJob) checks.
void append_sps(const v4l2_ctrl_h264_sps& sps, std::vector<uint8_t>& out);

// Appends a picture parameter set with the id `pps_id`; `scaling` is null where there is no matrix.
void append_pps(const v4l2_ctrl_h264_pps& pps, uint8_t pps_id,
                const v4l2_ctrl_h264_scaling_matrix* scaling, std::vector<uint8_t>& out);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_H264_PARAMETER_SETS_H_
