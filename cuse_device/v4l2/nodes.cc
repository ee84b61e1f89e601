#include "cuse_device/v4l2/nodes.h"

#include <utility>

#include "cuse_device/v4l2/media_device.h"
#include "cuse_device/v4l2/media_topology.h"
#include "cuse_device/v4l2/request.h"
#include "cuse_device/v4l2/stateful_device.h"
#include "cuse_device/v4l2/stateless_device.h"

namespace daedalus::v4l2 {

std::vector<std::unique_ptr<Device>> make_nodes(const std::shared_ptr<core::Core>& core,
                                                const NodesOptions& options) {
  const auto origin = std::make_shared<const RequestOrigin>();
  StatefulDevice::Options stateful;
  stateful.name = options.stateful_name;
  stateful.user_pointers = options.user_pointers;
  stateful.av1 = options.av1;
  stateful.number = std::make_shared<DeviceNumber>();

  StatelessDevice::Options stateless;
  stateless.name = options.stateless_name;
  stateless.user_pointers = options.user_pointers;
  stateless.direct_qbuf = options.direct_qbuf;
  stateless.requests = origin;
  stateless.number = std::make_shared<DeviceNumber>();

  auto topology = std::make_shared<MediaTopology>();
  topology->add_decoder("daedalus-stateful", stateful.number);
  topology->add_decoder("daedalus-stateless", stateless.number);

  std::vector<std::unique_ptr<Device>> nodes;
  nodes.push_back(std::make_unique<StatefulDevice>(core, std::move(stateful)));
  nodes.push_back(std::make_unique<StatelessDevice>(core, std::move(stateless)));
  nodes.push_back(std::make_unique<MediaDevice>(options.media_name, std::move(topology), origin));
  return nodes;
}

}  // namespace daedalus::v4l2
