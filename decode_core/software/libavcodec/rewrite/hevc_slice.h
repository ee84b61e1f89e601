// HEVC slice segments with their reference picture sets and lists spelled out (H.265 7.3.6).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_HEVC_SLICE_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_HEVC_SLICE_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

// RefPicList0 and RefPicList1 of one slice, as indices into `dpb`.
using HevcReferenceLists = std::array<std::array<uint8_t, V4L2_HEVC_DPB_ENTRIES_NUM_MAX>, 2>;

// One slice segment. Counts and indices are in the ranges that validate(DecodeJob) checks.
struct HevcSliceRewrite {
  const v4l2_ctrl_hevc_sps& sps;  // the stream's own
  const v4l2_ctrl_hevc_pps& pps;
  const v4l2_ctrl_hevc_decode_params& decode;
  // Bits of the slice's st_ref_pic_set(), 0 where the SPS has it.
  uint32_t reference_set_bits = 0;
  const HevcReferenceLists& lists;  // of P and B slices
  // Bit i: dpb[i] has no picture. The decoder makes one up where the current picture refers to it,
  // and hears nothing of it otherwise.
  uint16_t missing = 0;
};

// Appends the slice segment `nal` (no start code) in Annex B for the parameter sets of
// append_hevc_sps and append_hevc_pps: the order count in kHevcOrderCountBits, all pictures of
// `decode` as sets of its own, the lists by modification: so neither the sets of the stream's SPS
// nor the order of its long-term pictures need be known. The slice segment data stay byte for
// byte, emulation prevention and entry points included. Leading pictures that could not be decoded
// from the CRA picture on (RASL) become such that can (RADL): whoever hands them in has their
// references.
Status append_hevc_slice(std::span<const uint8_t> nal, const HevcSliceRewrite& picture,
                         std::vector<uint8_t>& out);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_HEVC_SLICE_H_
