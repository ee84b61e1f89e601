#include "decode_core/memory/surface_memory.h"

#include <linux/dma-buf.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "base/dma_buf.h"
#include "decode_core/memory/providers.h"

namespace daedalus::core {
namespace {

class ProviderChain final : public MemoryAllocator {
 public:
  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size, bool require_dma_buf) override {
    std::lock_guard lock(mutex_);
    std::string refusals;
    for (auto& provider : providers_) {
      if (require_dma_buf && !provider->makes_dma_buf()) continue;
      auto memory = provider->allocate(size);
      if (memory) return memory;
      refusals += (refusals.empty() ? "" : "; ") + memory.error().message;
    }
    return Error{ErrorCode::kUnsupported,
                 std::string("no memory to export") +
                     (require_dma_buf ? " as a dma-buf (a DRM render node, /dev/dma_heap or "
                                        "/dev/udmabuf is needed, readable by this user): "
                                      : ": ") +
                     refusals};
  }

 private:
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
  if (dma_buf_) synchronise_dma_buf(fd(), DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
}

void SurfaceMemory::end_cpu_read() const {
  if (dma_buf_) synchronise_dma_buf(fd(), DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
}

void SurfaceMemory::begin_cpu_write() const {
  if (dma_buf_) synchronise_dma_buf(fd(), DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
}

void SurfaceMemory::end_cpu_write() const {
  if (dma_buf_) synchronise_dma_buf(fd(), DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

std::unique_ptr<MemoryAllocator> MemoryAllocator::create() {
  return std::make_unique<ProviderChain>();
}

}  // namespace daedalus::core
