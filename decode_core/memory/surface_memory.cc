#include "decode_core/memory/surface_memory.h"

#include <linux/dma-buf.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/dma_buf.h"
#include "decode_core/memory/providers.h"

namespace daedalus::core {
namespace {

class ProviderChain final : public MemoryAllocator {
 public:
  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size, bool require_dma_buf) override {
    return first_of(size, require_dma_buf, false,
                    require_dma_buf ? "no memory to export as a dma-buf (a DRM render node, "
                                      "/dev/dma_heap or /dev/udmabuf is needed, readable by this "
                                      "user): "
                                    : "no memory to export: ");
  }

  Result<std::shared_ptr<SurfaceMemory>> allocate_cached(size_t size) override {
    return first_of(size, true, true,
                    "no cached dma-buf (/dev/dma_heap or /dev/udmabuf is needed, readable by this "
                    "user): ");
  }

 private:
  Result<std::shared_ptr<SurfaceMemory>> first_of(size_t size, bool dma_buf, bool cached,
                                                  std::string refusal) {
    std::lock_guard lock(mutex_);
    std::string_view separator;
    for (auto& provider : providers_) {
      if ((dma_buf && !provider->makes_dma_buf()) || (cached && !provider->makes_cached())) {
        continue;
      }
      auto memory = provider->allocate(size);
      if (memory) return memory;
      refusal.append(std::exchange(separator, "; ")).append(memory.error().message);
    }
    return Error{ErrorCode::kUnsupported, std::move(refusal)};
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<MemoryProvider>> providers_ = create_memory_providers();
};

}  // namespace

// "dma-buf: Implicit Fence Poll Support": POLLOUT waits for all fences.
bool SurfaceMemory::await_others(std::chrono::milliseconds timeout) const {
  if (!dma_buf_) return true;
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    pollfd entry{fd(), POLLOUT, 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    const int ready = ::poll(&entry, 1, std::max(0, static_cast<int>(left.count())));
    if (ready >= 0) return ready == 1;
    if (errno != EINTR) return false;
  }
}

void SurfaceMemory::begin_cpu_read() const {
  if (dma_buf_)
    static_cast<void>(synchronise_dma_buf(fd(), DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
}

void SurfaceMemory::end_cpu_read() const {
  if (dma_buf_) static_cast<void>(synchronise_dma_buf(fd(), DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
}

void SurfaceMemory::begin_cpu_write() const {
  if (dma_buf_)
    static_cast<void>(synchronise_dma_buf(fd(), DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
}

void SurfaceMemory::end_cpu_write() const {
  if (dma_buf_) static_cast<void>(synchronise_dma_buf(fd(), DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
}

Result<std::shared_ptr<SurfaceMemory>> MemoryAllocator::allocate_cached(size_t size) {
  auto memory = allocate(size, true);
  if (memory && !(*memory)->cached()) return Error{ErrorCode::kUnsupported, "no cached dma-buf"};
  return memory;
}

std::unique_ptr<MemoryAllocator> MemoryAllocator::create() {
  return std::make_unique<ProviderChain>();
}

}  // namespace daedalus::core
