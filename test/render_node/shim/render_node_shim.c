// Makes a character device that is no DRM device answer as a DRM render node inside one client,
// where the private file system of `with_render_node` is not allowed or not enough. Loaded with
// LD_PRELOAD.
//
// A descriptor is "the node" when it refers to one of two devices; the device number survives dup,
// exec and a passage through a socket, so no table of descriptors is kept:
//   7:128  /dev/vcsa, which `with_render_node` shows as /dev/dri/renderD128;
//   1:7    /dev/full, which open() below hands out when no /dev/dri/renderD128 exists.
//
// What is answered: libdrm's node type and names, DRM_IOCTL_VERSION and DRM_IOCTL_GET_CAP, and the
// existence of the node's path. Every other call goes on to the C library.

#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const char kNodePath[] = "/dev/dri/renderD128";
static const char kStandInPath[] = "/dev/full";

enum { kDrmNodeRender = 2 };  // libdrm's DRM_NODE_RENDER

// The two DRM requests, from the kernel's drm.h (their layout is ABI).
struct DrmVersion {
  int major, minor, patchlevel;
  size_t name_len;
  char* name;
  size_t date_len;
  char* date;
  size_t desc_len;
  char* desc;
};
struct DrmGetCap {
  uint64_t capability;
  uint64_t value;
};
#define DRM_IOCTL_VERSION _IOWR('d', 0x00, struct DrmVersion)
#define DRM_IOCTL_GET_CAP _IOWR('d', 0x0c, struct DrmGetCap)
enum { kDrmCapPrime = 0x5, kPrimeImportAndExport = 3 };

// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

static int is_node(int fd) {
  struct stat status;
  int saved_errno = errno;
  int found = fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
              (status.st_rdev == makedev(7, 128) || status.st_rdev == makedev(1, 7));
  errno = saved_errno;
  return found;
}

// True when `path` is the node's and the file system has none, so that the stand-in must serve.
static int needs_stand_in(const char* path) {
  if (path == NULL || strcmp(path, kNodePath) != 0) return 0;
  int saved_errno = errno;
  int missing = NEXT(access)(path, F_OK) != 0;
  errno = saved_errno;
  return missing;
}

static const char* redirect(const char* path) { return needs_stand_in(path) ? kStandInPath : path; }

// --- paths ---

static mode_t mode_argument(int flags, va_list arguments) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

#define DEFINE_OPEN(name)                             \
  EXPORT int name(const char* path, int flags, ...) { \
    va_list arguments;                                \
    va_start(arguments, flags);                       \
    mode_t mode = mode_argument(flags, arguments);    \
    va_end(arguments);                                \
    return NEXT(name)(redirect(path), flags, mode);   \
  }
#define DEFINE_OPENAT(name)                                       \
  EXPORT int name(int folder, const char* path, int flags, ...) { \
    va_list arguments;                                            \
    va_start(arguments, flags);                                   \
    mode_t mode = mode_argument(flags, arguments);                \
    va_end(arguments);                                            \
    return NEXT(name)(folder, redirect(path), flags, mode);       \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

// What a client built with _FORTIFY_SOURCE calls when the flags are no constant.
EXPORT int __open_2(const char* path, int flags) { return open(path, flags); }
EXPORT int __open64_2(const char* path, int flags) { return open64(path, flags); }

EXPORT int access(const char* path, int mode) { return NEXT(access)(redirect(path), mode); }
EXPORT int stat(const char* restrict path, struct stat* restrict out) {
  return NEXT(stat)(redirect(path), out);
}
EXPORT int stat64(const char* restrict path, struct stat64* restrict out) {
  return NEXT(stat64)(redirect(path), out);
}
EXPORT int lstat(const char* restrict path, struct stat* restrict out) {
  return NEXT(lstat)(redirect(path), out);
}
EXPORT int lstat64(const char* restrict path, struct stat64* restrict out) {
  return NEXT(lstat64)(redirect(path), out);
}
EXPORT int statx(int folder, const char* restrict path, int flags, unsigned int mask,
                 struct statx* restrict out) {
  return NEXT(statx)(folder, redirect(path), flags, mask, out);
}

// --- libdrm ---

typedef int (*NodeTypeFunction)(int);
typedef char* (*NodeNameFunction)(int);

EXPORT int drmGetNodeTypeFromFd(int fd) {
  if (is_node(fd)) return kDrmNodeRender;
  NodeTypeFunction next = (NodeTypeFunction)dlsym(RTLD_NEXT, "drmGetNodeTypeFromFd");
  if (next != NULL) return next(fd);
  errno = EINVAL;
  return -1;
}

static char* node_name(int fd, const char* function) {
  if (is_node(fd)) return strdup(kNodePath);
  NodeNameFunction next = (NodeNameFunction)dlsym(RTLD_NEXT, function);
  return next != NULL ? next(fd) : NULL;
}

EXPORT char* drmGetRenderDeviceNameFromFd(int fd) {
  return node_name(fd, "drmGetRenderDeviceNameFromFd");
}
EXPORT char* drmGetDeviceNameFromFd2(int fd) { return node_name(fd, "drmGetDeviceNameFromFd2"); }

// --- ioctl ---

// As the kernel does: copies what fits, then reports the whole length.
static void answer_text(const char* text, char* out, size_t* length) {
  size_t whole = strlen(text);
  if (out != NULL && *length != 0) memcpy(out, text, *length < whole ? *length : whole);
  *length = whole;
}

// Date and description are never empty: libdrm passes what it got to strdup().
static int answer_version(struct DrmVersion* version) {
  version->major = 1;
  version->minor = 0;
  version->patchlevel = 0;
  answer_text("daedalus", version->name, &version->name_len);
  answer_text("20260101", version->date, &version->date_len);
  answer_text("no device, for tests", version->desc, &version->desc_len);
  return 0;
}

EXPORT int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request == DRM_IOCTL_VERSION && is_node(fd)) return answer_version(argument);
  if (request == DRM_IOCTL_GET_CAP && is_node(fd)) {
    struct DrmGetCap* cap = argument;
    cap->value = cap->capability == kDrmCapPrime ? kPrimeImportAndExport : 0;
    return 0;
  }
  return NEXT(ioctl)(fd, request, argument);
}
