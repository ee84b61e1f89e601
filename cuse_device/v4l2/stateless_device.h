// StatelessDevice: the node of the stateless decoder (V4L2 "Memory-to-memory Stateless Video
// Decoder Interface"): parsed pictures in, one request each; pictures out in decoding order.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_DEVICE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_DEVICE_H_

#include <memory>
#include <string>

#include "base/result.h"
#include "cuse_device/v4l2/media_topology.h"
#include "cuse_device/v4l2/open_file.h"
#include "cuse_device/v4l2/priority.h"
#include "cuse_device/v4l2/request.h"
#include "decode_core/core.h"

namespace daedalus::v4l2 {

class StatelessDevice : public Device {
 public:
  struct Options {
    std::string name = "video11";
    bool user_pointers =
        true;  // V4L2_MEMORY_USERPTR: the transport reaches any of a client's memory
    // Frames that carry their headers are taken without request (SelfContainedFrames).
    bool direct_qbuf = false;
    // The media device whose requests are taken; null: none are.
    std::shared_ptr<const RequestOrigin> requests;
    std::shared_ptr<DeviceNumber> number;  // where set_device_number() goes; may be null
  };

  StatelessDevice(std::shared_ptr<core::Core> core, Options options);

  NodeKind kind() const override { return NodeKind::kVideo; }
  std::string name() const override { return options_.name; }
  Result<std::unique_ptr<OpenFile>> open() override;
  void set_device_number(uint32_t major, uint32_t minor) override {
    if (options_.number) options_.number->set(major, minor);
  }

 private:
  const std::shared_ptr<core::Core> core_;
  const Options options_;
  const std::shared_ptr<Priorities> priorities_ = std::make_shared<Priorities>();
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_DEVICE_H_
