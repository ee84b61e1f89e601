// The providers of exportable memory, one a kernel interface.
#ifndef DAEDALUS_DECODE_CORE_MEMORY_PROVIDERS_H_
#define DAEDALUS_DECODE_CORE_MEMORY_PROVIDERS_H_

#include <memory>
#include <vector>

#include "decode_core/memory/surface_memory.h"

namespace daedalus::core {

// One at a time: the allocator holds its lock.
class MemoryProvider {
 public:
  virtual ~MemoryProvider() = default;
  virtual bool makes_dma_buf() const = 0;
  virtual bool makes_cached() const { return true; }
  // Opens its device at the first call and remembers a refusal.
  virtual Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size) = 0;
};

// In the order of preference.
std::vector<std::unique_ptr<MemoryProvider>> create_memory_providers();

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_MEMORY_PROVIDERS_H_
