// Server: the threads that serve the nodes.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_SERVER_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cuse_device/cuse/cuse_node.h"

namespace daedalus::cuse {

// A fixed number of threads serves all nodes: an ioctl that takes its time holds one of them, one
// that waits for a picture none.
class Server {
 public:
  static Result<std::unique_ptr<Server>> create(std::vector<std::unique_ptr<CuseNode>> nodes);
  // Serves nobody any more; the nodes vanish.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // What node `index` calls when one of its files is to be served. Any thread.
  std::function<void(uint64_t file)> waker(size_t index);
  CuseNode& node(size_t index) { return *nodes_[index]; }
  size_t node_count() const { return nodes_.size(); }

  // Once every node has its device.
  void start();
  // Readable when the kernel has let go of a node.
  int ended_fd() const { return ended_.get(); }

 private:
  Server() = default;
  void run();
  void serve_woken();

  std::vector<std::unique_ptr<CuseNode>> nodes_;
  UniqueFd epoll_;
  UniqueFd woken_;  // eventfd, a semaphore: one for each entry of wakes_
  UniqueFd stop_;   // eventfd
  UniqueFd ended_;  // eventfd
  std::mutex mutex_;
  std::set<std::pair<size_t, uint64_t>> wakes_;  // node, file
  std::vector<std::thread> threads_;
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_SERVER_H_
