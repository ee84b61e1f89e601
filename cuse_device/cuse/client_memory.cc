#include "cuse_device/cuse/client_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace daedalus::cuse {

// Where in bytes_ a part of a known range lies.
std::optional<size_t> ClientMemory::find(uint64_t address, size_t size) const {
  size_t at = 0;
  for (const MemoryRange& range : known_) {
    const uint64_t offset = address - range.address;
    if (address >= range.address && offset <= range.size && size <= range.size - offset) {
      return at + offset;
    }
    at += range.size;
  }
  return std::nullopt;
}

bool ClientMemory::read(uint64_t address, void* to, size_t size) {
  if (size == 0) return true;
  if (process_) {
    const iovec local{to, size};
    const iovec remote{reinterpret_cast<void*>(address), size};
    direct_bytes_ += size;
    return ::process_vm_readv(*process_, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
  }
  auto at = find(address, size);
  if (!at && missing_.empty() && size <= fetched_.size()) {
    at = bytes_.size();
    known_.push_back({address, size});
    bytes_.insert(bytes_.end(), fetched_.begin(), fetched_.begin() + size);
    fetched_ = fetched_.subspan(size);
  }
  if (!at) {
    missing_.push_back({address, size});
    return false;
  }
  std::memcpy(to, bytes_.data() + *at, size);
  return true;
}

bool ClientMemory::write(uint64_t address, const void* from, size_t size) {
  if (size == 0) return true;
  if (process_) {
    const iovec local{const_cast<void*>(from), size};
    const iovec remote{reinterpret_cast<void*>(address), size};
    direct_bytes_ += size;
    return ::process_vm_writev(*process_, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
  }
  const auto at = find(address, size);
  if (!at) return false;
  std::memcpy(bytes_.data() + *at, from, size);
  written_ = std::max(written_, *at + size);
  return true;
}

int ClientMemory::give_fd(UniqueFd, bool) { return -ENOTTY; }

Result<UniqueFd> ClientMemory::take_fd(int) {
  return Error{ErrorCode::kUnsupported, "CUSE cannot take a client's descriptors"};
}

int ClientMemory::give_request(std::shared_ptr<v4l2::Request>) { return -ENOTTY; }

std::shared_ptr<v4l2::Request> ClientMemory::find_request(int) { return nullptr; }

}  // namespace daedalus::cuse
