// The state of this process: its descriptors and the transport behind them.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_PROCESS_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_PROCESS_H_

#include <memory>

#include "base/unique_fd.h"
#include "cuse_device/preload/descriptor_table.h"
#include "cuse_device/preload/node.h"

namespace daedalus::preload {

extern constinit DescriptorTable descriptors;

// The node file behind a descriptor; null, at the price of DescriptorTable::has(), for all others.
std::shared_ptr<NodeFile> find_node_file(int fd);
[[gnu::always_inline]] inline std::shared_ptr<NodeFile> node_file(int fd) {
  return descriptors.has(fd) ? find_node_file(fd) : nullptr;
}

// As open(2) of a node that is there: a descriptor, or -1 with errno set.
int open_node(const Node& node, int flags);

// Makes `handle` a descriptor of that file: its number, or a negative errno.
int adopt_handle(UniqueFd handle, std::shared_ptr<NodeFile> file);

// As dup(2) and its kin, after the kernel made `copy` of `original`: it means the same from now on,
// and no longer what it meant before. -1 with errno set, and the copy closed, where that cannot be.
int adopt(int original, int copy);
[[gnu::always_inline]] inline int adopt_copy(int original, int copy) {
  if (copy < 0 || copy == original) return copy;
  return descriptors.has(original) || descriptors.has(copy) ? adopt(original, copy) : copy;
}

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_PROCESS_H_
