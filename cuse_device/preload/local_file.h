// LocalFile: an open file of a device that lives in the client's own process.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_LOCAL_FILE_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_LOCAL_FILE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cuse_device/preload/descriptor.h"
#include "cuse_device/preload/node.h"
#include "cuse_device/preload/poll_source.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::preload {

// Copies arguments in and out as the kernel's video_usercopy does, and parks calls that wait until
// the file changes or a signal comes.
class LocalFile final : public NodeFile, public PollSource {
 public:
  LocalFile(const Node& node, std::shared_ptr<v4l2::OpenFile> file);
  explicit LocalFile(const std::shared_ptr<v4l2::Request>& request);
  ~LocalFile() override;

  const Node* node() const override { return node_; }
  std::shared_ptr<v4l2::Request> request() const override { return request_; }
  int ioctl(int fd, uint32_t request, void* argument) override;
  void* map(void* address, size_t size, int protection, int flags, int fd, off_t offset) override;
  PollSource* poll_source() override { return this; }
  short poll() override { return file_->poll(); }
  bool unused() const override { return !streamed_; }

 private:
  // Repeats a call that would wait, unless the descriptor is non-blocking. The errno, or 0.
  int call(int fd, uint32_t request, std::span<std::byte> argument);
  int call_parked(uint32_t request, std::span<std::byte> argument);

  const Node* const node_;
  const std::shared_ptr<v4l2::OpenFile> file_;
  const std::shared_ptr<v4l2::Request> request_;
  std::atomic<bool> streamed_{false};
};

// What the kernel knows of such a file: an epoll set with nothing in it. Like a node of this kind
// it takes O_NONBLOCK and refuses read, write and mmap, and whoever polls it behind our back
// sleeps. `flags` as in open(2).
Result<UniqueFd> make_handle(int flags);

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_LOCAL_FILE_H_
