// Picture parameter sets of HEVC (H.265 7.3.2.3).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_PPS_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_PPS_H_

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "decode_core/headers/hevc_sps.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

struct HevcPps {
  uint8_t sps_id = 0;
  v4l2_ctrl_hevc_pps control{};
  std::optional<v4l2_ctrl_hevc_scaling_matrix> scaling_matrix;
};

// `nal`: the whole NAL unit (type 34, layer 0), no start code, emulation prevention kept. Tools of
// the range, multilayer, 3D and screen content extensions are refused.
Result<HevcPps> parse_hevc_pps(std::span<const uint8_t> nal);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_PPS_H_
