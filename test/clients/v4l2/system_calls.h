// SystemCalls: the few system calls that the client makes, so that a test can put a device behind
// them that lives in its own process.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_SYSTEM_CALLS_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_SYSTEM_CALLS_H_

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace daedalus::v4l2_client {

// As the system's own: below 0 (mmap: MAP_FAILED) errno says why. One client's calls come from one
// thread.
class SystemCalls {
 public:
  virtual ~SystemCalls() = default;
  // O_RDWR | O_NONBLOCK | O_CLOEXEC.
  virtual int open(const std::string& path) = 0;
  virtual int close(int fd) = 0;
  virtual int ioctl(int fd, uint32_t request, void* argument) = 0;
  // Shared, readable and writable.
  virtual void* mmap(int fd, size_t size, int64_t offset) = 0;
  virtual int munmap(void* data, size_t size) = 0;
  virtual int poll(pollfd* fds, size_t count, int milliseconds) = 0;

  struct Node {
    std::string path;
    uint32_t major = 0, minor = 0;
  };
  // The nodes /dev/`prefix`*, in the order of their numbers.
  virtual std::vector<Node> nodes(const std::string& prefix) = 0;
};

// The system's.
SystemCalls& kernel_calls();

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_SYSTEM_CALLS_H_
