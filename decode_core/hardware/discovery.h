// discover_decoders(): the kernel's stateless decoders on this machine, without libudev: media
// nodes, their topology, and the video node of each decoder in it.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_DISCOVERY_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_DISCOVERY_H_

#include <string>
#include <string_view>
#include <vector>

#include "decode_core/hardware/device_calls.h"

namespace daedalus::core {

// A decoder entity of a media device and its video node.
struct FoundDecoder {
  std::string media_path;
  std::string video_path;
  std::string driver;  // media_device_info.driver
  std::string model;   // media_device_info.model
};

struct DiscoveryOptions {
  // The media or video node to take; empty: any.
  std::string path;
  // Nodes of this project's own, and of other programs (CUSE), too. Else they are passed over: they
  // would decode with what asks here.
  bool own_nodes = false;
};

struct Discovery {
  std::vector<FoundDecoder> decoders;  // in the order of the media nodes
  struct PassedOver {
    std::string path;
    std::string reason;
  };
  std::vector<PassedOver> passed_over;  // media nodes without a decoder that can be taken
};

Discovery discover_decoders(DeviceCalls& calls, const DiscoveryOptions& options);

// The name of this project's own drivers, in media_device_info and in v4l2_capability.
inline constexpr std::string_view kOwnDriver = "daedalus";

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_DISCOVERY_H_
