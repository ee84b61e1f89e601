// What tests of Vulkan stages share: planes in memory that the device can use in place, or not.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_TEST_PLANES_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_TEST_PLANES_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "gpu_kernels/pack/pack.h"

namespace daedalus::gpu_kernels::vulkan::test_planes {

inline constexpr size_t kPage = 4096;
inline constexpr uint8_t kCanary = 0xA5;

// How a plane lies in memory.
struct Memory {
  const char* name;
  uint32_t stride_multiple;  // bytes
  uint32_t misalignment;     // of the first row, bytes
  bool bottom_up;
};

// The first two are what decoders and surfaces have.
inline constexpr Memory kAligned = {"aligned", 64, 0, false};
inline constexpr Memory kPadded = {"vectors", 16, 48, false};
inline constexpr Memory kOdd = {"odd", 1, 3, false};
inline constexpr Memory kBottomUp = {"bottom up", 32, 0, true};

// Memory that no other object shares a page with.
template <typename T>
struct PageAllocator {
  using value_type = T;
  T* allocate(size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{kPage}));
  }
  void deallocate(T* memory, size_t) { ::operator delete (memory, std::align_val_t{kPage}); }
  bool operator==(const PageAllocator&) const = default;
};

// A plane in pages of its own, all of whose bytes are compared.
class TestPlane {
 public:
  TestPlane(uint32_t row_bytes, uint32_t rows, const Memory& memory)
      : stride_((row_bytes + memory.stride_multiple - 1) / memory.stride_multiple *
                memory.stride_multiple),
        first_(memory.misalignment + (memory.bottom_up ? (rows - 1) * stride_ : 0)),
        bottom_up_(memory.bottom_up),
        bytes_((memory.misalignment + rows * stride_ + kPage - 1) / kPage * kPage, kCanary) {}

  SourcePlane source() const { return {bytes_.data() + first_, stride()}; }
  TargetPlane target() { return {bytes_.data() + first_, stride()}; }

  template <typename ByteAt>
  void fill(const ByteAt& byte_at) {
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = byte_at(i);
  }
  bool operator==(const TestPlane& other) const { return bytes_ == other.bytes_; }

 private:
  ptrdiff_t stride() const {
    return bottom_up_ ? -static_cast<ptrdiff_t>(stride_) : static_cast<ptrdiff_t>(stride_);
  }

  size_t stride_, first_;
  bool bottom_up_;
  std::vector<uint8_t, PageAllocator<uint8_t>> bytes_;
};

}  // namespace daedalus::gpu_kernels::vulkan::test_planes

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_TEST_PLANES_H_
