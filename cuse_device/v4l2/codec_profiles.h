// What the core's capabilities mean to a node: codecs, depths, and the profile and level controls.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_CODEC_PROFILES_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_CODEC_PROFILES_H_

#include <span>

#include "cuse_device/v4l2/controls.h"
#include "decode_core/codec.h"
#include "decode_core/core.h"

namespace daedalus::v4l2 {

bool has_codec(std::span<const core::ProfileCapability> capabilities, core::Codec codec);
// Whether some profile of the codec has pictures of that depth.
bool has_bit_depth(std::span<const core::ProfileCapability> capabilities, core::Codec codec,
                   int bit_depth);

// The menus of the profiles and levels that can be decoded, for each codec.
void add_profile_controls(std::span<const core::ProfileCapability> capabilities,
                          ControlHandler* controls);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_CODEC_PROFILES_H_
