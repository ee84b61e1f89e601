#include "decode_core/memory/providers.h"

#include <drm.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "decode_core/uapi/v3d.h"

namespace daedalus::core {
namespace {

size_t page_aligned(size_t size) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

int repeat_ioctl(int fd, unsigned long request, void* argument) {
  int result = 0;
  do {
    result = ::ioctl(fd, request, argument);
  } while (result != 0 && errno == EINTR);
  return result;
}

Result<std::shared_ptr<SurfaceMemory>> mapped(UniqueFd fd, size_t size, bool dma_buf, bool cached,
                                              std::string_view provider) {
  auto mapping = Mapping::map(fd.get(), size, 0, true);
  if (!mapping) return mapping.error();
  return std::make_shared<SurfaceMemory>(std::move(fd), std::move(*mapping), dma_buf, cached,
                                         provider);
}

// A device that is opened once; a refusal is final for the life of the provider.
class Device {
 public:
  Result<int> open(const std::string& path) {
    if (!fd_ && refusal_.message.empty()) {
      fd_.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
      if (!fd_) refusal_ = system_error("open " + path);
    }
    if (!fd_) return refusal_;
    return fd_.get();
  }
  Result<int> refuse(std::string message) {
    fd_.reset();
    refusal_ = {ErrorCode::kUnsupported, std::move(message)};
    return refusal_;
  }

 private:
  UniqueFd fd_;
  Error refusal_{ErrorCode::kSystem, ""};
};

// Buffer objects of the V3D render node: the one way that Firefox's sandbox leaves open. The
// kernel maps them write-combined.
class RenderNodeProvider final : public MemoryProvider {
 public:
  bool makes_dma_buf() const override { return true; }
  bool makes_cached() const override { return false; }

  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size) override {
    const Result<int> node = find_node();
    if (!node) return node.error();
    DaedalusV3dCreateBo create{};
    create.size = static_cast<uint32_t>(page_aligned(size));
    if (repeat_ioctl(*node, DAEDALUS_DRM_IOCTL_V3D_CREATE_BO, &create) != 0) {
      return system_error("create a V3D buffer");
    }
    drm_prime_handle prime{};
    prime.handle = create.handle;
    prime.flags = O_RDWR | O_CLOEXEC;
    const int exported = repeat_ioctl(*node, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
    const Error failure = system_error("export a V3D buffer");
    // The dma-buf keeps the buffer: the handle is not needed any more.
    drm_gem_close close{};
    close.handle = create.handle;
    repeat_ioctl(*node, DRM_IOCTL_GEM_CLOSE, &close);
    if (exported != 0) return failure;
    return mapped(UniqueFd(prime.fd), create.size, true, false, "drm");
  }

 private:
  Result<int> find_node() {
    if (searched_) return device_.open("");
    searched_ = true;
    for (int minor = 128; minor < 128 + 16; ++minor) {
      Device candidate;
      const Result<int> fd = candidate.open("/dev/dri/renderD" + std::to_string(minor));
      if (!fd || !is_v3d(*fd)) continue;
      device_ = std::move(candidate);
      return *fd;
    }
    return device_.refuse("no V3D render node in /dev/dri");
  }

  static bool is_v3d(int fd) {
    std::array<char, 16> name{};
    drm_version version{};
    version.name = name.data();
    version.name_len = name.size() - 1;
    return repeat_ioctl(fd, DRM_IOCTL_VERSION, &version) == 0 &&
           std::strcmp(name.data(), "v3d") == 0;
  }

  Device device_;
  bool searched_ = false;
};

class DmaHeapProvider final : public MemoryProvider {
 public:
  bool makes_dma_buf() const override { return true; }

  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size) override {
    const Result<int> heap = device_.open("/dev/dma_heap/system");
    if (!heap) return heap.error();
    dma_heap_allocation_data request{};
    request.len = page_aligned(size);
    request.fd_flags = O_RDWR | O_CLOEXEC;
    if (repeat_ioctl(*heap, DMA_HEAP_IOCTL_ALLOC, &request) != 0) {
      return system_error("allocate from /dev/dma_heap/system");
    }
    return mapped(UniqueFd(static_cast<int>(request.fd)), request.len, true, true, "dma_heap");
  }

 private:
  Device device_;
};

// Shared memory that any process may map; sealed against shrinking, as udmabuf demands.
Result<UniqueFd> create_memfd(size_t size) {
  UniqueFd fd(::memfd_create("daedalus-surface", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return system_error("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return system_error("ftruncate");
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) return system_error("F_ADD_SEALS");
  return fd;
}

class UdmabufProvider final : public MemoryProvider {
 public:
  bool makes_dma_buf() const override { return true; }

  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size) override {
    const Result<int> device = device_.open("/dev/udmabuf");
    if (!device) return device.error();
    const size_t whole = page_aligned(size);
    auto memory = create_memfd(whole);
    if (!memory) return memory.error();
    udmabuf_create request{};
    request.memfd = static_cast<uint32_t>(memory->get());
    request.flags = UDMABUF_FLAGS_CLOEXEC;
    request.size = whole;
    int fd = 0;
    do {
      fd = ::ioctl(*device, UDMABUF_CREATE, &request);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return system_error("UDMABUF_CREATE");
    return mapped(UniqueFd(fd), whole, true, true, "udmabuf");
  }

 private:
  Device device_;
};

class MemfdProvider final : public MemoryProvider {
 public:
  bool makes_dma_buf() const override { return false; }

  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size) override {
    const size_t whole = page_aligned(size);
    auto memory = create_memfd(whole);
    if (!memory) return memory.error();
    return mapped(std::move(*memory), whole, false, true, "memfd");
  }
};

}  // namespace

std::vector<std::unique_ptr<MemoryProvider>> create_memory_providers() {
  std::vector<std::unique_ptr<MemoryProvider>> providers;
  providers.push_back(std::make_unique<RenderNodeProvider>());
  providers.push_back(std::make_unique<DmaHeapProvider>());
  providers.push_back(std::make_unique<UdmabufProvider>());
  providers.push_back(std::make_unique<MemfdProvider>());
  return providers;
}

}  // namespace daedalus::core
