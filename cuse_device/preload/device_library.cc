// The entry of the library that loaded_devices.cc loads.
#include "cuse_device/preload/devices.h"

extern "C" [[gnu::visibility("default")]] void daedalus_make_v4l2_device(
    daedalus::preload::NodeRole role,
    daedalus::Result<std::shared_ptr<daedalus::v4l2::Device>>* device) {
  *device = daedalus::preload::make_device(role);
}
