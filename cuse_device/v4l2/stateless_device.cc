#include "cuse_device/v4l2/stateless_device.h"

#include <utility>

#include "cuse_device/v4l2/stateless_file.h"

namespace daedalus::v4l2 {

StatelessDevice::StatelessDevice(std::shared_ptr<core::Core> core, Options options)
    : core_(std::move(core)), options_(std::move(options)) {}

Result<std::unique_ptr<OpenFile>> StatelessDevice::open() {
  if (stateless_formats(core_->capabilities()).empty()) {
    return Error{ErrorCode::kUnsupported, "this build decodes no codec"};
  }
  return std::unique_ptr<OpenFile>(std::make_unique<StatelessFile>(core_, priorities_, options_));
}

}  // namespace daedalus::v4l2
