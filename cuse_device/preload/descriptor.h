// Descriptor: what a descriptor of the client is to us, beyond the kernel object behind it.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_DESCRIPTOR_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_DESCRIPTOR_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "cuse_device/preload/poll_source.h"

namespace daedalus::v4l2 {
class Request;
}  // namespace daedalus::v4l2

namespace daedalus::preload {

class NodeFile;
class CuseFile;
class EpollSet;
struct Node;

// Shared by all duplicates of a descriptor; destroyed by the last close().
class Descriptor {
 public:
  virtual ~Descriptor() = default;
  virtual NodeFile* as_node_file() { return nullptr; }
  virtual EpollSet* as_epoll_set() { return nullptr; }
};

// An open file of a device node (or a media request), whatever carries its calls.
class NodeFile : public Descriptor {
 public:
  NodeFile* as_node_file() override { return this; }

  // The node that was opened; null for what has no path.
  virtual const Node* node() const = 0;
  // As ioctl(2) and mmap(2), with errno set. `fd` is the descriptor that was called.
  virtual int ioctl(int fd, uint32_t request, void* argument) = 0;
  virtual void* map(void* address, size_t size, int protection, int flags, int fd,
                    off_t offset) = 0;
  // Null where the kernel polls the descriptor rightly.
  virtual PollSource* poll_source() = 0;
  // No VIDIOC_STREAMON yet, so POLLERR says nothing that the client does not know.
  virtual bool unused() const { return false; }
  // Likewise, where a daemon's node is behind it.
  virtual CuseFile* as_cuse_file() { return nullptr; }
  // The media request that it is, in this process, or null.
  virtual std::shared_ptr<v4l2::Request> request() const { return nullptr; }
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_DESCRIPTOR_H_
