// Transport: what stands behind the nodes: a device in this process, or a daemon.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_TRANSPORT_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_TRANSPORT_H_

#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cuse_device/preload/descriptor.h"
#include "cuse_device/preload/node.h"

namespace daedalus::preload {

class Transport {
 public:
  // `fd` is what the kernel knows: a descriptor that may be duplicated, passed on and closed
  // without harm, and whose status flags are the client's.
  struct Opened {
    UniqueFd fd;
    std::shared_ptr<NodeFile> file;
  };

  virtual ~Transport() = default;
  // `flags` as in open(2).
  virtual Result<Opened> open(const Node& node, int flags) = 0;

  // Around fork(): the child has none of the parent's threads.
  virtual void before_fork() = 0;
  virtual void after_fork(bool child) = 0;
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_TRANSPORT_H_
