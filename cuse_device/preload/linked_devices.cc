#include "cuse_device/preload/devices.h"
#include "cuse_device/v4l2/stateful_device.h"
#include "decode_core/core.h"

namespace daedalus::preload {

Result<std::shared_ptr<v4l2::Device>> make_device(NodeRole role) {
  switch (role) {
    case NodeRole::kStateful:
      return std::shared_ptr<v4l2::Device>(std::make_shared<v4l2::StatefulDevice>(
          core::Core::create(core::Settings::from_environment()), v4l2::StatefulDevice::Options{}));
  }
  return Error{ErrorCode::kInternal, "no such device"};
}

}  // namespace daedalus::preload
