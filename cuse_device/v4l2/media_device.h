// MediaDevice: the media node: what the device consists of, and where requests come from (kernel
// mc-device.c, mc-request.c).
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_MEDIA_DEVICE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_MEDIA_DEVICE_H_

#include <memory>
#include <string>

#include "base/result.h"
#include "cuse_device/v4l2/media_topology.h"
#include "cuse_device/v4l2/open_file.h"
#include "cuse_device/v4l2/request.h"

namespace daedalus::v4l2 {

class MediaDevice : public Device {
 public:
  // `origin` is what requests of this device are known by on its video nodes.
  MediaDevice(std::string name, std::shared_ptr<const MediaTopology> topology,
              std::shared_ptr<const RequestOrigin> origin);

  NodeKind kind() const override { return NodeKind::kMedia; }
  std::string name() const override { return name_; }
  Result<std::unique_ptr<OpenFile>> open() override;

 private:
  const std::string name_;
  const std::shared_ptr<const MediaTopology> topology_;
  const std::shared_ptr<const RequestOrigin> origin_;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_MEDIA_DEVICE_H_
