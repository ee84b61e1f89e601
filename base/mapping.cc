#include "base/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

#include "base/unique_fd.h"

namespace daedalus {

Result<Mapping> Mapping::map(int fd, size_t size, int64_t offset, bool writable) {
  if (size == 0) return Error{ErrorCode::kInvalidArgument, "cannot map 0 bytes"};
  const int protection = PROT_READ | (writable ? PROT_WRITE : 0);
  void* address = ::mmap(nullptr, size, protection, MAP_SHARED, fd, offset);
  if (address == MAP_FAILED) return system_error("mmap of " + std::to_string(size) + " bytes");
  return Mapping(static_cast<uint8_t*>(address), size);
}

Result<Mapping> Mapping::map_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error("open " + path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("stat " + path);
  if (info.st_size <= 0) return Error{ErrorCode::kInvalidArgument, path + " is empty"};
  return map(fd.get(), static_cast<size_t>(info.st_size), 0, false);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Mapping::~Mapping() { unmap(); }

void Mapping::unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace daedalus
