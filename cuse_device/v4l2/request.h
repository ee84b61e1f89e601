// Request: a media request: one buffer and the control values that go with it, queued together
// (kernel media-request.c, v4l2-ctrls-request.c, videobuf2-v4l2.c).
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_REQUEST_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_REQUEST_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "cuse_device/v4l2/buffer.h"
#include "cuse_device/v4l2/change_listener.h"
#include "cuse_device/v4l2/controls.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::v4l2 {

class Request;

// What requests need of the open file whose buffers and controls they hold. Called with no lock of
// a request held.
class RequestFile {
 public:
  // MEDIA_REQUEST_IOC_QUEUE: checks buffer and controls and queues the buffer, having called
  // set_queued(); or an errno, and nothing has changed.
  virtual int queue_request(const std::shared_ptr<Request>& request) = 0;
  // MEDIA_REQUEST_IOC_REINIT: the request lets go of the buffer.
  virtual void unbind(const std::shared_ptr<Buffer>& buffer) = 0;

 protected:
  ~RequestFile() = default;
};

// Reaches the file as long as it is open. Thread-safe. Locks: this one's → the file's → a
// request's.
class RequestFileHandle {
 public:
  explicit RequestFileHandle(RequestFile* file) : file_(file) {}
  // The file is about to close; waits for running calls.
  void close();
  // Takes no lock.
  bool closed() const { return closed_; }
  // ENOENT where the file is closed: what it had in the request is gone.
  int queue_request(const std::shared_ptr<Request>& request);
  void unbind(const std::shared_ptr<Buffer>& buffer);

 private:
  std::mutex mutex_;
  RequestFile* file_;
  std::atomic<bool> closed_ = false;
};

// The media device that made a request: others' requests are not found there.
struct RequestOrigin {};

// As an OpenFile it is what the client's descriptor from MEDIA_IOC_REQUEST_ALLOC stands for:
// ioctl() knows MEDIA_REQUEST_IOC_QUEUE and _REINIT, poll() says POLLPRI when it is complete,
// nothing can be mapped. The transport keeps it for as long as the client has a descriptor; a
// request that is queued, or that buffers are bound to, lives on without. Thread-safe.
class Request final : public OpenFile, public std::enable_shared_from_this<Request> {
 public:
  using FilePtr = std::shared_ptr<RequestFileHandle>;

  explicit Request(std::shared_ptr<const RequestOrigin> origin) : origin_(std::move(origin)) {}

  int ioctl(uint32_t request, std::span<std::byte> argument, Client& client) override;
  short poll() override;
  Result<MappedRange> map(uint64_t offset, size_t size) override;
  void set_listener(std::function<void()> changed) override { listener_.set(std::move(changed)); }

  // For the files; theirs is the lock that orders these calls.
  bool made_by(const std::shared_ptr<const RequestOrigin>& origin) const {
    return origin_ == origin;
  }
  // S/TRY_EXT_CTRLS: `change` may change the values of that file's controls. EBUSY unless idle.
  int update(const FilePtr& file, const std::function<int(ControlValues&)>& change);
  // G_EXT_CTRLS: EACCES unless complete.
  int read(const FilePtr& file, const std::function<int(const ControlValues&)>& use);
  // QBUF: EBUSY unless idle.
  int bind(const FilePtr& file, const std::shared_ptr<Buffer>& buffer);
  // The file takes the buffer out. Where the request is queued it is then complete, and the caller
  // calls notify().
  void take_out(const std::shared_ptr<Buffer>& buffer);

  // From RequestFile::queue_request on.
  ControlValues values(const FilePtr& file) const;
  std::shared_ptr<Buffer> buffer() const;  // null where it was taken out meanwhile
  void set_queued();
  // What G_EXT_CTRLS reads from now on, as v4l2_ctrl_request_complete keeps it.
  void keep(const FilePtr& file, ControlValues values);
  // Calls the listener; with no lock held.
  void notify() { listener_.call(); }

 private:
  enum class State : uint8_t { kIdle, kValidating, kQueued, kComplete, kCleaning };

  // What of one file is in the request.
  struct Part {
    FilePtr file;
    ControlValues values;
    std::vector<std::weak_ptr<Buffer>> buffers;
  };

  int queue();
  int reinit();
  Part& part_of(const FilePtr& file);

  const std::shared_ptr<const RequestOrigin> origin_;
  mutable std::mutex mutex_;  // innermost
  State state_ = State::kIdle;
  std::vector<Part> parts_;
  ChangeListener listener_;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_REQUEST_H_
