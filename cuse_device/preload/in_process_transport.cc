#include "cuse_device/preload/in_process_transport.h"

#include <utility>

#include "cuse_device/preload/local_file.h"

namespace daedalus::preload {

Result<std::shared_ptr<v4l2::Device>> InProcessTransport::device(NodeRole role) {
  std::lock_guard lock(mutex_);
  if (devices_->empty()) {
    auto made = make_devices(nodes());
    if (!made.ok()) return made.error();
    *devices_ = std::move(made).value();
  }
  return devices_->at(static_cast<size_t>(role));
}

Result<Transport::Opened> InProcessTransport::open(const Node& node, int flags) {
  auto made = device(node.role);
  if (!made.ok()) return made.error();
  auto file = (*made)->open();
  if (!file.ok()) return file.error();
  auto handle = make_handle(flags);
  if (!handle.ok()) return handle.error();
  return Opened{std::move(*handle), std::make_shared<LocalFile>(node, std::move(file).value())};
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
