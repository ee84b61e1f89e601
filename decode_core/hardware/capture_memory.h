// CaptureMemory: the memory that pictures are decoded into, of the driver's or a dma-buf.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_MEMORY_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_MEMORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/hardware/device_calls.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/memory/surface_memory.h"

namespace daedalus::core {

// The memory of one CAPTURE buffer. Thread-safe, but for begin_ and end_cpu_read().
class CaptureMemory final : public FrameExporter {
 public:
  // A mapped buffer of the driver's. It may outlive its pool, and the node: V4L2 lets mapped
  // buffers live on without their queue (VIDIOC_REQBUFS, "orphaned"). `node` outlives detach().
  CaptureMemory(const VideoNode& node, uint32_t index, std::vector<DeviceMapping> planes);
  // A dma-buf, to be queued as V4L2_MEMORY_DMABUF: a surface's, which is given already, or one that
  // give() gives away.
  CaptureMemory(std::shared_ptr<SurfaceMemory> dma_buf, bool given);
  ~CaptureMemory() override;
  CaptureMemory(const CaptureMemory&) = delete;
  CaptureMemory& operator=(const CaptureMemory&) = delete;

  // The index may be another buffer's from now on.
  void detach();
  std::span<const std::span<uint8_t>> planes() const { return planes_; }
  // Null: it is mapped.
  const SurfaceMemory* dma_buf() const { return dma_buf_.get(); }

  // One owner for a frame that lies in `memory`, which nobody else has been lent; the memory is
  // lent until all copies of it are gone.
  static std::shared_ptr<const void> lend(const std::shared_ptr<CaptureMemory>& memory);
  // Once false, whatever the frame's readers did has happened before.
  bool lent() const { return lent_.load(std::memory_order_acquire); }

  // The device has written, and the CPU may read until the device writes again. Of mapped buffers
  // the driver sees to that. begin_ may be called twice.
  void begin_cpu_read();
  void end_cpu_read();

  // Of one memory plane; only while lent, and once: it is the receiver's for ever, as nobody knows
  // when the last descriptor of the dma-buf is closed.
  Result<std::shared_ptr<SurfaceMemory>> give() override;
  bool gave(const SurfaceMemory& memory) const override;
  bool given() const;

 private:
  const std::vector<DeviceMapping> mappings_;
  const std::shared_ptr<SurfaceMemory> dma_buf_;
  std::vector<std::span<uint8_t>> planes_;
  const uint32_t index_ = 0;
  std::atomic<bool> lent_{false};
  bool cpu_reads_ = false;
  mutable std::mutex mutex_;         // of what follows
  const VideoNode* node_ = nullptr;  // null: detached, or a dma-buf
  bool given_ = false;
  std::weak_ptr<SurfaceMemory> receiver_;
};

// The dma-bufs that the pictures of one queue are decoded into: the surfaces' own, and as many of
// ours as the pictures need that have none. Not thread-safe.
class DmaBufShelf {
 public:
  // Ours have `size` bytes, and are CPU-cached if `cached`; at most `most` of them are not given
  // away. `allocator` outlives it.
  DmaBufShelf(MemoryAllocator& allocator, size_t size, size_t most, bool cached)
      : allocator_(allocator), size_(size), most_(most), cached_(cached) {}

  // The memory of a surface; null while a frame that lies in it is lent.
  std::shared_ptr<CaptureMemory> of_surface(const std::shared_ptr<SurfaceMemory>& memory);
  // One of ours that nobody has. kBusy: there are `most`; kSystem: there is no memory.
  Result<std::shared_ptr<CaptureMemory>> take();
  // Sees to it that so many of ours are neither lent nor given away; false: it cannot.
  bool keep(size_t count);
  // Whether memory that is not a surface's can have another picture.
  static bool is_ours(const CaptureMemory& memory);

 private:
  void sweep();
  Status add();

  MemoryAllocator& allocator_;
  const size_t size_;
  const size_t most_;
  const bool cached_;
  std::vector<std::shared_ptr<CaptureMemory>> own_;
  std::vector<std::weak_ptr<CaptureMemory>> given_;  // to surfaces
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_MEMORY_H_
