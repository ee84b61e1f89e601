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
#include <optional>
#include <span>

#include "base/unique_fd.h"
#include "cuse_device/cuse/packet_socket.h"
#include "cuse_device/preload/client_memory.h"
#include "cuse_device/preload/process.h"
#include "cuse_device/preload/real_calls.h"
#include "decode_core/uapi/media.h"

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

// The client's descriptor of a request that the ioctl names; nothing where it names none.
std::optional<int> named_request(uint32_t request, uint64_t address) {
  if (request == VIDIOC_QBUF || request == VIDIOC_PREPARE_BUF) {
    v4l2_buffer buffer;
    if (!read_client_memory(address, &buffer, sizeof buffer)) return std::nullopt;
    if ((buffer.flags & V4L2_BUF_FLAG_REQUEST_FD) == 0) return std::nullopt;
    return buffer.request_fd;
  }
  v4l2_ext_controls controls;
  if (!read_client_memory(address, &controls, sizeof controls)) return std::nullopt;
  if (controls.which != V4L2_CTRL_WHICH_REQUEST_VAL) return std::nullopt;
  return controls.request_fd;
}

bool waits(int fd) {
  const int flags = real.fcntl(fd, F_GETFL, nullptr);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
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
  if (!known || info.socket[0] != '/' || info.socket[sizeof info.socket - 1] != '\0' ||
      info.request_node[sizeof info.request_node - 1] != '\0') {
    return {};
  }
  return std::make_shared<CuseFile>(info, waits(fd));
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
  if (request == VIDIOC_DQBUF || request == VIDIOC_DQEVENT) tell_whether_calls_wait(fd);
  const int answer = call(fd, request, argument);
  if (answer == 0 && request == VIDIOC_STREAMON) streamed_ = true;
  return answer;
}

// CUSE tells of O_NONBLOCK at open() only, and fcntl() may have changed it since.
void CuseFile::tell_whether_calls_wait(int fd) {
  const bool now = waits(fd);
  if (waits_.exchange(now) == now) return;
  const int before = errno;
  real.ioctl(fd, cuse::kWaitIoctl, reinterpret_cast<void*>(uintptr_t{now}));
  errno = before;
}

int CuseFile::call(int fd, uint32_t request, void* argument) {
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
  if (request == MEDIA_IOC_REQUEST_ALLOC) {
    int made = -1;
    const int error = allocate_request(&made);
    if (error == 0 && !write_client_memory(address, &made, sizeof made)) {
      descriptors.remove(made);
      real.close(made);
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
  if (cuse::request_number_offset(request)) {
    if (const auto named = named_request(request, address)) {
      return call_with_request(fd, request, argument, *named);
    }
  }
  return real.ioctl(fd, request, argument);
}

// The descriptor is that of an open file of the daemon's node for handles, which it makes a
// request.
int CuseFile::allocate_request(int* fd) const {
  if (info_.request_node[0] != '/') return ENOTTY;
  UniqueFd opened(real.open(info_.request_node, O_RDWR | O_CLOEXEC, 0));
  if (!opened) return errno == EMFILE || errno == ENFILE ? errno : ENOTTY;
  const auto handle = of(opened.get());
  if (!handle) return ENOTTY;
  cuse::Question asked = question(cuse::Operation::kNewRequest);
  asked.handle = handle->info_.token;
  UniqueFd none;
  uint64_t offset = 0;
  if (const int error = ask(asked, -1, &none, &offset)) return error;
  const int adopted = adopt_handle(std::move(opened), handle);
  if (adopted < 0) return -adopted;
  *fd = adopted;
  return 0;
}

int CuseFile::number_at(const CuseFile& video, uint32_t* number) {
  std::lock_guard lock(numbers_mutex_);
  const auto found = numbers_.find(video.info_.token);
  if (found != numbers_.end()) {
    *number = found->second;
    return 0;
  }
  cuse::Question asked = video.question(cuse::Operation::kKnowRequest);
  asked.handle = info_.token;
  UniqueFd none;
  uint64_t offset = 0;
  if (const int error = video.ask(asked, -1, &none, &offset)) return error;
  *number = static_cast<uint32_t>(offset);
  numbers_[video.info_.token] = *number;
  return 0;
}

// The call goes on with a copy of the argument in which the daemon finds the request's number; 0
// says that the descriptor is no request's. What the client has in that word stays its own.
int CuseFile::call_with_request(int fd, uint32_t request, void* argument, int request_fd) const {
  uint32_t number = 0;
  const auto named = node_file(request_fd);
  if (CuseFile* const handle = named ? named->as_cuse_file() : nullptr) {
    const int error = handle->number_at(*this, &number);
    if (error != 0 && error != EINVAL) return answer_of(error);
  }
  alignas(v4l2_buffer)
      std::array<std::byte, std::max(sizeof(v4l2_buffer), sizeof(v4l2_ext_controls))>
          copy{};
  const auto address = reinterpret_cast<uint64_t>(argument);
  const size_t size = _IOC_SIZE(request);
  if (size > copy.size() || !read_client_memory(address, copy.data(), size)) {
    return answer_of(EFAULT);
  }
  std::byte* const word = copy.data() + *cuse::request_number_offset(request);
  uint32_t before = 0;
  std::memcpy(&before, word, sizeof before);
  std::memcpy(word, &number, sizeof number);
  const bool done = real.ioctl(fd, request, copy.data()) == 0;
  const int error = done ? 0 : errno;
  if (std::memcmp(word, &number, sizeof number) == 0) std::memcpy(word, &before, sizeof before);
  // As the kernel: those of controls say in their argument where they failed.
  const bool tells = done || (request != VIDIOC_QBUF && request != VIDIOC_PREPARE_BUF);
  if (tells && !write_client_memory(address, copy.data(), size)) return answer_of(EFAULT);
  return answer_of(error);
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
