// CuseNode: one character device that libfuse's CUSE session serves.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_CUSE_NODE_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_CUSE_NODE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/statistics.h"
#include "cuse_device/cuse/companions.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::cuse {

// Any thread may process() and serve(). Clients that come before attach() wait.
class CuseNode {
 public:
  // Makes /dev/NAME by way of /dev/cuse and checks that it is there: the kernel refuses a name or
  // a number that is taken without a word to us.
  static Result<std::unique_ptr<CuseNode>> create(const std::string& name);
  // Parked ioctls end with ENODEV and the node vanishes. No thread may be inside.
  virtual ~CuseNode() = default;

  virtual const std::string& path() const = 0;
  virtual dev_t number() const = 0;

  struct Attachment {
    std::unique_ptr<v4l2::Device> device;
    // Called with a file, on any thread, when serve(file) is due.
    std::function<void(uint64_t file)> wake;
    // Nested pointers are followed in the client's memory.
    bool user_pointers = false;
    // Null: there is no companion socket.
    Companions* companions = nullptr;
    // Counts what the node carries.
    std::unique_ptr<Statistics> statistics;
  };
  // What stands behind the node from now on.
  virtual void attach(Attachment attachment) = 0;

  // Readable while the kernel has requests; never blocks.
  virtual int fd() const = 0;
  // Serves one request, if one is there. False: the kernel has let go of the node.
  virtual bool process() = 0;
  virtual void serve(uint64_t file) = 0;
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_CUSE_NODE_H_
