// What tests of Vulkan stages share: the device on the CPU, and functions that fail when told to.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_TEST_DEVICE_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_TEST_DEVICE_H_

#include <sys/types.h>
#include <volk.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/device_options.h"

namespace daedalus::gpu_kernels::vulkan {

// The device on the CPU, for DAEDALUS_SKIP where there is none.
struct TestDevice {
  std::shared_ptr<Device> device;
  std::string reason;  // where `device` is null
};
// In the run of a test that is named NAME_validated (daedalus_vulkan_test), with the validation
// layer: a wrong call ends the process.
DeviceOptions test_options();
TestDevice open_test_device(const DeviceOptions& options = test_options());

// The functions of devices that were made with options() fail as ordered; one object at a time.
class Faults {
 public:
  Faults();
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // test_options(), with such functions.
  static DeviceOptions options();
  // All functions that can fail and that we call of pictures that are done in time.
  static std::vector<std::string_view> calls();

  // The call of `name` after `passing` good ones fails, once, without reaching the driver;
  // a wait is told as failed after it has waited.
  void order(std::string_view name, int passing, VkResult result);
  // Whether what was last ordered has happened.
  bool happened() const;
  // If it has not, it will not any more.
  void withdraw();

  // Uses a device some times, while the first call of `name` fails for want of memory, the second,
  // and so on until `use` makes no such call any more. How many failed.
  int order_each(std::string_view name, const std::function<void()>& use);
};

// A driver that imports dma-bufs and no memory of the process's, as a VideoCore's, of which memfds
// stand in for dma-bufs: devices that were made with options() import a mapping of the descriptor,
// and have it as long as the memory lives. Their functions fail as a Faults object orders, too. One
// object at a time, which outlives its devices.
class DmaBufDriver {
 public:
  DmaBufDriver();
  ~DmaBufDriver();
  DmaBufDriver(const DmaBufDriver&) = delete;
  DmaBufDriver& operator=(const DmaBufDriver&) = delete;

  // test_options(), with such functions and a registry.
  // `during_work` is called after work was submitted, and before anybody waits for it.
  static DeviceOptions options(std::function<void()> during_work = {});
  // All functions of such a device that can fail and that we call.
  static std::vector<std::string_view> calls();

  // How many imports there have been, and how many there are.
  int imports() const;
  int imported() const;
};

// Records DMA_BUF_IOCTL_SYNC, and the work of a DmaBufDriver's devices in between; one object at a
// time.
class SyncRecorder {
 public:
  struct Event {
    ino_t dma_buf;   // 0: a device's work
    uint64_t flags;  // of the ioctl; of work, kBegun or kEnded
    bool operator==(const Event&) const = default;
  };
  static constexpr uint64_t kBegun = 1;
  static constexpr uint64_t kEnded = 2;

  SyncRecorder();
  ~SyncRecorder();
  SyncRecorder(const SyncRecorder&) = delete;
  SyncRecorder& operator=(const SyncRecorder&) = delete;

  // Since the last call.
  std::vector<Event> take();
  // The next ioctl is not made, and fails so.
  void fail_next(int error);
  // The file behind a descriptor, whatever its number.
  static ino_t file_of(int fd);
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_TEST_DEVICE_H_
