// The hardware backend: the kernel's stateless decoders, by codec, profile and size.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_HARDWARE_BACKEND_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_HARDWARE_BACKEND_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "decode_core/backend.h"
#include "decode_core/hardware/device_calls.h"
#include "decode_core/hardware/device_capabilities.h"
#include "decode_core/hardware/discovery.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/settings.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
}

namespace daedalus::core {

// What the settings ask for: "prefer-hardware" any device, unless they name an engine; "hardware"
// any; "hardware:/dev/…" one; "hardware:loopback" our own nodes. nullopt: software alone.
std::optional<DiscoveryOptions> wanted_hardware(const Settings& settings);

// A device that was found and asked.
struct HardwareDevice {
  FoundDecoder where;
  DeviceCapabilities capabilities;
};

struct HardwareSurvey {
  std::vector<HardwareDevice> devices;             // those that decode something, in their order
  std::vector<Discovery::PassedOver> passed_over;  // nodes that were not taken, and why
};

// Looks for devices and asks each. `calls` are those that the options' path is one of.
HardwareSurvey survey_hardware(DeviceCalls& calls, const DiscoveryOptions& options);

// Whether the capability covers such a session. A size of 0x0, which the client did not announce,
// is inside.
bool covers(const ProfileCapability& capability, const SessionConfig& config);

// Sessions go to the device that covers them; of several to the one that takes the largest pictures
// of the profile, which is the younger and faster block where a chip has two. `calls` outlive the
// backend, its decoders and their frames, `memory` all but the frames. `substrate`: for the kernels
// that copy pictures out of the devices' buffers; `dispatcher`, which says what of that a
// GPU does, and where, outlives the decoders; null: nothing. `unpacked`: where pictures
// lie that were unpacked from columns; null: on the heap.
std::unique_ptr<Backend> create_hardware_backend(
    DeviceCalls& calls, std::vector<HardwareDevice> devices, MemoryAllocator& memory,
    const gpu_kernels::SubstrateChoice& substrate, gpu_kernels::Dispatcher* dispatcher = nullptr,
    std::shared_ptr<FrameMemorySource> unpacked = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_HARDWARE_BACKEND_H_
