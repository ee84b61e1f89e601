// The stateless interface of each codec (V4L2 "Stateless Codec Control ID"): pixel format, controls
// and menus by the kernel's numbers.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_CODEC_INTERFACE_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_CODEC_INTERFACE_H_

#include <cstdint>
#include <optional>
#include <span>

#include "decode_core/codec.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core {

// How NAL units are handed over: the two menus of H.264 and of HEVC, and the controls that tell of
// slices. Both codecs number the items alike: slice-based 0 and frame-based 1, no start code 0 and
// Annex B 1.
struct NalControls {
  uint32_t decode_mode;
  uint32_t start_code;
  uint32_t slice_parameters;
  std::optional<uint32_t> entry_points;
};
inline constexpr uint32_t kSliceBased = 0;
inline constexpr uint32_t kFrameBased = 1;
inline constexpr uint32_t kNoStartCode = 0;
inline constexpr uint32_t kAnnexB = 1;

// The SPS's reference picture sets, an array (rkvdec of the vdpu381 and later, in kernels of 2026).
inline constexpr uint32_t kHevcExtSpsStRps = V4L2_CID_CODEC_STATELESS_BASE + 408;

struct CodecInterface {
  Codec codec;
  uint32_t fourcc;                     // of OUTPUT
  std::span<const uint32_t> controls;  // every driver has them
  std::optional<NalControls> nal;
  uint32_t profile_menu;  // V4L2_CID_MPEG_VIDEO_…_PROFILE
};

// All codecs that are sent to hardware.
std::span<const CodecInterface> codec_interfaces();
// Null: none of them.
const CodecInterface* codec_interface(Codec codec);

// The item of the codec's profile menu.
uint32_t profile_item(Profile profile);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_CODEC_INTERFACE_H_
