// The C library's own functions behind those that this library interposes.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_REAL_CALLS_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_REAL_CALLS_H_

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <cerrno>

namespace daedalus::preload {

static_assert(sizeof(void*) == 8 && sizeof(struct stat) == sizeof(struct stat64) &&
                  sizeof(dirent) == sizeof(dirent64),
              "a 32-bit C library has two of each structure, and two sizes of time");

// The definition of `name` that comes next in the lookup order. Not async-signal-safe.
void* find_next_definition(const char* name);

// One function. It is looked up by a constructor of this library, or by a call that comes even
// before that. A function that this C library lacks fails with ENOSYS.
template <typename F>
class RealCall;

template <typename R, typename... A>
class RealCall<R(A...)> {
 public:
  constexpr explicit RealCall(const char* name) : name_(name) {}
  [[gnu::always_inline]] R operator()(A... arguments) {
    const auto function = find();
    if (function == nullptr) {
      errno = ENOSYS;
      return failure<R>();
    }
    return function(arguments...);
  }
  using Function = R (*)(A...);
  [[gnu::always_inline]] Function find() {
    Function function = function_.load(std::memory_order_relaxed);
    if (function == nullptr) {
      function = reinterpret_cast<Function>(find_next_definition(name_));
      function_.store(function, std::memory_order_relaxed);
    }
    return function;
  }

 private:
  template <typename T>
  [[gnu::always_inline]] static T failure() {
    if constexpr (std::is_pointer_v<T>) {
      return nullptr;
    } else if constexpr (!std::is_void_v<T>) {
      return static_cast<T>(-1);
    }
  }
  const char* const name_;
  std::atomic<Function> function_{nullptr};
};

// open, fcntl and ioctl are variadic; on every ABI that Linux has for 64 bits their one optional
// argument travels as a named one does.
#define DAEDALUS_REAL_CALLS(X)                                                      \
  X(open, int(const char*, int, mode_t))                                            \
  X(openat, int(int, const char*, int, mode_t))                                     \
  X(fopen, FILE*(const char*, const char*))                                         \
  X(close, int(int))                                                                \
  X(close_range, int(unsigned, unsigned, int))                                      \
  X(closefrom, void(int))                                                           \
  X(dup, int(int))                                                                  \
  X(dup2, int(int, int))                                                            \
  X(dup3, int(int, int, int))                                                       \
  X(fcntl, int(int, int, void*))                                                    \
  X(ioctl, int(int, unsigned long, void*))                                          \
  X(mmap, void*(void*, size_t, int, int, int, off_t))                               \
  X(poll, int(pollfd*, nfds_t, int))                                                \
  X(ppoll, int(pollfd*, nfds_t, const timespec*, const sigset_t*))                  \
  X(select, int(int, fd_set*, fd_set*, fd_set*, timeval*))                          \
  X(pselect, int(int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*)) \
  X(epoll_ctl, int(int, int, int, epoll_event*))                                    \
  X(epoll_wait, int(int, epoll_event*, int, int))                                   \
  X(epoll_pwait, int(int, epoll_event*, int, int, const sigset_t*))                 \
  X(epoll_pwait2, int(int, epoll_event*, int, const timespec*, const sigset_t*))    \
  X(stat, int(const char*, struct stat*))                                           \
  X(lstat, int(const char*, struct stat*))                                          \
  X(fstat, int(int, struct stat*))                                                  \
  X(fstatat, int(int, const char*, struct stat*, int))                              \
  X(statx, int(int, const char*, int, unsigned, struct statx*))                     \
  X(access, int(const char*, int))                                                  \
  X(eaccess, int(const char*, int))                                                 \
  X(faccessat, int(int, const char*, int, int))                                     \
  X(readlink, ssize_t(const char*, char*, size_t))                                  \
  X(readlinkat, ssize_t(int, const char*, char*, size_t))                           \
  X(getxattr, ssize_t(const char*, const char*, void*, size_t))                     \
  X(lgetxattr, ssize_t(const char*, const char*, void*, size_t))                    \
  X(realpath, char*(const char*, char*))                                            \
  X(canonicalize_file_name, char*(const char*))                                     \
  X(opendir, DIR*(const char*))                                                     \
  X(fdopendir, DIR*(int))                                                           \
  X(readdir, dirent*(DIR*))                                                         \
  X(rewinddir, void(DIR*))                                                          \
  X(closedir, int(DIR*))                                                            \
  X(scandir,                                                                        \
    int(const char*, dirent***, int (*)(const dirent*), int (*)(const dirent**, const dirent**)))

// Names as in the C library; a member is called like the function that it stands for.
struct RealCalls {
#define DAEDALUS_MEMBER(name, ...) RealCall<__VA_ARGS__> name{#name};
  DAEDALUS_REAL_CALLS(DAEDALUS_MEMBER)
#undef DAEDALUS_MEMBER
};

extern constinit RealCalls real;

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_REAL_CALLS_H_
