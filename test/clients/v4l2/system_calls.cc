#include "test/clients/v4l2/system_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace daedalus::v4l2_client {
namespace {

class KernelCalls final : public SystemCalls {
 public:
  int open(const std::string& path) override {
    return ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  }
  int close(int fd) override { return ::close(fd); }
  int ioctl(int fd, uint32_t request, void* argument) override {
    int result = 0;
    do {
      result = ::ioctl(fd, request, argument);
    } while (result < 0 && errno == EINTR);
    return result;
  }
  void* mmap(int fd, size_t size, int64_t offset) override {
    return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  }
  int munmap(void* data, size_t size) override { return ::munmap(data, size); }
  int poll(pollfd* fds, size_t count, int milliseconds) override {
    int result = 0;
    do {
      result = ::poll(fds, static_cast<nfds_t>(count), milliseconds);
    } while (result < 0 && errno == EINTR);
    return result;
  }
  std::vector<Node> nodes(const std::string& prefix) override;
};

std::vector<SystemCalls::Node> KernelCalls::nodes(const std::string& prefix) {
  std::vector<std::pair<int, Node>> found;
  DIR* folder = ::opendir("/dev");
  if (folder == nullptr) return {};
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix)) continue;
    Node node{"/dev/" + std::string(name)};
    struct stat status {};
    if (::stat(node.path.c_str(), &status) != 0 || !S_ISCHR(status.st_mode)) continue;
    node.major = major(status.st_rdev);
    node.minor = minor(status.st_rdev);
    found.emplace_back(std::atoi(entry->d_name + prefix.size()), std::move(node));
  }
  ::closedir(folder);
  std::ranges::stable_sort(found, {}, [](const auto& entry) { return entry.first; });
  std::vector<Node> nodes;
  for (auto& [number, node] : found) nodes.push_back(std::move(node));
  return nodes;
}

}  // namespace

SystemCalls& kernel_calls() {
  static KernelCalls calls;
  return calls;
}

}  // namespace daedalus::v4l2_client
