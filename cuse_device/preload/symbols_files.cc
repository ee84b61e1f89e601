// Symbols: opening, closing, duplicating and using descriptors.
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "cuse_device/preload/cuse_file.h"
#include "cuse_device/preload/export.h"
#include "cuse_device/preload/node.h"
#include "cuse_device/preload/process.h"
#include "cuse_device/preload/real_calls.h"

namespace daedalus::preload {
namespace {

bool has_mode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

// A descriptor that the kernel just made is none of ours, even if its number once was and was
// closed behind our back.
int fresh(int fd) {
  if (fd >= 0 && descriptors.has(fd)) descriptors.remove(fd);
  return fd;
}

// A node of a daemon is the kernel's, and gets a companion.
int accompanied(int fd) {
  struct stat status;
  if (fd < 0 || !uses_daemon() || real.fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode)) {
    return fd;
  }
  if (static_cast<uint32_t>(fd) >= DescriptorTable::kLimit) return fd;
  if (auto file = CuseFile::of(fd)) descriptors.insert(fd, std::move(file));
  return fd;
}

// A file with that text, to be read from its beginning.
int open_text(const std::string& text) {
  UniqueFd fd(::memfd_create("uevent", MFD_CLOEXEC));
  const auto size = static_cast<ssize_t>(text.size());
  if (!fd || ::write(fd.get(), text.data(), text.size()) != size) return -1;
  return ::lseek(fd.get(), 0, SEEK_SET) == 0 ? fd.release() : -1;
}

int open_path(const char* path, int flags, mode_t mode) {
  if (const Node* node = node_at(AT_FDCWD, path)) return open_node(*node, flags);
  if (const std::string text = uevent_at(path); !text.empty()) return open_text(text);
  return accompanied(fresh(real.open(path, flags, mode)));
}

int openat_path(int directory, const char* path, int flags, mode_t mode) {
  if (const Node* node = node_at(directory, path)) return open_node(*node, flags);
  return accompanied(fresh(real.openat(directory, path, flags, mode)));
}

// Requests that the kernel answers for any descriptor, before its file is asked.
bool is_generic(uint32_t request) {
  return request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC;
}

}  // namespace

DAEDALUS_EXPORT(int, open, (const char* path, int flags, ...)) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_path(path, flags, mode);
}
DAEDALUS_EXPORT_ALIAS(int, open64, open, (const char* path, int flags, ...));

DAEDALUS_EXPORT(int, __open_2, (const char* path, int flags)) { return open_path(path, flags, 0); }
DAEDALUS_EXPORT_ALIAS(int, __open64_2, __open_2, (const char* path, int flags));

DAEDALUS_EXPORT(int, openat, (int directory, const char* path, int flags, ...)) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return openat_path(directory, path, flags, mode);
}
DAEDALUS_EXPORT_ALIAS(int, openat64, openat, (int directory, const char* path, int flags, ...));

DAEDALUS_EXPORT(int, __openat_2, (int directory, const char* path, int flags)) {
  return openat_path(directory, path, flags, 0);
}
DAEDALUS_EXPORT_ALIAS(int, __openat64_2, __openat_2, (int directory, const char* path, int flags));

DAEDALUS_EXPORT(FILE*, fopen, (const char* path, const char* mode)) {
  const std::string text = uevent_at(path);
  if (text.empty()) return real.fopen(path, mode);
  const int fd = open_text(text);
  return fd < 0 ? nullptr : ::fdopen(fd, "r");
}
DAEDALUS_EXPORT_ALIAS(FILE*, fopen64, fopen, (const char* path, const char* mode));

DAEDALUS_EXPORT(int, close, (int fd)) {
  if (!descriptors.has(fd)) return real.close(fd);
  const auto ends_with_this_call = descriptors.remove(fd);
  return real.close(fd);
}

DAEDALUS_EXPORT(int, close_range, (unsigned first, unsigned last, int flags)) {
  if (descriptors.empty() || (flags & CLOSE_RANGE_CLOEXEC) != 0) {
    return real.close_range(first, last, flags);
  }
  const int answer = real.close_range(first, last, flags);
  if (answer == 0) descriptors.remove_range(first, last);
  return answer;
}

DAEDALUS_EXPORT(void, closefrom, (int first)) {
  real.closefrom(first);
  if (!descriptors.empty()) descriptors.remove_range(first < 0 ? 0 : first, ~0u);
}

DAEDALUS_EXPORT(int, dup, (int fd)) { return adopt_copy(fd, real.dup(fd)); }

// A copy onto one of ours ends that one, as close() would.
DAEDALUS_EXPORT(int, dup2, (int fd, int copy)) { return adopt_copy(fd, real.dup2(fd, copy)); }

DAEDALUS_EXPORT(int, dup3, (int fd, int copy, int flags)) {
  return adopt_copy(fd, real.dup3(fd, copy, flags));
}

DAEDALUS_EXPORT(int, fcntl, (int fd, int command, ...)) {
  std::va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  const int answer = real.fcntl(fd, command, argument);
  const bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  return copies ? adopt_copy(fd, answer) : answer;
}
DAEDALUS_EXPORT_ALIAS(int, fcntl64, fcntl, (int fd, int command, ...));

DAEDALUS_EXPORT(int, ioctl, (int fd, unsigned long request, ...)) {
  std::va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  const auto number = static_cast<uint32_t>(request);
  const auto file = node_file(fd);
  if (!file || is_generic(number)) return real.ioctl(fd, request, argument);
  return file->ioctl(fd, number, argument);
}

DAEDALUS_EXPORT(void*, mmap,
                (void* address, size_t size, int protection, int flags, int fd, off_t offset)) {
  const auto file = (flags & MAP_ANONYMOUS) == 0 ? node_file(fd) : nullptr;
  if (!file) return real.mmap(address, size, protection, flags, fd, offset);
  return file->map(address, size, protection, flags, fd, offset);
}
DAEDALUS_EXPORT_ALIAS(void*, mmap64, mmap,
                      (void* address, size_t size, int protection, int flags, int fd,
                       off_t offset));

}  // namespace daedalus::preload
