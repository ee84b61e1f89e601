#include "test/clients/v4l2/in_process_calls.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "cuse_device/v4l2/request.h"

namespace daedalus::v4l2_client {
namespace {

constexpr uint32_t kMajor = 81;

int failure(int error) {
  errno = error;
  return -1;
}

v4l2::NodesOptions every_format() {
  v4l2::NodesOptions options;
  options.av1 = true;
  return options;
}

}  // namespace

InProcessNodes::InProcessNodes(const std::shared_ptr<core::Core>& core)
    : devices_(v4l2::make_nodes(core, every_format())) {
  uint32_t minor = 0;
  for (const auto& device : devices_) device->set_device_number(kMajor, minor++);
}

InProcessCalls::~InProcessCalls() {
  while (!files_.empty()) (void)close(files_.begin()->first);
}

int InProcessCalls::add(std::shared_ptr<v4l2::OpenFile> file) {
  file->set_listener([this] {
    std::lock_guard lock(mutex_);
    ++changes_;
    changed_.notify_all();
  });
  std::lock_guard lock(mutex_);
  files_[next_fd_] = std::move(file);
  return next_fd_++;
}

std::shared_ptr<v4l2::OpenFile> InProcessCalls::find(int fd) const {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(fd);
  return found == files_.end() ? nullptr : found->second;
}

size_t InProcessCalls::open_files() const {
  std::lock_guard lock(mutex_);
  return files_.size();
}

size_t InProcessCalls::mappings() const {
  std::lock_guard lock(mutex_);
  return mappings_.size();
}

std::vector<SystemCalls::Node> InProcessCalls::nodes(const std::string& prefix) {
  std::vector<Node> found;
  uint32_t minor = 0;
  for (const auto& device : nodes_.devices()) {
    if (device->name().starts_with(prefix))
      found.push_back({"/dev/" + device->name(), kMajor, minor});
    ++minor;
  }
  return found;
}

int InProcessCalls::open(const std::string& path) {
  for (const auto& device : nodes_.devices()) {
    if ("/dev/" + device->name() != path) continue;
    auto file = device->open();
    return file ? add(std::move(*file)) : failure(ENOMEM);
  }
  return failure(ENOENT);
}

int InProcessCalls::close(int fd) {
  const auto file = find(fd);
  if (file == nullptr) return failure(EBADF);
  file->set_listener(nullptr);
  std::lock_guard lock(mutex_);
  files_.erase(fd);
  requests_.erase(fd);
  return 0;
}

int InProcessCalls::ioctl(int fd, uint32_t request, void* argument) {
  const auto file = find(fd);
  if (file == nullptr) return failure(EBADF);
  const size_t size = _IOC_SIZE(request);
  std::vector<std::byte> copy(size);
  if (size != 0) std::memcpy(copy.data(), argument, size);
  const int error = answer(*file, request, copy);
  const bool says_where = request == VIDIOC_S_EXT_CTRLS || request == VIDIOC_G_EXT_CTRLS;
  if (size != 0 && (error == 0 || says_where)) std::memcpy(argument, copy.data(), size);
  return error == 0 ? 0 : failure(error);
}

// Waits where a transport always would.
int InProcessCalls::answer(v4l2::OpenFile& file, uint32_t request, std::span<std::byte> argument) {
  for (;;) {
    const uint64_t seen = changes();
    const int error = file.ioctl(request, argument, *this);
    if (v4l2::parking_of(request, error) != v4l2::Parking::kAlways) return error;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return changes_ != seen; });
  }
}

uint64_t InProcessCalls::changes() {
  std::lock_guard lock(mutex_);
  return changes_;
}

void* InProcessCalls::mmap(int fd, size_t size, int64_t offset) {
  const auto file = find(fd);
  if (file == nullptr) return errno = EBADF, MAP_FAILED;
  auto range = file->map(static_cast<uint64_t>(offset), size);
  if (!range) return errno = EINVAL, MAP_FAILED;
  void* data = range->memory->data() + range->offset;
  std::lock_guard lock(mutex_);
  mappings_[data] = std::move(range->memory);
  return data;
}

int InProcessCalls::munmap(void* data, size_t) {
  std::lock_guard lock(mutex_);
  return mappings_.erase(data) == 1 ? 0 : failure(EINVAL);
}

int InProcessCalls::poll(pollfd* fds, size_t count, int milliseconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    const uint64_t seen = changes();
    int ready = 0;
    for (pollfd& entry : std::span(fds, count)) {
      const auto file = find(entry.fd);
      const int now = file == nullptr ? POLLNVAL : file->poll();
      entry.revents = static_cast<short>(now & (entry.events | POLLERR | POLLHUP | POLLNVAL));
      if (entry.revents != 0) ++ready;
    }
    if (ready > 0) return ready;
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [&] { return changes_ != seen; })) return 0;
  }
}

bool InProcessCalls::read(uint64_t address, void* to, size_t size) {
  if (address == 0) return false;
  std::memcpy(to, reinterpret_cast<const void*>(address), size);
  return true;
}

bool InProcessCalls::write(uint64_t address, const void* from, size_t size) {
  if (address == 0) return false;
  std::memcpy(reinterpret_cast<void*>(address), from, size);
  return true;
}

int InProcessCalls::give_fd(UniqueFd fd, bool) { return fd.release(); }

Result<UniqueFd> InProcessCalls::take_fd(int client_fd) {
  UniqueFd fd(::fcntl(client_fd, F_DUPFD_CLOEXEC, 0));
  if (!fd) return system_error("dup");
  return fd;
}

int InProcessCalls::give_request(std::shared_ptr<v4l2::Request> request) {
  const int fd = add(request);
  std::lock_guard lock(mutex_);
  requests_[fd] = request;
  return fd;
}

std::shared_ptr<v4l2::Request> InProcessCalls::find_request(int client_fd) {
  std::lock_guard lock(mutex_);
  const auto found = requests_.find(client_fd);
  return found == requests_.end() ? nullptr : found->second.lock();
}

}  // namespace daedalus::v4l2_client
