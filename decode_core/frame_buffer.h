// FrameBuffer: the decoded samples of one picture, in CPU-cached memory or in a decoding device's
// buffer, and the pool that the former comes from.
#ifndef DAEDALUS_DECODE_CORE_FRAME_BUFFER_H_
#define DAEDALUS_DECODE_CORE_FRAME_BUFFER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"

namespace daedalus::gpu_kernels {
struct Av1FilmGrain;
}

namespace daedalus::core {

// Sample layout of decoded pictures. Above 8 bits a sample is a 16-bit word of the host's byte
// order, value in the low bits.
enum class SampleFormat : uint8_t {
  kI420,    // Y, U, V; 4:2:0, 8 bit
  kI42010,  // Y, U, V; 4:2:0, 10 bit
  kNv12,    // Y, UV interleaved; 4:2:0, 8 bit
};

struct Plane {
  uint8_t* data = nullptr;
  size_t stride = 0;  // bytes from a row to the next
};

// What one picture's memory looks like to its readers. Widths are in luma samples; chroma planes
// are (width + 1) / 2 by (height + 1) / 2.
struct FrameView {
  SampleFormat format = SampleFormat::kI420;
  uint32_t width = 0;  // decoded and valid, the coded size or a little less
  uint32_t height = 0;
  std::array<Plane, 3> planes;  // kNv12: the third is null
  // Null, or the film grain that is not in the samples yet: whoever shows them adds it (the output
  // pass, PlanarFrame::copy). Prepared for this size; lives as long as the samples.
  const gpu_kernels::Av1FilmGrain* film_grain = nullptr;
};

// A block of memory that returns to its pool when its last owner lets go. Written by one engine,
// then only read. Any thread may own it.
class FrameMemory {
 public:
  FrameMemory(std::unique_ptr<uint8_t[]> storage, size_t size);
  uint8_t* data() const { return data_; }  // aligned to kAlignment
  size_t size() const { return size_; }
  static constexpr size_t kAlignment = 64;

 private:
  std::unique_ptr<uint8_t[]> storage_;
  uint8_t* data_;
  size_t size_;
};

class SurfaceMemory;

// Gives away the memory that a frame lies in, where that is a buffer of the decoding device's.
// Thread-safe.
class FrameExporter {
 public:
  virtual ~FrameExporter() = default;
  // The memory as a dma-buf, at whose start the frame's first plane begins. From then on it is the
  // receiver's: no picture is decoded into it but those that have it for their destination
  // (Picture::set_destination). kBusy: it was given before.
  virtual Result<std::shared_ptr<SurfaceMemory>> give() = 0;
  // Whether `memory` is what it gave.
  virtual bool gave(const SurfaceMemory& memory) const = 0;
};

// The decoded picture: its view and whoever keeps the memory alive.
struct FrameBuffer {
  FrameView view;
  std::shared_ptr<const void> owner;
  std::shared_ptr<FrameExporter> exporter{};  // null: the memory is not to be had
};

// Recycles memory of one size; a request of another size drops what lies idle. Thread-safe; the
// memory may outlive the pool.
class FramePool {
 public:
  FramePool();
  // Uninitialised memory of `size` bytes. kOutOfMemory above 256 MiB or where there is none.
  Result<std::shared_ptr<FrameMemory>> allocate(size_t size);
  // Most blocks kept idle.
  static constexpr size_t kMaxIdle = 8;

 private:
  struct Shelf;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_FRAME_BUFFER_H_
