// IoctlCall: one ioctl as CUSE carries it, and what is to be answered.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_IOCTL_CALL_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_IOCTL_CALL_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cuse_device/cuse/client_memory.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::cuse {

struct IoctlCall {
  uint32_t request = 0;          // VIDIOC_…
  uint64_t address = 0;          // of the argument, in the client
  std::vector<std::byte> input;  // what the kernel fetched; nothing in the first call
  size_t output_size = 0;        // bytes that it would take back; 0 in the first call
  // Where set, nested pointers are followed directly: a thread of the client that waits for us.
  std::optional<pid_t> process;
};

struct IoctlAnswer {
  // A positive errno, or 0.
  int error = 0;
  // What is copied back, on errors too where there is something: it goes to the output ranges of
  // the last retry, one after the other.
  std::vector<std::byte> output;
  // Not empty: nothing happened yet, and these are to come with the same call once more.
  std::vector<MemoryRange> retry_input;
  std::vector<MemoryRange> retry_output;
  // Copied from or to the client's memory directly.
  size_t direct_bytes = 0;

  bool retry() const { return !retry_input.empty() || !retry_output.empty(); }
};

// Most bytes that one ioctl may fetch or copy back, all ranges together (32 pages of 4 KiB), and
// most ranges (FUSE_IOCTL_MAX_IOV). ENOMEM beyond, as the kernel itself answers.
inline constexpr size_t kMaxIoctlBytes = 131072;
inline constexpr size_t kMaxIoctlRanges = 256;

IoctlAnswer run_ioctl(v4l2::OpenFile& file, const IoctlCall& call);

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_IOCTL_CALL_H_
