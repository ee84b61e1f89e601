// InProcessTransport: the whole device inside the client.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_IN_PROCESS_TRANSPORT_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_IN_PROCESS_TRANSPORT_H_

#include <map>
#include <memory>
#include <mutex>

#include "cuse_device/preload/transport.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::preload {

// Devices are made when the first file is opened. Behind each descriptor is an epoll set of the
// kernel with nothing in it: like a node of this kind it takes O_NONBLOCK and refuses read, write
// and mmap, and whoever polls it behind our back sleeps.
class InProcessTransport final : public Transport {
 public:
  Result<Opened> open(const Node& node, int flags) override;
  void before_fork() override { mutex_.lock(); }
  void after_fork(bool child) override;

 private:
  using Devices = std::map<NodeRole, std::shared_ptr<v4l2::Device>>;
  Result<std::shared_ptr<v4l2::Device>> device(NodeRole role);

  std::mutex mutex_;
  std::unique_ptr<Devices> devices_ = std::make_unique<Devices>();
};

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_IN_PROCESS_TRANSPORT_H_
