#include "cuse_device/cuse/sandbox.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "base/log.h"
#include "cuse_device/cuse/system_calls.h"

namespace daedalus::cuse {
namespace {

Result<const passwd*> find_user(const std::string& wanted) {
  if (!wanted.empty()) {
    const passwd* user = ::getpwnam(wanted.c_str());
    if (user == nullptr) return Error{ErrorCode::kNotFound, "there is no user " + wanted};
    return user;
  }
  for (const char* name : {"daedalus", "nobody"}) {
    if (const passwd* user = ::getpwnam(name)) return user;
  }
  return Error{ErrorCode::kNotFound, "there is no user to become: name one with --user"};
}

Status become(const passwd& user) {
  std::vector<gid_t> groups;
  for (const char* name : {"video", "render"}) {
    if (const group* found = ::getgrnam(name)) groups.push_back(found->gr_gid);
  }
  if (::setgroups(groups.size(), groups.data()) != 0 ||
      ::setresgid(user.pw_gid, user.pw_gid, user.pw_gid) != 0 ||
      ::setresuid(user.pw_uid, user.pw_uid, user.pw_uid) != 0) {
    return system_error(std::string("cannot become user ") + user.pw_name);
  }
  if (user.pw_uid == 0) return Error{ErrorCode::kInvalidArgument, "--user must not be root"};
  return {};
}

// Leaves exactly the capabilities of `mask` in the permitted and effective sets.
Status set_capabilities(uint64_t mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  static_assert(_LINUX_CAPABILITY_U32S_3 == 2);
  data[0].permitted = data[0].effective = static_cast<uint32_t>(mask);
  data[1].permitted = data[1].effective = static_cast<uint32_t>(mask >> 32);
  if (::syscall(SYS_capset, &header, data.data()) != 0) return system_error("capset");
  return {};
}

Status drop_root(const SandboxOptions& options) {
  const auto user = find_user(options.user);
  if (!user.ok()) return user.error();
  if (::unshare(CLONE_NEWNET) != 0) {
    log(LogLevel::kInfo,
        "no network namespace of its own; the system call filter allows only "
        "local sockets");
  }
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return system_error("PR_CAPBSET_DROP");
  }
  if (::prctl(PR_SET_KEEPCAPS, options.keep_ptrace ? 1 : 0, 0, 0, 0) != 0) {
    return system_error("PR_SET_KEEPCAPS");
  }
  if (Status status = become(**user); !status.ok()) return status;
  return set_capabilities(options.keep_ptrace ? uint64_t{1} << CAP_SYS_PTRACE : 0);
}

}  // namespace

Status enter_sandbox(const SandboxOptions& options) {
  if (::geteuid() == 0) {
    if (Status status = drop_root(options); !status.ok()) return status;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("PR_SET_NO_NEW_PRIVS");
  return filter_system_calls(options.keep_ptrace, options.kill);
}

}  // namespace daedalus::cuse
