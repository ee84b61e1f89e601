// make_devices: where the in-process transport gets its devices from. Two libraries define it:
// `linked_devices` with the decoder linked in, `loaded_devices` by loading it when it is wanted.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_DEVICES_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_DEVICES_H_

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "cuse_device/preload/node.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::preload {

using Devices = std::vector<std::shared_ptr<v4l2::Device>>;

// A new set of devices with a core of its own, one for each of nodes().
Result<Devices> make_devices(std::span<const Node> nodes);

// What the loaded library exports, under the name kMakeDevicesSymbol; of one build with its caller.
using MakeDevices = void (*)(std::span<const Node> nodes, Result<Devices>* devices);
inline constexpr const char* kMakeDevicesSymbol = "daedalus_make_v4l2_devices";
inline constexpr const char* kDeviceLibrary = "daedalus_v4l2_device.so";

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_DEVICES_H_
