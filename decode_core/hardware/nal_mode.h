// NalMode: how a driver takes the NAL units of H.264 and HEVC.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_NAL_MODE_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_NAL_MODE_H_

#include <cstdint>

#include "base/result.h"
#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/video_node.h"

namespace daedalus::core {

// Slice-based (V4L2_STATELESS_…_DECODE_MODE_SLICE_BASED): a request carries as many slices as
// `most_slices` says, and holds the CAPTURE buffer back until the picture's last one. Frame-based:
// a request carries them all.
struct NalMode {
  bool slice_based = false;
  bool annex_b = true;  // a start code before the first NAL unit, too
  // How many slices and HEVC entry points the controls of one request can tell of; 0: they are not
  // sent.
  uint32_t most_slices = 0;
  uint32_t most_entry_points = 0;
};

// What the node offers; of both decode modes frame-based. kUnsupported: nothing that can be used.
Result<NalMode> query_nal_mode(const VideoNode& node, Codec codec, const NalControls& controls);
// Sets it.
Status set_nal_mode(VideoNode& node, const NalControls& controls, const NalMode& mode);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_NAL_MODE_H_
