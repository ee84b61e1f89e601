// Node: a device node that the client sees in /dev although the kernel has none there.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_NODE_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_NODE_H_

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

namespace daedalus::preload {

// In the order of v4l2::make_nodes().
enum class NodeRole : uint8_t { kStateful, kStateless, kMedia };

struct Node {
  NodeRole role = NodeRole::kStateful;
  std::string name;  // "video10"
  std::string path;  // "/dev/video10"
  dev_t number = 0;  // major:minor
};

// The nodes of this process, one for each role in its order, for its whole life. A name that the
// kernel has a node of is passed over: the next free number is taken.
std::span<const Node> nodes();

// The node that a path names, relative to `directory` as in openat(2); null for every other path,
// null and empty ones included. Paths that do not end like a video or media node cost one look at
// their end and are async-signal-safe.
const Node* node_at(int directory, const char* path);

// Is it /dev, whatever it is called? `directory` is an open descriptor.
bool is_dev_directory(int directory);

// What the node looks like: a character device that everybody may read and write.
void describe(const Node& node, struct stat* to);
void describe(const Node& node, struct statx* to);
void describe(const Node& node, dirent* to);

// The text of /sys/dev/char/MAJOR:MINOR/uevent where `path` is that file of one of the nodes, which
// is how v4l2-ctl learns what kind of node it has; empty for every other path. As cheap as
// node_at().
std::string uevent_at(const char* path);

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_NODE_H_
