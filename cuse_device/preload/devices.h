// make_device: where the in-process transport gets its devices from. Two libraries define it:
// `linked_devices` with the decoder linked in, `loaded_devices` by loading it when it is wanted.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_DEVICES_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_DEVICES_H_

#include <memory>

#include "base/result.h"
#include "cuse_device/preload/node.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::preload {

// A new device with a core of its own.
Result<std::shared_ptr<v4l2::Device>> make_device(NodeRole role);

// What the loaded library exports, under the name kMakeDeviceSymbol; of one build with its caller.
using MakeDevice = void (*)(NodeRole role, Result<std::shared_ptr<v4l2::Device>>* device);
inline constexpr const char* kMakeDeviceSymbol = "daedalus_make_v4l2_device";
inline constexpr const char* kDeviceLibrary = "daedalus_v4l2_device.so";

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_DEVICES_H_
