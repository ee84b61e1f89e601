// Client: what an ioctl needs of the process that called it, whatever carries the call.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_CLIENT_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"

namespace daedalus::v4l2 {

class Request;

// Lives for one call of OpenFile::ioctl, on one thread.
//
// Nested pointers: an ioctl first reads every nested range that it will need (arrays of planes, of
// controls, their payloads), level by level, and acts only when all reads succeeded; it writes only
// to ranges that it has read. A transport that cannot reach the client's memory at once (CUSE)
// answers false to the first read of a range, fetches it, and calls the ioctl again.
class Client {
 public:
  virtual ~Client() = default;

  // Copies between the client's memory and ours. False: EFAULT, or not fetched yet; either way the
  // ioctl returns EFAULT at once, having changed nothing.
  virtual bool read(uint64_t address, void* to, size_t size) = 0;
  virtual bool write(uint64_t address, const void* from, size_t size) = 0;

  // Opens `fd` in the client (EXPBUF): the client's descriptor number, or a negative errno; ENOTTY
  // where the transport has no way to put a descriptor into the client.
  virtual int give_fd(UniqueFd fd, bool close_on_exec) = 0;
  // A duplicate of the client's descriptor (DMABUF import).
  virtual Result<UniqueFd> take_fd(int client_fd) = 0;

  // Request handles: a descriptor in the client that stands for `request`
  // (MEDIA_IOC_REQUEST_ALLOC), or a negative errno; and back again: null where it is none.
  virtual int give_request(std::shared_ptr<Request> request) = 0;
  virtual std::shared_ptr<Request> find_request(int client_fd) = 0;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_CLIENT_H_
