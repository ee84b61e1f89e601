#include "cuse_device/cuse/request_handle.h"

#include <poll.h>

#include <cerrno>
#include <utility>

namespace daedalus::cuse {

RequestHandle::~RequestHandle() {
  if (request_) request_->set_listener(nullptr);
}

int RequestHandle::bind(const std::shared_ptr<v4l2::Request>& request) {
  {
    std::lock_guard lock(mutex_);
    if (request_) return EBUSY;
    request_ = request;
  }
  request->set_listener([this] { listener_.call(); });
  listener_.call();
  return 0;
}

std::shared_ptr<v4l2::Request> RequestHandle::request() const {
  std::lock_guard lock(mutex_);
  return request_;
}

int RequestHandle::ioctl(uint32_t request, std::span<std::byte> argument, v4l2::Client& client) {
  const auto bound = this->request();
  return bound ? bound->ioctl(request, argument, client) : ENOTTY;
}

short RequestHandle::poll() {
  const auto bound = request();
  return bound ? bound->poll() : POLLERR;
}

Result<v4l2::MappedRange> RequestHandle::map(uint64_t, size_t) {
  return Error{ErrorCode::kUnsupported, "a request has no memory to map"};
}

Result<std::unique_ptr<v4l2::OpenFile>> RequestDevice::open() {
  return std::unique_ptr<v4l2::OpenFile>(std::make_unique<RequestHandle>());
}

}  // namespace daedalus::cuse
