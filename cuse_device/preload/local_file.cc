#include "cuse_device/preload/local_file.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "cuse_device/preload/client_memory.h"
#include "cuse_device/preload/process.h"
#include "cuse_device/preload/real_calls.h"
#include "cuse_device/v4l2/request.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::preload {
namespace {

// The process that calls is the client.
class LocalClient final : public v4l2::Client {
 public:
  bool read(uint64_t address, void* to, size_t size) override {
    return read_client_memory(address, to, size);
  }
  bool write(uint64_t address, const void* from, size_t size) override {
    return write_client_memory(address, from, size);
  }
  int give_fd(UniqueFd fd, bool close_on_exec) override {
    if (!close_on_exec && real.fcntl(fd.get(), F_SETFD, nullptr) != 0) return -errno;
    return fd.release();
  }
  Result<UniqueFd> take_fd(int client_fd) override {
    UniqueFd copy(real.fcntl(client_fd, F_DUPFD_CLOEXEC, nullptr));
    if (!copy) return system_error("the client's descriptor cannot be duplicated");
    return copy;
  }
  int give_request(std::shared_ptr<v4l2::Request> request) override {
    auto handle = make_handle(O_CLOEXEC);
    if (!handle.ok()) return -EMFILE;
    return adopt_handle(std::move(*handle), std::make_shared<LocalFile>(request));
  }
  std::shared_ptr<v4l2::Request> find_request(int client_fd) override {
    const auto file = node_file(client_fd);
    return file ? file->request() : nullptr;
  }
};

// An ioctl's argument while it is carried out.
class Argument {
 public:
  explicit Argument(uint32_t request) : request_(request), size_(_IOC_SIZE(request)) {
    if (size_ > inline_.size()) heap_.resize(size_);
  }
  std::span<std::byte> bytes() {
    return {size_ > inline_.size() ? heap_.data() : inline_.data(), size_};
  }
  bool copy_in(const void* from) {
    if (_IOC_DIR(request_) & _IOC_WRITE) {
      return read_client_memory(reinterpret_cast<uint64_t>(from), bytes().data(), size_);
    }
    std::memset(bytes().data(), 0, size_);
    return true;
  }
  bool copy_out(void* to) {
    if ((_IOC_DIR(request_) & _IOC_READ) == 0) return true;
    return write_client_memory(reinterpret_cast<uint64_t>(to), bytes().data(), size_);
  }

 private:
  const uint32_t request_;
  const size_t size_;
  std::array<std::byte, 256> inline_;
  std::vector<std::byte> heap_;
};

bool tells_on_error(uint32_t request) {
  return request == VIDIOC_G_EXT_CTRLS || request == VIDIOC_S_EXT_CTRLS ||
         request == VIDIOC_TRY_EXT_CTRLS;
}

bool non_blocking(int fd) {
  const int flags = real.fcntl(fd, F_GETFL, nullptr);
  return flags < 0 || (flags & O_NONBLOCK) != 0;
}

}  // namespace

LocalFile::LocalFile(const Node& node, std::shared_ptr<v4l2::OpenFile> file)
    : node_(&node), file_(std::move(file)) {
  file_->set_listener([this] { changed(); });
}

LocalFile::LocalFile(const std::shared_ptr<v4l2::Request>& request)
    : node_(nullptr), file_(request), request_(request) {
  file_->set_listener([this] { changed(); });
}

LocalFile::~LocalFile() { file_->set_listener(nullptr); }

int LocalFile::ioctl(int fd, uint32_t request, void* argument) {
  Argument copy(request);
  int error = copy.copy_in(argument) ? call(fd, request, copy.bytes()) : EFAULT;
  if ((error == 0 || tells_on_error(request)) && !copy.copy_out(argument)) error = EFAULT;
  if (error == 0 && request == VIDIOC_STREAMON) streamed_ = true;
  // What the client took away, nobody else tells of.
  refresh_mirrors();
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int LocalFile::call(int fd, uint32_t request, std::span<std::byte> argument) {
  LocalClient client;
  const int error = file_->ioctl(request, argument, client);
  switch (v4l2::parking_of(request, error)) {
    case v4l2::Parking::kNone:
      return error;
    case v4l2::Parking::kIfBlocking:
      return non_blocking(fd) ? error : call_parked(request, argument);
    case v4l2::Parking::kAlways:
      return call_parked(request, argument);
  }
  return error;
}

int LocalFile::call_parked(uint32_t request, std::span<std::byte> argument) {
  const WaiterLease waiter;
  if (waiter.get() == nullptr) return ENOMEM;
  PollSource::add(waiter.get());
  LocalClient client;
  int error = file_->ioctl(request, argument, client);
  for (auto parking = v4l2::parking_of(request, error); parking != v4l2::Parking::kNone;
       parking = v4l2::parking_of(request, error)) {
    const bool woken = waiter.get()->sleep();
    // What ends soon by itself is not interrupted.
    error = woken || parking == v4l2::Parking::kAlways ? file_->ioctl(request, argument, client)
                                                       : EINTR;
  }
  PollSource::remove(waiter.get());
  return error;
}

Result<UniqueFd> make_handle(int flags) {
  UniqueFd handle(::epoll_create1((flags & O_CLOEXEC) != 0 ? EPOLL_CLOEXEC : 0));
  if (!handle) return system_error("a descriptor");
  const intptr_t status = flags & O_NONBLOCK;
  if (real.fcntl(handle.get(), F_SETFL, reinterpret_cast<void*>(status)) != 0) {
    return system_error("a descriptor");
  }
  return handle;
}

// As vb2_mmap.
void* LocalFile::map(void* address, size_t size, int protection, int flags, int, off_t offset) {
  const int type = flags & (MAP_SHARED | MAP_PRIVATE);
  const bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
  auto range = file_->map(static_cast<uint64_t>(offset), size);
  if (!shared || !range.ok()) {
    errno = EINVAL;
    return MAP_FAILED;
  }
  return real.mmap(address, size, protection, flags, range->memory->fd(),
                   static_cast<off_t>(range->offset));
}

}  // namespace daedalus::preload
