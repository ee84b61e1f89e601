// CuseFile: an open file of a daemon's CUSE node. The kernel carries its calls; what CUSE cannot
// carry goes over the daemon's socket.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_CUSE_FILE_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_CUSE_FILE_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "cuse_device/cuse/companion_protocol.h"
#include "cuse_device/preload/descriptor.h"

namespace daedalus::preload {

// Whether the nodes are a daemon's (DAEDALUS_TRANSPORT=cuse), and this process has none of its own.
bool uses_daemon();

// mmap, VIDIOC_EXPBUF, buffers of V4L2_MEMORY_DMABUF and media requests work with it. A request is
// an open file of one more node, whose ioctls and poll are the kernel's to carry. Thread-safe.
class CuseFile final : public NodeFile {
 public:
  // Null where `fd` is no node of a daemon that has a socket.
  static std::shared_ptr<CuseFile> of(int fd);
  // `waits`: the descriptor was opened without O_NONBLOCK.
  CuseFile(const cuse::CompanionInfo& info, bool waits) : info_(info), waits_(waits) {}

  // The kernel knows the node, and polls it.
  const Node* node() const override { return nullptr; }
  PollSource* poll_source() override { return nullptr; }
  bool unused() const override { return !streamed_; }
  CuseFile* as_cuse_file() override { return this; }
  int ioctl(int fd, uint32_t request, void* argument) override;
  void* map(void* address, size_t size, int protection, int flags, int fd, off_t offset) override;

 private:
  cuse::Question question(cuse::Operation operation) const;
  // The errno, or 0.
  int ask(const cuse::Question& question, int sent, UniqueFd* received, uint64_t* offset) const;
  int call(int fd, uint32_t request, void* argument);
  void tell_whether_calls_wait(int fd);
  int export_buffer(v4l2_exportbuffer* buffer) const;
  int send_planes(const v4l2_buffer& buffer) const;
  int allocate_request(int* fd) const;
  int call_with_request(int fd, uint32_t request, void* argument, int request_fd) const;
  // The number by which `video` knows the request that this file is, or an errno.
  int number_at(const CuseFile& video, uint32_t* number);

  const cuse::CompanionInfo info_;
  std::atomic<bool> waits_;  // what the daemon believes
  std::atomic<bool> streamed_{false};
  // Of a request handle.
  std::mutex numbers_mutex_;
  std::map<cuse::Token, uint32_t> numbers_;  // by video node's open file
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_CUSE_FILE_H_
