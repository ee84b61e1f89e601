// What a companion inside the client says to the daemon: an ioctl of the open node names a socket
// and a token for that open file, and over the socket go the descriptors that CUSE cannot carry.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_COMPANION_PROTOCOL_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_COMPANION_PROTOCOL_H_

#include <linux/ioctl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "decode_core/uapi/controls.h"

namespace daedalus::cuse {

using Token = std::array<uint8_t, 16>;  // random; one for each open file

struct CompanionInfo {
  Token token;
  char socket[108];       // path of a SOCK_SEQPACKET socket, with its 0
  char request_node[64];  // path of the node whose opens are empty request handles, with its 0
};
inline constexpr uint32_t kCompanionIoctl = _IOR('D', 0x40, CompanionInfo);
// Whether the open file's calls wait from now on: 1 or 0 in the argument's place.
inline constexpr uint32_t kWaitIoctl = _IO('D', 0x41);

// One connection carries one question and its answer; each is one packet.
enum class Operation : uint32_t {
  kMap,     // mmap at `offset` of `size` bytes: a descriptor to map, from the answer's offset on
  kExport,  // VIDIOC_EXPBUF of `buffer`: the descriptor
  kImport,  // comes with what the client knows as descriptor `client_fd`, for the QBUF that follows
  kNewRequest,   // `token` is the media node's: the empty handle `handle` is a new request's
  kKnowRequest,  // `token` is the video node's, which now knows the request of `handle` by the
                 // number in the answer's offset
};

struct Question {
  Operation operation;
  int32_t client_fd;
  Token token;
  Token handle;  // a request handle's
  uint64_t offset;
  uint64_t size;
  v4l2_exportbuffer buffer;
};

struct Answer {
  int32_t error;  // a positive errno, or 0
  uint32_t reserved;
  uint64_t offset;
};

// Where the argument of an ioctl that names a request by the client's descriptor carries the number
// of kKnowRequest, beside that descriptor: in a reserved word. Nothing for other ioctls.
constexpr std::optional<size_t> request_number_offset(uint32_t ioctl) {
  switch (ioctl) {
    case VIDIOC_QBUF:
    case VIDIOC_PREPARE_BUF:
      return offsetof(v4l2_buffer, reserved2);
    case VIDIOC_G_EXT_CTRLS:
    case VIDIOC_S_EXT_CTRLS:
    case VIDIOC_TRY_EXT_CTRLS:
      return offsetof(v4l2_ext_controls, reserved);
    default:
      return std::nullopt;
  }
}

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_COMPANION_PROTOCOL_H_
