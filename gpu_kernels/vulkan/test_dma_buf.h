// What tests of dma-bufs share: a memfd in the place of one.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_TEST_DMA_BUF_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_TEST_DMA_BUF_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <utility>

#include "base/mapping.h"
#include "base/unique_fd.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels::vulkan {

// Mapped for the life of the object.
struct TestDmaBuf {
  UniqueFd fd;
  Mapping mapping;

  uint8_t* data() const { return mapping.data(); }
  size_t size() const { return mapping.size(); }

  // `size` is rounded up to whole pages.
  static std::shared_ptr<const TestDmaBuf> create(size_t size) {
    constexpr size_t kPage = 4096;
    const size_t whole = (size + kPage - 1) / kPage * kPage;
    UniqueFd fd(::memfd_create("dma-buf", MFD_CLOEXEC));
    REQUIRE(fd.valid());
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(whole)) == 0);
    auto mapping = Mapping::map(fd.get(), whole, 0, true);
    REQUIRE(mapping.ok());
    return std::make_shared<TestDmaBuf>(TestDmaBuf{std::move(fd), std::move(*mapping)});
  }
};

// How many descriptors this process has.
inline ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_TEST_DMA_BUF_H_
