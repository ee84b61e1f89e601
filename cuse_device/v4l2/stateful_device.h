// StatefulDevice: the node of the stateful decoder (V4L2 "Memory-to-memory Stateful Video Decoder
// Interface"): a bitstream in, pictures out in display order.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_DEVICE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_DEVICE_H_

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "cuse_device/v4l2/media_topology.h"
#include "cuse_device/v4l2/open_file.h"
#include "cuse_device/v4l2/priority.h"
#include "decode_core/core.h"
#include "decode_core/stream/stream_decoder.h"

namespace daedalus::v4l2 {

class StatefulDevice : public Device {
 public:
  // Makes the engine of one open file.
  using MakeDecoder = std::function<Result<std::unique_ptr<core::StreamDecoder>>(
      const core::StreamDecoder::Config& config, std::function<void()> changed)>;

  struct Options {
    std::string name = "video10";
    bool user_pointers =
        true;  // V4L2_MEMORY_USERPTR: the transport reaches any of a client's memory
    // V4L2_PIX_FMT_AV1: programs older than it, v4l2-compliance 1.30 among them, take a node that
    // lists it for no decoder.
    bool av1 = false;
    MakeDecoder make_decoder;              // null: core::StreamDecoder::create
    std::shared_ptr<DeviceNumber> number;  // where set_device_number() goes; may be null
  };

  StatefulDevice(std::shared_ptr<core::Core> core, Options options);

  NodeKind kind() const override { return NodeKind::kVideo; }
  std::string name() const override { return options_.name; }
  Result<std::unique_ptr<OpenFile>> open() override;
  void set_device_number(uint32_t major, uint32_t minor) override {
    if (options_.number) options_.number->set(major, minor);
  }

 private:
  const std::shared_ptr<core::Core> core_;
  Options options_;
  const std::shared_ptr<Priorities> priorities_ = std::make_shared<Priorities>();
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_DEVICE_H_
