// Memory of surfaces that other programs and devices can see: allocated at the first export.
#ifndef DAEDALUS_DECODE_CORE_MEMORY_SURFACE_MEMORY_H_
#define DAEDALUS_DECODE_CORE_MEMORY_SURFACE_MEMORY_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapping.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace daedalus::core {

// One buffer, mapped for the life of the object. Any thread.
class SurfaceMemory {
 public:
  SurfaceMemory(UniqueFd fd, Mapping mapping, bool dma_buf, bool cached, std::string_view provider)
      : fd_(std::move(fd)),
        mapping_(std::move(mapping)),
        dma_buf_(dma_buf),
        cached_(cached),
        provider_(provider) {}

  int fd() const { return fd_.get(); }  // stays ours; dup() it to hand it out
  uint8_t* data() const { return mapping_.data(); }
  size_t size() const { return mapping_.size(); }
  bool dma_buf() const { return dma_buf_; }
  // Reads by the CPU are cached. Where not (write-combined), nobody should read back.
  bool cached() const { return cached_; }
  // "drm", "dma_heap", "udmabuf", "memfd"; "v4l2": a buffer of a decoder's.
  std::string_view provider() const { return provider_; }

  // Waits until no other device works on a dma-buf that this one is to write, as displays and GPUs
  // may that still show it (its fences). False: they are not done in time.
  bool await_others(std::chrono::milliseconds timeout) const;

  // Bracket what the CPU reads of a device's writes (DMA_BUF_IOCTL_SYNC where the memory is a
  // dma-buf).
  void begin_cpu_read() const;
  void end_cpu_read() const;
  // Bracket CPU writes likewise.
  void begin_cpu_write() const;
  void end_cpu_write() const;

 private:
  UniqueFd fd_;
  Mapping mapping_;
  bool dma_buf_;
  bool cached_;
  std::string_view provider_;
};

// Asks the providers in the order of preference: DRM render node, /dev/dma_heap, udmabuf over a
// memfd, plain memfd. Remembers the first that worked. Thread-safe.
class MemoryAllocator {
 public:
  virtual ~MemoryAllocator() = default;
  // `require_dma_buf`: a plain memfd will not do; the error names what is missing and how to get
  // it.
  virtual Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size, bool require_dma_buf) = 0;
  // A dma-buf that the CPU's caches cover: of another provider than the DRM render node.
  virtual Result<std::shared_ptr<SurfaceMemory>> allocate_cached(size_t size);
  static std::unique_ptr<MemoryAllocator> create();
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_MEMORY_SURFACE_MEMORY_H_
