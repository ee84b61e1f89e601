// What a companion inside the client says to the daemon: an ioctl of the open node names a socket
// and a token for that open file, and over the socket go the descriptors that CUSE cannot carry.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_COMPANION_PROTOCOL_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_COMPANION_PROTOCOL_H_

#include <linux/ioctl.h>

#include <array>
#include <cstdint>

#include "decode_core/uapi/controls.h"

namespace daedalus::cuse {

using Token = std::array<uint8_t, 16>;  // random; one for each open file

struct CompanionInfo {
  Token token;
  char socket[108];  // path of a SOCK_SEQPACKET socket, with its 0
};
inline constexpr uint32_t kCompanionIoctl = _IOR('D', 0x40, CompanionInfo);

// One connection carries one question and its answer; each is one packet.
enum class Operation : uint32_t {
  kMap,     // mmap at `offset` of `size` bytes: a descriptor to map, from the answer's offset on
  kExport,  // VIDIOC_EXPBUF of `buffer`: the descriptor
  kImport,  // comes with what the client knows as descriptor `client_fd`, for the QBUF that follows
};

struct Question {
  Operation operation;
  int32_t client_fd;
  Token token;
  uint64_t offset;
  uint64_t size;
  v4l2_exportbuffer buffer;
};

struct Answer {
  int32_t error;  // a positive errno, or 0
  uint32_t reserved;
  uint64_t offset;
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_COMPANION_PROTOCOL_H_
