// LateWork: a device for tests whose work takes as long as a test wants.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_LATE_WORK_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_LATE_WORK_H_

#include <chrono>
#include <thread>

#include "base/result.h"
#include "gpu_kernels/vulkan/device_options.h"

namespace daedalus::gpu_kernels::vulkan {

// Command buffers of the device that was made with options() wait for an event of the host's before
// anything else, which is set but for the time of hold(). One object, and one device, at a time.
class LateWork {
 public:
  LateWork() = default;
  ~LateWork() { release(); }
  LateWork(const LateWork&) = delete;
  LateWork& operator=(const LateWork&) = delete;

  // test_options(), with functions that do so. `imports`: whether planes may be used in place.
  static DeviceOptions options(bool imports = false);

  // The command buffer that is begun after `passing` others, and those after it, do nothing before
  // release().
  void hold(int passing = 0);
  void release();
  // Whether there is one that waits for release(), submitted or about to be.
  bool holds() const;
};

// What `run` returns once a GPU is no longer busy with what was late; kBusy after a minute.
template <typename Run>
auto ends_being_busy(const Run& run) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  auto done = run();
  while (!done.ok() && done.error().code == ErrorCode::kBusy &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    done = run();
  }
  return done;
}

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_LATE_WORK_H_
