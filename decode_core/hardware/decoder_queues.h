// DecoderQueues: a node's two queues, set up for one kind of picture.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_DECODER_QUEUES_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_DECODER_QUEUES_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "decode_core/hardware/capture_pool.h"
#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/request_slots.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/job.h"

namespace daedalus::core {

// Not thread-safe. `node`, the media node's descriptor and `memory`, where dma-bufs come from,
// outlive it.
class DecoderQueues {
 public:
  DecoderQueues(VideoNode& node, int media, const CodecInterface& interface,
                MemoryAllocator& memory)
      : node_(node), media_(media), interface_(interface), memory_(memory) {}
  ~DecoderQueues() { stop(); }
  DecoderQueues(const DecoderQueues&) = delete;
  DecoderQueues& operator=(const DecoderQueues&) = delete;

  // Whether the job's kind of picture (size, depth, and how many references) is that which the
  // queues are set up for, or one that the buffers of that kind hold as well.
  bool fit(const DecodeJob& job) const;
  // Of those that fit: whether the picture has the size of the queues, and not a smaller one.
  bool is_whole(const DecodeJob& job) const {
    return job.coded_width() == width_ && job.coded_height() == height_;
  }
  // Where the surface of a job that fits wants its pixels, if they fill it: around a smaller
  // picture it would keep what was there, which the output pass makes black.
  std::optional<Destination> destination_of(const DecodeJob& job) const;
  // Sets them up for it ("Initialization"); nothing may be under way, and all pictures in CAPTURE
  // buffers are gone. kUnsupported: the device does not decode such pictures.
  Status set_up(const DecodeJob& job, size_t coded_bytes);
  // Takes everything back from the driver and frees it.
  void stop();
  // Memory for a picture could not be had, or was not taken: from the next set_up() on the queue
  // has buffers of the driver's.
  void refuse_imports() { imports_ = false; }

  bool running() const { return capture_ != nullptr; }
  // Only while running().
  RequestSlots& slots() { return *slots_; }
  CapturePool& capture() { return *capture_; }

  // Slots, and so OUTPUT buffers, to begin with.
  static constexpr uint32_t kSlots = 4;

 private:
  bool fits_size(const DecodeJob& job) const;
  Result<std::unique_ptr<CapturePool>> allocate_capture(const DecodeJob& job,
                                                        const QueueFormat& format);
  Status allocate(const DecodeJob& job, const QueueFormat& capture_format);

  VideoNode& node_;
  const int media_;
  const CodecInterface& interface_;
  MemoryAllocator& memory_;
  bool imports_ = true;
  uint32_t width_ = 0;
  uint32_t height_ = 0;
  int bit_depth_ = 0;
  bool allocated_ = false;  // the driver may have buffers of ours
  std::unique_ptr<RequestSlots> slots_;
  std::unique_ptr<CapturePool> capture_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_DECODER_QUEUES_H_
