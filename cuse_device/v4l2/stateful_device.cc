#include "cuse_device/v4l2/stateful_device.h"

#include <utility>

#include "cuse_device/v4l2/stateful_file.h"

namespace daedalus::v4l2 {

StatefulDevice::StatefulDevice(std::shared_ptr<core::Core> core, Options options)
    : core_(std::move(core)), options_(std::move(options)) {
  if (options_.make_decoder) return;
  options_.make_decoder = [core = core_](const core::StreamDecoder::Config& config,
                                         std::function<void()> changed) {
    return core::StreamDecoder::create(core, config, std::move(changed));
  };
}

Result<std::unique_ptr<OpenFile>> StatefulDevice::open() {
  if (coded_formats(core_->capabilities()).empty()) {
    return Error{ErrorCode::kUnsupported, "this build decodes no codec"};
  }
  return std::unique_ptr<OpenFile>(std::make_unique<StatefulFile>(
      core_, priorities_, options_.make_decoder, options_.user_pointers, options_.av1));
}

}  // namespace daedalus::v4l2
