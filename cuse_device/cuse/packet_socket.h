// Packets with at most one descriptor over a local socket.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_PACKET_SOCKET_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_PACKET_SOCKET_H_

#include <cstddef>
#include <span>

#include "base/unique_fd.h"

namespace daedalus::cuse {

// `fd` < 0: none. False: the other end is gone, or takes no more.
bool send_packet(int socket, std::span<const std::byte> bytes, int fd);
// False unless a packet of exactly that size came. Descriptors beyond the first are closed.
bool receive_packet(int socket, std::span<std::byte> bytes, UniqueFd* fd);

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_PACKET_SOCKET_H_
