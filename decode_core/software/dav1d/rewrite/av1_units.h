// Open bitstream units of AV1 (5.3) in the low-overhead format, written from parameters.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_UNITS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_UNITS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/software/dav1d/rewrite/av1_frame_header.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

// temporal_delimiter_obu().
void append_av1_temporal_delimiter(std::vector<uint8_t>& out);

// sequence_header_obu() (5.5), the same for all frames that share the parameters: what frames tell
// themselves is left to them (sizes up to 65536x65536, super-resolution, restoration, warped
// motion, reference vectors, screen content tools, separate chroma deltas), and there is no film
// grain.
void append_av1_sequence_header(const v4l2_ctrl_av1_sequence& sequence, std::vector<uint8_t>& out);

// frame_obu(): header and one tile group. `tiles` in raster order, one for each of tile_info, none
// of them empty. On error nothing is appended.
Result<Av1SlotState> append_av1_frame(const Av1FrameToWrite& frame,
                                      std::span<const std::span<const uint8_t>> tiles,
                                      std::vector<uint8_t>& out);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_UNITS_H_
