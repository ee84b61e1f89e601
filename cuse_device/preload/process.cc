#include "cuse_device/preload/process.h"

#include <fcntl.h>
#include <pthread.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "cuse_device/preload/directories.h"
#include "cuse_device/preload/in_process_transport.h"
#include "cuse_device/preload/real_calls.h"
#include "cuse_device/preload/waiter.h"

namespace daedalus::preload {

constinit DescriptorTable descriptors;

namespace {

// Never destroyed: files may be open, and threads decode, while the process exits.
Transport& transport() {
  static Transport& instance = *new InProcessTransport;
  return instance;
}

void before_fork() {
  transport().before_fork();
  descriptors.before_fork();
  WaiterLease::before_fork();
  directories.before_fork();
}

void after_fork(bool child) {
  directories.after_fork();
  WaiterLease::after_fork(child);
  descriptors.after_fork(child);
  transport().after_fork(child);
}

void watch_forks() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::pthread_atfork(
        before_fork, [] { after_fork(false); }, [] { after_fork(true); });
  });
}

int errno_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kOutOfMemory:
      return ENOMEM;
    case ErrorCode::kSystem:
      return EMFILE;
    default:
      return ENODEV;
  }
}

}  // namespace

std::shared_ptr<NodeFile> find_node_file(int fd) {
  auto descriptor = descriptors.find(fd);
  NodeFile* const file = descriptor ? descriptor->as_node_file() : nullptr;
  if (file == nullptr) return nullptr;
  return std::shared_ptr<NodeFile>(std::move(descriptor), file);
}

int open_node(const Node& node, int flags) {
  if ((flags & O_DIRECTORY) != 0) {
    errno = ENOTDIR;
    return -1;
  }
  watch_forks();
  auto opened = transport().open(node, flags);
  if (!opened.ok()) {
    log(LogLevel::kError, "%s: %s", node.path.c_str(), opened.error().message.c_str());
    errno = errno_of(opened.error());
    return -1;
  }
  const int fd = adopt_handle(std::move(opened->fd), std::move(opened->file));
  if (fd >= 0) return fd;
  errno = -fd;
  return -1;
}

int adopt_handle(UniqueFd handle, std::shared_ptr<NodeFile> file) {
  if (static_cast<uint32_t>(handle.get()) >= DescriptorTable::kLimit) return -EMFILE;
  descriptors.insert(handle.get(), std::move(file));
  return handle.release();
}

int adopt(int original, int copy) {
  auto descriptor = descriptors.find(original);
  if (!descriptor) {
    descriptors.remove(copy);
    return copy;
  }
  if (static_cast<uint32_t>(copy) >= DescriptorTable::kLimit) {
    real.close(copy);
    errno = EMFILE;
    return -1;
  }
  descriptors.insert(copy, std::move(descriptor));
  return copy;
}

}  // namespace daedalus::preload
