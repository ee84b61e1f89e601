// LocalFile: an open file of a device that lives in the client's own process.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_LOCAL_FILE_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_LOCAL_FILE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "cuse_device/preload/descriptor.h"
#include "cuse_device/preload/node.h"
#include "cuse_device/preload/poll_source.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::preload {

// Copies arguments in and out as the kernel's video_usercopy does, and parks calls that wait until
// the file changes or a signal comes.
class LocalFile final : public NodeFile, public PollSource {
 public:
  LocalFile(const Node& node, std::unique_ptr<v4l2::OpenFile> file);
  ~LocalFile() override;

  const Node* node() const override { return &node_; }
  int ioctl(int fd, uint32_t request, void* argument) override;
  void* map(void* address, size_t size, int protection, int flags, int fd, off_t offset) override;
  PollSource* poll_source() override { return this; }
  short poll() override { return file_->poll(); }
  bool unused() const override { return !streamed_; }

 private:
  // Repeats a call that would wait, unless the descriptor is non-blocking. The errno, or 0.
  int call(int fd, uint32_t request, std::span<std::byte> argument);
  int call_parked(uint32_t request, std::span<std::byte> argument);

  const Node& node_;
  const std::unique_ptr<v4l2::OpenFile> file_;
  std::atomic<bool> streamed_{false};
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_LOCAL_FILE_H_
