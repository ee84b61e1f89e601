// RequestHandle: an open file of the node that clients' descriptors of media requests belong to.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_REQUEST_HANDLE_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_REQUEST_HANDLE_H_

#include <memory>
#include <mutex>
#include <string>

#include "cuse_device/v4l2/change_listener.h"
#include "cuse_device/v4l2/open_file.h"
#include "cuse_device/v4l2/request.h"

namespace daedalus::cuse {

// Empty (ENOTTY, POLLERR) until it is bound; from then on the request. Keeps it for as long as it
// is open.
class RequestHandle final : public v4l2::OpenFile {
 public:
  ~RequestHandle() override;

  // Once: EBUSY where it has a request.
  int bind(const std::shared_ptr<v4l2::Request>& request);
  // Null: empty.
  std::shared_ptr<v4l2::Request> request() const;

  int ioctl(uint32_t request, std::span<std::byte> argument, v4l2::Client& client) override;
  short poll() override;
  Result<v4l2::MappedRange> map(uint64_t offset, size_t size) override;
  void set_listener(std::function<void()> changed) override { listener_.set(std::move(changed)); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<v4l2::Request> request_;
  v4l2::ChangeListener listener_;
};

// Each open of it is an empty handle.
class RequestDevice final : public v4l2::Device {
 public:
  explicit RequestDevice(std::string name) : name_(std::move(name)) {}
  v4l2::NodeKind kind() const override { return v4l2::NodeKind::kMedia; }
  std::string name() const override { return name_; }
  Result<std::unique_ptr<v4l2::OpenFile>> open() override;

 private:
  const std::string name_;
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_REQUEST_HANDLE_H_
