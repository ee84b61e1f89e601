// The system calls that decoding and serving need.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_SYSTEM_CALLS_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_SYSTEM_CALLS_H_

#include "base/result.h"

namespace daedalus::cuse {

// From now on, in this thread and those that it starts, other calls fail with ENOSYS, as on a
// kernel that does not know them; with `kill` they end the process. Sockets are local ones only.
// `other_memory` allows process_vm_readv and process_vm_writev.
Status filter_system_calls(bool other_memory, bool kill);

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_SYSTEM_CALLS_H_
