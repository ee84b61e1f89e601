// The daemon's sandbox: what is left of root once the nodes are there.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_SANDBOX_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_SANDBOX_H_

#include <string>

#include "base/result.h"

namespace daedalus::cuse {

struct SandboxOptions {
  // Whom to become; empty: `daedalus` where there is such a user, else `nobody`.
  std::string user;
  // Keep CAP_SYS_PTRACE, without which no other user's memory can be read.
  bool keep_ptrace = false;
  // A system call that is not on the list ends the process instead of failing with ENOSYS.
  bool kill = false;
};

// Gives up for good, in the calling thread and in all that it starts later: the network, every
// capability, the user (the groups `video` and `render` stay, for the board's devices), further
// privileges by exec, and all system calls but those that decoding needs. Called while there is one
// thread. Not as root, only what needs no privilege is done.
Status enter_sandbox(const SandboxOptions& options);

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_SANDBOX_H_
