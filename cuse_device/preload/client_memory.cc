#include "cuse_device/preload/client_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace daedalus::preload {
namespace {

void* pointer(uint64_t address) { return reinterpret_cast<void*>(address); }

// Null and the first page are never mapped for anybody who uses them well.
bool plausible(uint64_t address) { return address >= 4096; }

bool forbidden() { return errno == EPERM || errno == ENOSYS; }

}  // namespace

bool read_client_memory(uint64_t address, void* to, size_t size) {
  if (size == 0) return true;
  const iovec local{to, size};
  const iovec remote{pointer(address), size};
  const ssize_t got = ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
  if (got >= 0 || !forbidden()) return got == static_cast<ssize_t>(size);
  if (!plausible(address)) return false;
  std::memcpy(to, pointer(address), size);
  return true;
}

bool write_client_memory(uint64_t address, const void* from, size_t size) {
  if (size == 0) return true;
  const iovec local{const_cast<void*>(from), size};
  const iovec remote{pointer(address), size};
  const ssize_t put = ::process_vm_writev(::getpid(), &local, 1, &remote, 1, 0);
  if (put >= 0 || !forbidden()) return put == static_cast<ssize_t>(size);
  if (!plausible(address)) return false;
  std::memcpy(pointer(address), from, size);
  return true;
}

}  // namespace daedalus::preload
