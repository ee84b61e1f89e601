#include "cuse_device/preload/in_process_transport.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <cstdint>
#include <utility>

#include "cuse_device/preload/devices.h"
#include "cuse_device/preload/local_file.h"
#include "cuse_device/preload/real_calls.h"

namespace daedalus::preload {

Result<std::shared_ptr<v4l2::Device>> InProcessTransport::device(NodeRole role) {
  std::lock_guard lock(mutex_);
  auto& known = (*devices_)[role];
  if (known) return known;
  auto made = make_device(role);
  if (made.ok()) known = *made;
  return made;
}

Result<Transport::Opened> InProcessTransport::open(const Node& node, int flags) {
  auto made = device(node.role);
  if (!made.ok()) return made.error();
  auto file = (*made)->open();
  if (!file.ok()) return file.error();
  UniqueFd fd(::epoll_create1((flags & O_CLOEXEC) != 0 ? EPOLL_CLOEXEC : 0));
  if (!fd) return system_error(node.path);
  const intptr_t status = flags & O_NONBLOCK;
  if (real.fcntl(fd.get(), F_SETFL, reinterpret_cast<void*>(status)) != 0) {
    return system_error(node.path);
  }
  return Opened{std::move(fd), std::make_shared<LocalFile>(node, std::move(file).value())};
}

// The parent's devices have threads that are not here, so they are left alone, not destroyed.
void InProcessTransport::after_fork(bool child) {
  if (child) {
    static_cast<void>(devices_.release());
    devices_ = std::make_unique<Devices>();
  }
  mutex_.unlock();
}

}  // namespace daedalus::preload
