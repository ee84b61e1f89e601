// InProcessCalls: the client's system calls on the nodes of cuse_device/v4l2 in this very process:
// no kernel, no preload, so it runs under every sanitizer.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_IN_PROCESS_CALLS_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_IN_PROCESS_CALLS_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "cuse_device/v4l2/client.h"
#include "cuse_device/v4l2/nodes.h"
#include "cuse_device/v4l2/open_file.h"
#include "decode_core/core.h"
#include "test/clients/v4l2/system_calls.h"

namespace daedalus::v4l2_client {

// The nodes of one decoder, with device numbers, for any number of clients.
class InProcessNodes {
 public:
  explicit InProcessNodes(const std::shared_ptr<core::Core>& core);
  const std::vector<std::unique_ptr<v4l2::Device>>& devices() const { return devices_; }

 private:
  std::vector<std::unique_ptr<v4l2::Device>> devices_;
};

// One client's, any thread; `nodes` must outlive it.
class InProcessCalls final : public SystemCalls, private v4l2::Client {
 public:
  explicit InProcessCalls(const InProcessNodes& nodes) : nodes_(nodes) {}
  ~InProcessCalls() override;

  int open(const std::string& path) override;
  int close(int fd) override;
  int ioctl(int fd, uint32_t request, void* argument) override;
  void* mmap(int fd, size_t size, int64_t offset) override;
  int munmap(void* data, size_t size) override;
  int poll(pollfd* fds, size_t count, int milliseconds) override;
  std::vector<Node> nodes(const std::string& prefix) override;

  // Descriptors and mappings that are not closed.
  size_t open_files() const;
  size_t mappings() const;

 private:
  bool read(uint64_t address, void* to, size_t size) override;
  bool write(uint64_t address, const void* from, size_t size) override;
  int give_fd(UniqueFd fd, bool close_on_exec) override;
  Result<UniqueFd> take_fd(int client_fd) override;
  int give_request(std::shared_ptr<v4l2::Request> request) override;
  std::shared_ptr<v4l2::Request> find_request(int client_fd) override;

  int add(std::shared_ptr<v4l2::OpenFile> file);
  std::shared_ptr<v4l2::OpenFile> find(int fd) const;
  int answer(v4l2::OpenFile& file, uint32_t request, std::span<std::byte> argument);
  uint64_t changes();

  const InProcessNodes& nodes_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  uint64_t changes_ = 0;  // of any file
  int next_fd_ = 100000;  // far from the process's own
  std::map<int, std::shared_ptr<v4l2::OpenFile>> files_;
  std::map<int, std::weak_ptr<v4l2::Request>> requests_;
  std::map<void*, std::shared_ptr<core::SurfaceMemory>> mappings_;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_IN_PROCESS_CALLS_H_
