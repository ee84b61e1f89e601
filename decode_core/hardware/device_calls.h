// DeviceCalls: the system calls that the hardware backend makes, so that a test can put a device
// behind them that lives in its own process.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_DEVICE_CALLS_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_DEVICE_CALLS_H_

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace daedalus::core {

// As the system's own: below 0 (mmap: MAP_FAILED) errno says why. Thread-safe.
class DeviceCalls {
 public:
  virtual ~DeviceCalls() = default;
  // O_RDWR | O_NONBLOCK | O_CLOEXEC.
  virtual int open(const std::string& path) = 0;
  virtual int close(int fd) = 0;
  // Repeated where a signal interrupts it.
  virtual int ioctl(int fd, uint32_t request, void* argument) = 0;
  // Shared, readable and writable.
  virtual void* mmap(int fd, size_t size, int64_t offset) = 0;
  virtual int munmap(void* data, size_t size) = 0;
  // The time that a signal interrupts is waited for, too.
  virtual int poll(pollfd& entry, int milliseconds) = 0;

  struct Node {
    std::string path;
    uint32_t major = 0, minor = 0;
    // Served by a program (CUSE): to open it may mean to wait for ourselves.
    bool user_space = false;
    bool operator==(const Node&) const = default;
  };
  // The nodes /dev/`prefix`N, in the order of their numbers.
  virtual std::vector<Node> nodes(std::string_view prefix) = 0;
};

// The system's; lives for ever.
DeviceCalls& system_device_calls();

// The one owner of a descriptor that came from such calls, which outlive it.
class DeviceFd {
 public:
  DeviceFd() = default;
  DeviceFd(DeviceCalls& calls, int fd) : calls_(&calls), fd_(fd) {}
  DeviceFd(DeviceFd&& other) noexcept : calls_(other.calls_), fd_(std::exchange(other.fd_, -1)) {}
  DeviceFd& operator=(DeviceFd&& other) noexcept {
    if (this == &other) return *this;
    reset();
    calls_ = other.calls_;
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  DeviceFd(const DeviceFd&) = delete;
  DeviceFd& operator=(const DeviceFd&) = delete;
  ~DeviceFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) calls_->close(std::exchange(fd_, -1));
  }

 private:
  DeviceCalls* calls_ = nullptr;
  int fd_ = -1;
};

// The one owner of a mapping of a device's memory.
class DeviceMapping {
 public:
  DeviceMapping() = default;
  DeviceMapping(DeviceCalls& calls, void* data, size_t size)
      : calls_(&calls), bytes_(static_cast<uint8_t*>(data), size) {}
  DeviceMapping(DeviceMapping&& other) noexcept
      : calls_(other.calls_), bytes_(std::exchange(other.bytes_, {})) {}
  DeviceMapping& operator=(DeviceMapping&& other) noexcept {
    if (this == &other) return *this;
    reset();
    calls_ = other.calls_;
    bytes_ = std::exchange(other.bytes_, {});
    return *this;
  }
  DeviceMapping(const DeviceMapping&) = delete;
  DeviceMapping& operator=(const DeviceMapping&) = delete;
  ~DeviceMapping() { reset(); }

  std::span<uint8_t> bytes() const { return bytes_; }
  void reset() {
    if (!bytes_.empty()) calls_->munmap(bytes_.data(), bytes_.size());
    bytes_ = {};
  }

 private:
  DeviceCalls* calls_ = nullptr;
  std::span<uint8_t> bytes_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_DEVICE_CALLS_H_
