// HEVC parameter sets written anew from the parsed parameters (H.265 7.3.2).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_HEVC_PARAMETER_SETS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_HEVC_PARAMETER_SETS_H_

#include <cstdint>
#include <vector>

#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

// slice_pic_order_cnt_lsb of slices rewritten for these parameter sets: the most bits there may be,
// so that a gap in the pictures leaves no doubt about their order.
inline constexpr unsigned kHevcOrderCountBits = 16;

// Appends an Annex B video parameter set and a sequence parameter set: no reference picture sets
// (each slice spells its own out), no reordering, no cropping, no VUI. Values are in the ranges
// that validate(DecodeJob) checks.
void append_hevc_sps(const v4l2_ctrl_hevc_sps& sps, std::vector<uint8_t>& out);

// Appends a picture parameter set with the id `pps_id`, whose slices modify their reference lists;
// `scaling` is null where there is no matrix.
void append_hevc_pps(const v4l2_ctrl_hevc_pps& pps, uint8_t pps_id, const v4l2_ctrl_hevc_sps& sps,
                     const v4l2_ctrl_hevc_scaling_matrix* scaling, std::vector<uint8_t>& out);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_HEVC_PARAMETER_SETS_H_
