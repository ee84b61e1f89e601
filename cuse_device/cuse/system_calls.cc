#include "cuse_device/cuse/system_calls.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace daedalus::cuse {
namespace {

// By name: libseccomp knows the numbers of each architecture, and which names it lacks.
constexpr const char* kAllowed[] = {
    // descriptors
    "close",
    "dup",
    "dup3",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "fcntl",
    "fcntl64",
    "fstat",
    "fstat64",
    "ftruncate",
    "ftruncate64",
    "ioctl",
    "lseek",
    "_llseek",
    "memfd_create",
    "pipe2",
    "poll",
    "ppoll",
    "ppoll_time64",
    "pread64",
    "pwrite64",
    "read",
    "readv",
    "signalfd4",
    "splice",
    "write",
    "writev",
    // files: of what the user may open
    "access",
    "faccessat",
    "faccessat2",
    "fallocate",
    "getcwd",
    "getdents64",
    "lstat",
    "mkdir",
    "mkdirat",
    "newfstatat",
    "fstatat64",
    "open",
    "openat",
    "readlink",
    "readlinkat",
    "rename",
    "renameat",
    "renameat2",
    "stat",
    "stat64",
    "statfs",
    "fstatfs",
    "statx",
    "unlink",
    "unlinkat",
    // memory
    "brk",
    "madvise",
    "mlock",
    "mmap",
    "mmap2",
    "mprotect",
    "mremap",
    "munmap",
    // threads
    "clone",
    "clone3",
    "exit",
    "exit_group",
    "futex",
    "futex_time64",
    "get_robust_list",
    "membarrier",
    "rseq",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_setaffinity",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "setpriority",
    // signals
    "restart_syscall",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "sigaltstack",
    "tgkill",
    // time
    "clock_getres",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "gettimeofday",
    "nanosleep",
    "time",
    // about oneself and the machine
    "getcpu",
    "getegid",
    "geteuid",
    "getgid",
    "getpgid",
    "getpid",
    "getppid",
    "getpriority",
    "getrandom",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "gettid",
    "getuid",
    "prlimit64",
    "sysinfo",
    "times",
    "uname",
    // local sockets
    "accept4",
    "bind",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recvfrom",
    "recvmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
};

class Filter {
 public:
  explicit Filter(uint32_t otherwise) : context_(seccomp_init(otherwise)) {}
  ~Filter() { seccomp_release(context_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  explicit operator bool() const { return context_ != nullptr; }
  int error() const { return error_; }

  // Where the architecture has no such call there is nothing to allow.
  void allow(const char* name) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;
    note(seccomp_rule_add(context_, SCMP_ACT_ALLOW, number, 0));
  }
  // Only where the first argument is `value`.
  void allow_with(const char* name, scmp_datum_t value) {
    const scmp_arg_cmp condition{0, SCMP_CMP_EQ, value, 0};
    note(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(name), 1,
                                &condition));
  }
  void load() { note(seccomp_load(context_)); }

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }
  const scmp_filter_ctx context_;
  int error_ = 0;
};

}  // namespace

Status filter_system_calls(bool other_memory, bool kill) {
  Filter filter(kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(ENOSYS));
  if (!filter) return Error{ErrorCode::kOutOfMemory, "no memory for the system call filter"};
  for (const char* name : kAllowed) filter.allow(name);
  for (const char* name : {"socket", "socketpair"}) {
    filter.allow_with(name, AF_UNIX);
  }
  for (const int what : {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE}) {
    filter.allow_with("prctl", static_cast<scmp_datum_t>(what));
  }
  if (other_memory) {
    filter.allow("process_vm_readv");
    filter.allow("process_vm_writev");
  }
  filter.load();
  if (filter.error() != 0) {
    return Error{ErrorCode::kSystem, std::string("the system call filter cannot be set: ") +
                                         std::strerror(filter.error())};
  }
  return {};
}

}  // namespace daedalus::cuse
