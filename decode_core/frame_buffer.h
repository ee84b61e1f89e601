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
// order.
enum class SampleFormat : uint8_t {
  kI420,    // Y, U, V; 4:2:0, 8 bit
  kI42010,  // Y, U, V; 4:2:0, 10 bit in the low bits
  kNv12,    // Y, UV interleaved; 4:2:0, 8 bit
  kP010,    // Y, UV interleaved; 4:2:0, 10 bit in the high bits
};
// Whether samples have 10 bits, and 2 bytes.
constexpr bool is_wide(SampleFormat format) {
  return format == SampleFormat::kI42010 || format == SampleFormat::kP010;
}
constexpr bool is_interleaved(SampleFormat format) {
  return format == SampleFormat::kNv12 || format == SampleFormat::kP010;
}

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
  std::array<Plane, 3> planes;  // of interleaved formats the third is null
  // Null, or the film grain that is not in the samples yet: whoever shows them adds it (the output
  // pass, PlanarFrame::copy). Prepared for this size; lives as long as the samples.
  const gpu_kernels::Av1FilmGrain* film_grain = nullptr;
};

// `count` samples of a component (0 to 2 is Y, U, V) from (x, y) on, in its own coordinates, as
// kI420 or kI42010 has them, whatever the frame's format. They are inside the frame.
void read_samples(const FrameView& frame, size_t component, uint32_t x, uint32_t y, size_t count,
                  uint8_t* out);

// A block of memory that returns to its pool when its last owner lets go. Written by one engine,
// then only read. Any thread may own it.
class FrameMemory {
 public:
  // Of the heap, with kAlignment bytes more than `size`.
  FrameMemory(std::unique_ptr<uint8_t[]> storage, size_t size);
  // What `owner` has at `data`, which is aligned to kAlignment.
  FrameMemory(std::shared_ptr<const void> owner, uint8_t* data, size_t size);
  uint8_t* data() const { return data_; }  // aligned to kAlignment
  size_t size() const { return size_; }
  static constexpr size_t kAlignment = 64;

 private:
  std::shared_ptr<const void> owner_;
  uint8_t* data_;
  size_t size_;
};

// Where pools find memory that is better than the heap's. Thread-safe.
class FrameMemorySource {
 public:
  virtual ~FrameMemorySource() = default;
  // Whether memory of `size` bytes is wanted of it now.
  virtual bool is_wanted(size_t size) = 0;
  // Uninitialised memory of `size` bytes, cached by the CPU. Null: there is none, and so much is
  // not wanted any more.
  virtual std::unique_ptr<FrameMemory> allocate(size_t size) = 0;
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

// Recycles memory of one size; a request of another size drops what lies idle, and so does a source
// that comes to be wanted, or does not any more. Thread-safe; the memory may outlive the pool.
class FramePool {
 public:
  // Null: all memory is the heap's.
  explicit FramePool(std::shared_ptr<FrameMemorySource> source = nullptr);
  // Uninitialised memory of `size` bytes. kOutOfMemory above 256 MiB or where there is none.
  Result<std::shared_ptr<FrameMemory>> allocate(size_t size);
  // Most blocks kept idle.
  static constexpr size_t kMaxIdle = 8;

 private:
  struct Shelf;
  const std::shared_ptr<FrameMemorySource> source_;
  const std::shared_ptr<Shelf> shelf_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_FRAME_BUFFER_H_
