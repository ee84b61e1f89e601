#include "cuse_device/preload/cuse_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "base/unique_fd.h"
#include "cuse_device/cuse/packet_socket.h"
#include "cuse_device/preload/client_memory.h"
#include "cuse_device/preload/real_calls.h"

namespace daedalus::preload {
namespace {

UniqueFd connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(sizeof address.sun_path == sizeof cuse::CompanionInfo::socket);
  std::memcpy(address.sun_path, path, sizeof address.sun_path);
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fd.reset();
  }
  return fd;
}

int answer_of(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

}  // namespace

bool uses_daemon() {
  static const bool daemon = [] {
    const char* transport = std::getenv("DAEDALUS_TRANSPORT");
    return transport != nullptr && std::strcmp(transport, "cuse") == 0;
  }();
  return daemon;
}

std::shared_ptr<CuseFile> CuseFile::of(int fd) {
  cuse::CompanionInfo info{};
  const int before = errno;
  const bool known = real.ioctl(fd, cuse::kCompanionIoctl, &info) == 0;
  errno = before;
  if (!known || info.socket[0] != '/' || info.socket[sizeof info.socket - 1] != '\0') return {};
  return std::make_shared<CuseFile>(info);
}

cuse::Question CuseFile::question(cuse::Operation operation) const {
  cuse::Question question{};
  question.operation = operation;
  question.token = info_.token;
  return question;
}

// ENOTCONN: the daemon is gone, as CUSE itself says it.
int CuseFile::ask(const cuse::Question& question, int sent, UniqueFd* received,
                  uint64_t* offset) const {
  const UniqueFd socket = connect_to(info_.socket);
  cuse::Answer answer{};
  if (!socket || !cuse::send_packet(socket.get(), std::as_bytes(std::span(&question, 1)), sent) ||
      !cuse::receive_packet(socket.get(), std::as_writable_bytes(std::span(&answer, 1)),
                            received)) {
    return ENOTCONN;
  }
  *offset = answer.offset;
  return answer.error;
}

int CuseFile::ioctl(int fd, uint32_t request, void* argument) {
  const auto address = reinterpret_cast<uint64_t>(argument);
  if (request == VIDIOC_EXPBUF) {
    v4l2_exportbuffer buffer;
    if (!read_client_memory(address, &buffer, sizeof buffer)) return answer_of(EFAULT);
    const int error = export_buffer(&buffer);
    if (error == 0 && !write_client_memory(address, &buffer, sizeof buffer)) {
      real.close(buffer.fd);
      return answer_of(EFAULT);
    }
    return answer_of(error);
  }
  if (request == VIDIOC_QBUF || request == VIDIOC_PREPARE_BUF) {
    v4l2_buffer buffer;
    if (read_client_memory(address, &buffer, sizeof buffer) &&
        buffer.memory == V4L2_MEMORY_DMABUF) {
      if (const int error = send_planes(buffer)) return answer_of(error);
    }
  }
  return real.ioctl(fd, request, argument);
}

int CuseFile::export_buffer(v4l2_exportbuffer* buffer) const {
  cuse::Question asked = question(cuse::Operation::kExport);
  asked.buffer = *buffer;
  UniqueFd fd;
  uint64_t offset = 0;
  if (const int error = ask(asked, -1, &fd, &offset)) return error;
  if (!fd) return EMFILE;
  if ((buffer->flags & O_CLOEXEC) == 0 && real.fcntl(fd.get(), F_SETFD, nullptr) != 0) {
    return errno;
  }
  buffer->fd = fd.release();
  std::memset(buffer->reserved, 0, sizeof buffer->reserved);
  return 0;
}

// What is wrong with the call itself is the daemon's to say.
int CuseFile::send_planes(const v4l2_buffer& buffer) const {
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
  const size_t count = std::min<size_t>(buffer.length, planes.size());
  if (!V4L2_TYPE_IS_MULTIPLANAR(buffer.type) ||
      !read_client_memory(reinterpret_cast<uint64_t>(buffer.m.planes), planes.data(),
                          count * sizeof planes[0])) {
    return 0;
  }
  for (size_t i = 0; i < count; ++i) {
    if (real.fcntl(planes[i].m.fd, F_GETFD, nullptr) < 0) continue;
    cuse::Question asked = question(cuse::Operation::kImport);
    asked.client_fd = planes[i].m.fd;
    UniqueFd none;
    uint64_t offset = 0;
    if (const int error = ask(asked, planes[i].m.fd, &none, &offset)) return error;
  }
  return 0;
}

void* CuseFile::map(void* address, size_t size, int protection, int flags, int, off_t offset) {
  const int type = flags & (MAP_SHARED | MAP_PRIVATE);
  const bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
  cuse::Question asked = question(cuse::Operation::kMap);
  asked.offset = static_cast<uint64_t>(offset);
  asked.size = size;
  UniqueFd fd;
  uint64_t begin = 0;
  const int error = shared ? ask(asked, -1, &fd, &begin) : EINVAL;
  if (error != 0) {
    errno = error;
    return MAP_FAILED;
  }
  return real.mmap(address, size, protection, flags, fd.get(), static_cast<off_t>(begin));
}

}  // namespace daedalus::preload
