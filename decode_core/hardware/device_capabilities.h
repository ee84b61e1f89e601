// What a device accepts, found by asking it.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_DEVICE_CAPABILITIES_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_DEVICE_CAPABILITIES_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/core.h"
#include "decode_core/hardware/device_calls.h"
#include "decode_core/hardware/discovery.h"

namespace daedalus::core {

struct DeviceCapabilities {
  std::string driver;  // v4l2_capability.driver
  std::vector<ProfileCapability> profiles;
  // Codecs among them of which it takes slices, not whole pictures.
  std::vector<Codec> slice_based;
  // Codecs that the device lists and that are not used, and why.
  struct Refusal {
    Codec codec;
    std::string reason;
  };
  std::vector<Refusal> refusals;
};

// Opens the device's video node and asks it: codecs by VIDIOC_ENUM_FMT, controls and modes by
// VIDIOC_QUERY_EXT_CTRL and VIDIOC_QUERYMENU, profiles by the menu of the codec where there is one,
// sizes by VIDIOC_ENUM_FRAMESIZES, else by VIDIOC_TRY_FMT, depths by what CAPTURE formats are
// listed once a stream of that depth is announced. The error: the node cannot be used at all.
// kUnsupported: it belongs to this project, and `own_nodes` is false.
Result<DeviceCapabilities> query_capabilities(DeviceCalls& calls, const FoundDecoder& device,
                                              bool own_nodes);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_DEVICE_CAPABILITIES_H_
