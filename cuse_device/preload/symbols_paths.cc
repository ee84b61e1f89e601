// Symbols: what a path or a directory says.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "cuse_device/preload/directories.h"
#include "cuse_device/preload/export.h"
#include "cuse_device/preload/node.h"
#include "cuse_device/preload/process.h"
#include "cuse_device/preload/real_calls.h"

namespace daedalus::preload {
namespace {

const Node* node_of(int fd) {
  const auto file = node_file(fd);
  return file ? file->node() : nullptr;
}

// As the *at calls see it: an empty path may mean the descriptor itself.
const Node* node_at_or_of(int directory, const char* path, int flags) {
  if ((flags & AT_EMPTY_PATH) != 0 && path != nullptr && *path == '\0') return node_of(directory);
  return node_at(directory, path);
}

// /proc/self/fd/N of one of our descriptors.
const Node* node_behind_link(const char* path) {
  if (path == nullptr || descriptors.empty()) return nullptr;
  const std::string_view text = path;
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/fd/";
  for (const std::string_view prefix :
       {std::string_view("/proc/self/fd/"), std::string_view(own), std::string_view("/dev/fd/")}) {
    if (!text.starts_with(prefix)) continue;
    char* end = nullptr;
    const long fd = std::strtol(path + prefix.size(), &end, 10);
    return *end == '\0' ? node_of(static_cast<int>(fd)) : nullptr;
  }
  return nullptr;
}

template <typename Status>
int answer_status(const Node& node, Status* to) {
  if (to == nullptr) {
    errno = EFAULT;
    return -1;
  }
  describe(node, to);
  return 0;
}

int fstat_file(int fd, struct stat* to) {
  const Node* node = node_of(fd);
  return node ? answer_status(*node, to) : real.fstat(fd, to);
}

int answer_access(int mode) {
  if ((mode & X_OK) == 0) return 0;
  errno = EACCES;
  return -1;
}

ssize_t copy_link(const Node& node, char* to, size_t size) {
  const size_t length = std::min(node.path.size(), size);
  std::memcpy(to, node.path.data(), length);
  return static_cast<ssize_t>(length);
}

// A node is no link (EINVAL); the link behind one of its descriptors leads to it.
ssize_t readlink_file(int directory, const char* path, char* to, size_t size) {
  if (node_at(directory, path) != nullptr) {
    errno = EINVAL;
    return -1;
  }
  const Node* node = node_behind_link(path);
  return node ? copy_link(*node, to, size) : real.readlinkat(directory, path, to, size);
}

// As devtmpfs without access control lists, which is what ls asks for.
ssize_t no_attributes() {
  errno = EOPNOTSUPP;
  return -1;
}

char* realpath_file(const char* path, char* to) {
  const Node* node = node_at(AT_FDCWD, path);
  if (node == nullptr) node = node_behind_link(path);
  if (node == nullptr) return real.realpath(path, to);
  return to != nullptr ? std::strcpy(to, node->path.c_str()) : ::strdup(node->path.c_str());
}

using Filter = int (*)(const dirent*);
using Compare = int (*)(const dirent**, const dirent**);

}  // namespace

DAEDALUS_EXPORT(int, stat, (const char* path, struct stat* to)) {
  const Node* node = node_at(AT_FDCWD, path);
  return node ? answer_status(*node, to) : real.stat(path, to);
}
DAEDALUS_EXPORT_ALIAS(int, stat64, stat, (const char* path, struct stat* to));

DAEDALUS_EXPORT(int, lstat, (const char* path, struct stat* to)) {
  const Node* node = node_at(AT_FDCWD, path);
  return node ? answer_status(*node, to) : real.lstat(path, to);
}
DAEDALUS_EXPORT_ALIAS(int, lstat64, lstat, (const char* path, struct stat* to));

DAEDALUS_EXPORT(int, fstat, (int fd, struct stat* to)) { return fstat_file(fd, to); }
DAEDALUS_EXPORT_ALIAS(int, fstat64, fstat, (int fd, struct stat* to));

DAEDALUS_EXPORT(int, fstatat, (int directory, const char* path, struct stat* to, int flags)) {
  const Node* node = node_at_or_of(directory, path, flags);
  return node ? answer_status(*node, to) : real.fstatat(directory, path, to, flags);
}
DAEDALUS_EXPORT_ALIAS(int, fstatat64, fstatat,
                      (int directory, const char* path, struct stat* to, int flags));

DAEDALUS_EXPORT(int, statx,
                (int directory, const char* path, int flags, unsigned mask, struct statx* to)) {
  const Node* node = node_at_or_of(directory, path, flags);
  return node ? answer_status(*node, to) : real.statx(directory, path, flags, mask, to);
}

// What programs call that were linked against a C library before 2.33; `version` is that of the
// only struct stat there is on 64 bits.
DAEDALUS_EXPORT(int, __xstat, (int, const char* path, struct stat* to)) {
  return exported_stat(path, to);
}
DAEDALUS_EXPORT_ALIAS(int, __xstat64, __xstat, (int version, const char* path, struct stat* to));

DAEDALUS_EXPORT(int, __lxstat, (int, const char* path, struct stat* to)) {
  return exported_lstat(path, to);
}
DAEDALUS_EXPORT_ALIAS(int, __lxstat64, __lxstat, (int version, const char* path, struct stat* to));

DAEDALUS_EXPORT(int, __fxstat, (int, int fd, struct stat* to)) { return fstat_file(fd, to); }
DAEDALUS_EXPORT_ALIAS(int, __fxstat64, __fxstat, (int version, int fd, struct stat* to));

DAEDALUS_EXPORT(int, __fxstatat,
                (int, int directory, const char* path, struct stat* to, int flags)) {
  return exported_fstatat(directory, path, to, flags);
}
DAEDALUS_EXPORT_ALIAS(int, __fxstatat64, __fxstatat,
                      (int version, int directory, const char* path, struct stat* to, int flags));

DAEDALUS_EXPORT(int, access, (const char* path, int mode)) {
  return node_at(AT_FDCWD, path) ? answer_access(mode) : real.access(path, mode);
}

DAEDALUS_EXPORT(int, eaccess, (const char* path, int mode)) {
  return node_at(AT_FDCWD, path) ? answer_access(mode) : real.eaccess(path, mode);
}
DAEDALUS_EXPORT_ALIAS(int, euidaccess, eaccess, (const char* path, int mode));

DAEDALUS_EXPORT(int, faccessat, (int directory, const char* path, int mode, int flags)) {
  return node_at(directory, path) ? answer_access(mode)
                                  : real.faccessat(directory, path, mode, flags);
}

DAEDALUS_EXPORT(ssize_t, readlink, (const char* path, char* to, size_t size)) {
  return readlink_file(AT_FDCWD, path, to, size);
}

DAEDALUS_EXPORT(ssize_t, __readlink_chk, (const char* path, char* to, size_t size, size_t)) {
  return readlink_file(AT_FDCWD, path, to, size);
}

DAEDALUS_EXPORT(ssize_t, readlinkat, (int directory, const char* path, char* to, size_t size)) {
  return readlink_file(directory, path, to, size);
}

DAEDALUS_EXPORT(ssize_t, __readlinkat_chk,
                (int directory, const char* path, char* to, size_t size, size_t)) {
  return readlink_file(directory, path, to, size);
}

DAEDALUS_EXPORT(ssize_t, getxattr, (const char* path, const char* name, void* to, size_t size)) {
  return node_at(AT_FDCWD, path) ? no_attributes() : real.getxattr(path, name, to, size);
}

DAEDALUS_EXPORT(ssize_t, lgetxattr, (const char* path, const char* name, void* to, size_t size)) {
  return node_at(AT_FDCWD, path) ? no_attributes() : real.lgetxattr(path, name, to, size);
}

DAEDALUS_EXPORT(char*, realpath, (const char* path, char* to)) { return realpath_file(path, to); }

DAEDALUS_EXPORT(char*, __realpath_chk, (const char* path, char* to, size_t)) {
  return realpath_file(path, to);
}

DAEDALUS_EXPORT(char*, canonicalize_file_name, (const char* path)) {
  return realpath_file(path, nullptr);
}

DAEDALUS_EXPORT(DIR*, opendir, (const char* path)) {
  return directories.opened(real.opendir(path));
}

DAEDALUS_EXPORT(DIR*, fdopendir, (int fd)) { return directories.opened(real.fdopendir(fd)); }

DAEDALUS_EXPORT(dirent*, readdir, (DIR * stream)) {
  dirent* const entry = real.readdir(stream);
  return entry != nullptr ? entry : directories.next(stream);
}
DAEDALUS_EXPORT_ALIAS(dirent*, readdir64, readdir, (DIR * stream));

DAEDALUS_EXPORT(void, rewinddir, (DIR * stream)) {
  real.rewinddir(stream);
  directories.rewound(stream);
}

DAEDALUS_EXPORT(int, closedir, (DIR * stream)) {
  directories.closed(stream);
  return real.closedir(stream);
}

// The C library's own scandir does not come past our readdir.
DAEDALUS_EXPORT(int, scandir, (const char* path, dirent*** list, Filter wanted, Compare compare)) {
  const int found = real.scandir(path, list, wanted, nullptr);
  DIR* const stream = found >= 0 ? exported_opendir(path) : nullptr;
  int count = found;
  while (const dirent* entry = stream != nullptr ? directories.next(stream) : nullptr) {
    if (wanted != nullptr && wanted(entry) == 0) continue;
    auto** grown = static_cast<dirent**>(
        std::realloc(*list, sizeof(dirent*) * (static_cast<size_t>(count) + 1)));
    auto* copy = static_cast<dirent*>(std::malloc(sizeof(dirent)));
    if (grown != nullptr) *list = grown;
    if (grown == nullptr || copy == nullptr) {
      std::free(copy);
      break;
    }
    *copy = *entry;
    grown[count++] = copy;
  }
  if (stream != nullptr) exported_closedir(stream);
  if (count > 1 && compare != nullptr) {
    std::qsort(*list, static_cast<size_t>(count), sizeof(dirent*),
               reinterpret_cast<int (*)(const void*, const void*)>(compare));
  }
  return count;
}
DAEDALUS_EXPORT_ALIAS(int, scandir64, scandir,
                      (const char* path, dirent*** list, Filter wanted, Compare compare));

}  // namespace daedalus::preload
