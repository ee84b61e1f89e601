// The entry of the library that loaded_devices.cc loads.
#include "cuse_device/preload/devices.h"

extern "C" [[gnu::visibility("default")]] void daedalus_make_v4l2_devices(
    std::span<const daedalus::preload::Node> nodes,
    daedalus::Result<daedalus::preload::Devices>* devices) {
  *devices = daedalus::preload::make_devices(nodes);
}
