// NodeFile: one open file of a CUSE node: its ioctls, those that wait included, and poll.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_NODE_FILE_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_NODE_FILE_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "cuse_device/cuse/ioctl_call.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::cuse {

// A request of the kernel that waits for its one answer. Any thread, one at a time.
class PendingIoctl {
 public:
  virtual ~PendingIoctl() = default;
  virtual void answer(const IoctlAnswer& answer) = 0;
  // From now on the file's `wake` is called when a signal interrupts the client; at once where one
  // already has.
  virtual void watch_interrupts() = 0;
  virtual bool interrupted() const = 0;
};

// Somebody who polls and wants to hear of a change, once.
class PollWaiter {
 public:
  virtual ~PollWaiter() = default;
  virtual void notify() = 0;
};

// Thread-safe; holds no lock while it calls the device or the kernel.
class NodeFile {
 public:
  // `wake` is called, on any thread, when serve() is due. `blocking`: the client opened the node
  // without O_NONBLOCK (CUSE does not tell when the flag changes later; a companion's kWaitIoctl
  // does).
  NodeFile(std::unique_ptr<v4l2::OpenFile> file, bool blocking, std::function<void()> wake);
  // The last close. Parked ioctls, if any, end with ENODEV.
  ~NodeFile();
  NodeFile(const NodeFile&) = delete;
  NodeFile& operator=(const NodeFile&) = delete;

  // One that has to wait (v4l2::parking_of) is parked and holds no thread.
  void ioctl(std::unique_ptr<PendingIoctl> pending, IoctlCall call);
  // `waiter`, unless null, takes the place of the one before.
  short poll(std::unique_ptr<PollWaiter> waiter);
  // Something changed: tries the parked ioctls again, in their order, ends those that were
  // interrupted with EINTR (not those that end soon by themselves), and tells who polls.
  void serve();

  size_t parked() const;

 private:
  struct Parked {
    std::unique_ptr<PendingIoctl> pending;
    IoctlCall call;
    bool ready = false;  // interrupts are watched: serve() may answer it
    bool tried = false;  // in this round of serve()
  };

  Parked* next_to_try();
  void try_again(Parked* parked);

  const std::unique_ptr<v4l2::OpenFile> file_;
  std::atomic<bool> blocking_;

  mutable std::mutex mutex_;
  std::list<Parked> parked_;
  std::unique_ptr<PollWaiter> waiter_;
  bool serving_ = false;      // one thread at a time
  bool serve_again_ = false;  // another one wanted to
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_NODE_FILE_H_
