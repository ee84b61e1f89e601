// CapturePool: the CAPTURE buffers of one context and the pictures in them.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_POOL_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_POOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/hardware/capture_memory.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/job.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/picture.h"

namespace daedalus::core {

// Whether the picture itself may be predicted from references[index] of its job. The others are
// there because later pictures may be. False where there is none.
bool refers_to(const DecodeJob& job, size_t index);

// Which pictures later ones may refer to, by id: their CAPTURE buffers stay unqueued.
class ReferenceKeeper {
 public:
  // Those that are still needed when `job` is decoded, its own target not counted. H.264, HEVC, VP8
  // and AV1 jobs name all that there are; of VP9 the eight slots are followed where the jobs say
  // what they refresh, of MPEG-2 the last two I and P pictures are kept.
  std::vector<uint64_t> needed(const DecodeJob& job) const;
  // The job was given to the driver.
  void note(const DecodeJob& job);

 private:
  std::vector<uint64_t> kept_;  // VP9: by slot; MPEG-2: latest last
};

// Not thread-safe.
class CapturePool {
 public:
  // Most buffers that a queue is made to have: what every kernel allows (VIDEO_MAX_FRAME).
  static constexpr size_t kMostBuffers = VIDEO_MAX_FRAME;

  // Allocates and maps `count` buffers, or as many as the driver grants, of the node's present
  // format, which is `format`. `node` outlives the pool. With an allocator, which outlives it too,
  // they have no memory of their own (V4L2_MEMORY_DMABUF): each picture's is its surface's, or a
  // dma-buf of the allocator's, which the driver was seen to take. Of a format that is to be
  // unpacked these are CPU-cached, and each buffer has its own from the beginning, also seen to be
  // taken.
  static Result<std::unique_ptr<CapturePool>> allocate(VideoNode& node, const QueueFormat& format,
                                                       uint32_t count, MemoryAllocator* dma_bufs);
  ~CapturePool();
  CapturePool(const CapturePool&) = delete;
  CapturePool& operator=(const CapturePool&) = delete;

  // Queues a buffer for the picture and remembers it by `timestamp` (microseconds). One that is not
  // lent and that no `needed` picture is in: an empty one or that of a picture that nobody holds,
  // else the one that was used longest ago. A buffer that the driver still has, because nothing
  // came of the request it was queued for, is taken first; then that whose memory is `destination`
  // (null: none), and no other that was given away. Where the queue takes dma-bufs, every
  // destination can be one that suits(). kBusy: all are needed.
  Result<uint32_t> queue(const std::shared_ptr<Picture>& picture, uint64_t timestamp,
                         std::span<const uint64_t> needed, const Destination* destination);
  // The buffer that has the picture is queued once more, for its second field.
  Status queue_again(uint32_t index);
  // Nothing whole was decoded into the buffer, which the driver may still have: its picture is
  // gone.
  void forget(uint32_t index);
  // Lends the memory of a buffer that the driver gave back, until the last copy of the owner is
  // gone; until then it is not queued again. As many buffers as the pool began with are never lent
  // or given away, so that decoding lacks none, however many frames are held: one more is added
  // where these would be lent (VIDIOC_CREATE_BUFS). Null: the driver adds none, there are
  // kMostBuffers, or its mapped buffers cannot outlive the queue
  // (V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS). Of dma-bufs, surfaces' own do not count, and as many of
  // ours are kept.
  std::shared_ptr<const void> lend(uint32_t index);
  bool lent(uint32_t index) const { return buffers_[index].memory->lent(); }
  bool given(uint32_t index) const { return buffers_[index].memory->given(); }
  // For frames in the buffer; null where it cannot be given away in one piece.
  std::shared_ptr<FrameExporter> exporter(uint32_t index) const;
  // The driver gave it back.
  void dequeued(uint32_t index);

  // The timestamp of the picture's buffer; nullopt: none has it.
  std::optional<uint64_t> timestamp_of(uint64_t picture) const;
  std::optional<uint32_t> find(uint64_t picture) const;
  std::span<const std::span<uint8_t>> memory(uint32_t index) const {
    return buffers_[index].memory->planes();
  }
  const QueueFormat& format() const { return format_; }
  bool takes_dma_bufs() const { return dma_bufs_.has_value(); }
  // How many it began with, which are those that decoding can count on.
  size_t count() const { return count_; }

 private:
  struct Buffer {
    std::shared_ptr<CaptureMemory> memory;  // null: no dma-buf was queued yet
    std::weak_ptr<Picture> picture;
    uint64_t picture_id = 0;  // 0: none
    uint64_t timestamp = 0;
    uint64_t used = 0;  // when, in queue() calls
    bool queued = false;
  };
  CapturePool(VideoNode& node, const QueueFormat& format) : node_(node), format_(format) {}
  Status append(uint32_t index);
  Status try_dma_bufs(size_t count);
  bool grow();
  Buffer* choose(std::span<const uint64_t> needed, const Destination* destination);
  static bool has(const Buffer& buffer, const Destination* destination);
  static bool is_needed(const Buffer& buffer, std::span<const uint64_t> needed);
  Status hand_over(Buffer& buffer, std::span<const uint64_t> needed,
                   const Destination* destination);
  Status hand_over_dma_buf(Buffer& buffer, std::shared_ptr<CaptureMemory> memory);

  VideoNode& node_;
  const QueueFormat format_;
  std::optional<DmaBufShelf> dma_bufs_;
  std::vector<Buffer> buffers_;
  size_t count_ = 0;
  bool may_lend_ = false;
  bool may_grow_ = true;
  uint64_t uses_ = 0;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_CAPTURE_POOL_H_
