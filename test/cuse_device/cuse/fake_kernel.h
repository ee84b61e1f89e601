// FakeKernel: what the kernel's side of CUSE does with one ioctl, over plain memory.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_CUSE_FAKE_KERNEL_H_
#define DAEDALUS_TEST_CUSE_DEVICE_CUSE_FAKE_KERNEL_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "cuse_device/cuse/ioctl_call.h"

namespace daedalus::test {

// The client's memory is the process's own, above the first 64 KiB.
class FakeKernel {
 public:
  // Carries out the ioctl with as many retries as it takes; the errno.
  int ioctl(v4l2::OpenFile& file, uint32_t request, void* argument) {
    cuse::IoctlCall call;
    call.request = request;
    call.address = reinterpret_cast<uintptr_t>(argument);
    std::vector<cuse::MemoryRange> output;
    for (trips = 1;; ++trips) {
      const cuse::IoctlAnswer answer = cuse::run_ioctl(file, call);
      if (!answer.retry()) return copy_back(answer, output);
      if (trips == kMostTrips) return ELOOP;
      output = answer.retry_output;
      call.output_size = 0;
      for (const auto& range : output) call.output_size += range.size;
      if (!fetch(answer.retry_input, &call.input)) return EFAULT;
      if (between) between();
    }
  }

  int trips = 0;
  // Called after each fetch: what a second thread of the client may do meanwhile.
  std::function<void()> between;

  static constexpr int kMostTrips = 20;

 private:
  static bool mapped(const cuse::MemoryRange& range) { return range.address >= 0x10000; }

  static bool fetch(const std::vector<cuse::MemoryRange>& ranges, std::vector<std::byte>* bytes) {
    bytes->clear();
    for (const auto& range : ranges) {
      if (!mapped(range)) return false;
      const auto* from = reinterpret_cast<const std::byte*>(range.address);
      bytes->insert(bytes->end(), from, from + range.size);
    }
    return true;
  }

  static int copy_back(const cuse::IoctlAnswer& answer,
                       const std::vector<cuse::MemoryRange>& ranges) {
    std::span<const std::byte> left = answer.output;
    for (const auto& range : ranges) {
      const auto part = left.first(std::min(left.size(), range.size));
      if (!part.empty() && !mapped(range)) return EFAULT;
      if (!part.empty()) {
        std::memcpy(reinterpret_cast<void*>(range.address), part.data(), part.size());
      }
      left = left.subspan(part.size());
    }
    return left.empty() ? answer.error : EIO;
  }
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_CUSE_FAKE_KERNEL_H_
