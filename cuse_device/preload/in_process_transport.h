// InProcessTransport: the whole device inside the client.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_IN_PROCESS_TRANSPORT_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_IN_PROCESS_TRANSPORT_H_

#include <memory>
#include <mutex>

#include "cuse_device/preload/devices.h"
#include "cuse_device/preload/transport.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::preload {

// The devices are made when the first file is opened.
class InProcessTransport final : public Transport {
 public:
  Result<Opened> open(const Node& node, int flags) override;
  void before_fork() override { mutex_.lock(); }
  void after_fork(bool child) override;

 private:
  Result<std::shared_ptr<v4l2::Device>> device(NodeRole role);

  std::mutex mutex_;
  std::unique_ptr<Devices> devices_ = std::make_unique<Devices>();
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_IN_PROCESS_TRANSPORT_H_
