// PassingMemory: shared memory that passes for dma-bufs, which our own node imports like them, on
// machines without any.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_PASSING_MEMORY_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_PASSING_MEMORY_H_

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>

#include "base/result.h"
#include "decode_core/memory/surface_memory.h"

namespace daedalus::core::test {

// Thread-safe. What it allocated may outlive it.
class PassingMemory final : public MemoryAllocator {
 public:
  explicit PassingMemory(size_t allocations = std::numeric_limits<size_t>::max())
      : allowed_(allocations) {}

  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size, bool require_dma_buf) override;
  // From then on there is no more.
  void refuse_after(size_t allocations) { allowed_ = allocations; }
  // Blocks that somebody still has.
  const std::shared_ptr<std::atomic<size_t>>& alive() const { return alive_; }

 private:
  std::atomic<size_t> allowed_;
  const std::shared_ptr<std::atomic<size_t>> alive_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_PASSING_MEMORY_H_
