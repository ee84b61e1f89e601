// The nodes of one decoder device: the stateful and the stateless decoder and the media node that
// ties them together.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_NODES_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_NODES_H_

#include <memory>
#include <string>
#include <vector>

#include "cuse_device/v4l2/open_file.h"
#include "decode_core/core.h"

namespace daedalus::v4l2 {

struct NodesOptions {
  // The nodes' usual names, which kind() and name() of the devices say.
  std::string stateful_name = "video10";
  std::string stateless_name = "video11";
  std::string media_name = "media0";
  // V4L2_MEMORY_USERPTR: the transport reaches any of a client's memory.
  bool user_pointers = true;
  // The stateless decoder also takes self-contained frames without request.
  bool direct_qbuf = false;
  // The stateful decoder lists AV1 (stateful_device.h).
  bool av1 = false;
};

// In this order: stateful, stateless, media. They may be used and destroyed apart from each other.
std::vector<std::unique_ptr<Device>> make_nodes(const std::shared_ptr<core::Core>& core,
                                                const NodesOptions& options);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_NODES_H_
