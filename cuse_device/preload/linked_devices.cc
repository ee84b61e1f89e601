#include <sys/sysmacros.h>

#include <cstdlib>
#include <utility>

#include "cuse_device/preload/devices.h"
#include "cuse_device/v4l2/nodes.h"
#include "decode_core/core.h"

namespace daedalus::preload {

Result<Devices> make_devices(std::span<const Node> nodes) {
  v4l2::NodesOptions options;
  options.stateful_name = nodes[static_cast<size_t>(NodeRole::kStateful)].name;
  options.stateless_name = nodes[static_cast<size_t>(NodeRole::kStateless)].name;
  options.media_name = nodes[static_cast<size_t>(NodeRole::kMedia)].name;
  options.av1 = std::getenv("DAEDALUS_AV1") != nullptr;  // set by daedalus run --av1
  // A node never decodes with nodes: it might find itself.
  core::Settings settings = core::Settings::from_environment();
  settings.backend = "software";
  const auto core = core::Core::create(std::move(settings));
  Devices devices;
  for (auto& device : v4l2::make_nodes(core, options)) {
    const dev_t number = nodes[devices.size()].number;
    device->set_device_number(major(number), minor(number));
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace daedalus::preload
