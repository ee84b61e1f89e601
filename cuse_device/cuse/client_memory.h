// ClientMemory: what one call of an ioctl over CUSE can reach of the client that made it.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_CLIENT_MEMORY_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_CLIENT_MEMORY_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cuse_device/v4l2/client.h"

namespace daedalus::cuse {

struct MemoryRange {
  uint64_t address = 0;
  size_t size = 0;  // bytes
  bool operator==(const MemoryRange&) const = default;
};

// The kernel fetches what an ioctl names, range by range, when it is asked to call again (FUSE's
// ioctl retry), and the bytes come one after the other in the order that they were asked for. An
// ioctl asks for the same ranges in the same order each time it is called with the same bytes, so
// nothing needs to be remembered between the calls: its n-th new question is the n-th range. A
// client that changes its memory in the meantime gets its own mixture back, in its own memory.
//
// Lives for one call of OpenFile::ioctl, on one thread.
class ClientMemory : public v4l2::Client {
 public:
  // `fetched`: what came behind the argument. `process`: a thread of the client that waits for this
  // call, whose memory is read and written directly (process_vm_readv); without, by retry.
  ClientMemory(std::span<const std::byte> fetched, std::optional<pid_t> process)
      : fetched_(fetched), process_(process) {}

  bool read(uint64_t address, void* to, size_t size) override;
  bool write(uint64_t address, const void* from, size_t size) override;
  // Only a companion inside the client could.
  int give_fd(UniqueFd fd, bool close_on_exec) override;
  Result<UniqueFd> take_fd(int client_fd) override;
  int give_request(std::shared_ptr<v4l2::Request> request) override;
  std::shared_ptr<v4l2::Request> find_request(int client_fd) override;

  // The ranges whose bytes were there, in order, and those that were not: with these the call is to
  // be made again.
  const std::vector<MemoryRange>& known() const { return known_; }
  const std::vector<MemoryRange>& missing() const { return missing_; }
  // What is to be copied back behind the argument: the known ranges up to the last one written.
  std::span<const std::byte> written() const { return std::span(bytes_).first(written_); }
  // Read and written in the client's memory directly.
  size_t direct_bytes() const { return direct_bytes_; }

 private:
  std::optional<size_t> find(uint64_t address, size_t size) const;

  std::span<const std::byte> fetched_;  // not claimed by a range yet
  const std::optional<pid_t> process_;
  std::vector<MemoryRange> known_;
  std::vector<std::byte> bytes_;  // of the known ranges
  size_t written_ = 0;
  size_t direct_bytes_ = 0;
  std::vector<MemoryRange> missing_;
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_CLIENT_MEMORY_H_
