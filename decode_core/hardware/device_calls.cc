#include "decode_core/hardware/device_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <memory>

namespace daedalus::core {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Its entry in /sys/dev/char lies below /sys/devices/virtual/cuse.
bool is_cuse(uint32_t major, uint32_t minor) {
  const std::string link = "/sys/dev/char/" + std::to_string(major) + ":" + std::to_string(minor);
  std::array<char, 512> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length <= 0) return false;
  return std::string_view(target.data(), static_cast<size_t>(length)).find("/virtual/cuse/") !=
         std::string_view::npos;
}

class SystemDeviceCalls final : public DeviceCalls {
 public:
  int open(const std::string& path) override {
    return ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  }
  int close(int fd) override { return ::close(fd); }

  int ioctl(int fd, uint32_t request, void* argument) override {
    int result = 0;
    do {
      result = ::ioctl(fd, static_cast<unsigned long>(request), argument);
    } while (result < 0 && errno == EINTR);
    return result;
  }

  void* mmap(int fd, size_t size, int64_t offset) override {
    return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  }
  int munmap(void* data, size_t size) override { return ::munmap(data, size); }

  int poll(pollfd& entry, int milliseconds) override {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
    int left = milliseconds;
    for (;;) {
      const int ready = ::poll(&entry, 1, left);
      if (ready >= 0 || errno != EINTR) return ready;
      const auto rest =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      left = std::max(0, static_cast<int>(rest.count()));
    }
  }

  std::vector<Node> nodes(std::string_view prefix) override {
    const std::unique_ptr<DIR, CloseDirectory> folder(::opendir("/dev"));
    if (folder == nullptr) return {};
    std::vector<std::pair<uint32_t, Node>> found;
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (!name.starts_with(prefix)) continue;
      const std::string_view digits = name.substr(prefix.size());
      uint32_t number = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error != std::errc() || end != digits.data() + digits.size()) continue;
      struct stat info {};
      Node node{"/dev/" + std::string(name), 0, 0, false};
      if (::stat(node.path.c_str(), &info) != 0 || !S_ISCHR(info.st_mode)) continue;
      node.major = ::gnu_dev_major(info.st_rdev);
      node.minor = ::gnu_dev_minor(info.st_rdev);
      node.user_space = is_cuse(node.major, node.minor);
      found.emplace_back(number, std::move(node));
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Node> nodes;
    for (auto& [number, node] : found) nodes.push_back(std::move(node));
    return nodes;
  }
};

}  // namespace

DeviceCalls& system_device_calls() {
  static SystemDeviceCalls calls;
  return calls;
}

}  // namespace daedalus::core
