// FrameAllocator: a FramePool's memory for libavcodec's pictures (AVCodecContext::get_buffer2).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_FRAME_ALLOCATOR_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_FRAME_ALLOCATOR_H_

#include <memory>
#include <utility>

#include "base/result.h"
#include "decode_core/frame_buffer.h"

extern "C" {
struct AVCodecContext;
struct AVFrame;
}

namespace daedalus::core {

// Thread-safe; the memory may outlive it.
class FrameAllocator {
 public:
  // `memory` as FramePool takes it.
  explicit FrameAllocator(std::shared_ptr<FrameMemorySource> memory) : pool_(std::move(memory)) {}

  // Gives `frame`, whose size and format libavcodec has set, its planes. Returns the same memory as
  // the core sees it. kUnsupported: not 4:2:0 of 8 or 10 bits, or above kMaxDimension.
  // Throws std::bad_alloc.
  Result<FrameBuffer> allocate(AVCodecContext& context, AVFrame& frame);

  // The memory behind a frame that allocate() has served, wherever libavcodec has passed it since.
  static FrameBuffer buffer_of(const AVFrame& frame);

  // A frame of a decoder that allocates by itself; it shares the frame's memory. A monochrome one
  // gets chroma of the middle value. kUnsupported as with allocate().
  static Result<FrameBuffer> borrowed_buffer_of(const AVFrame& frame);

 private:
  FramePool pool_;
};

// The answer of a get_buffer2 callback.
int averror_of(const Error& error);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_FRAME_ALLOCATOR_H_
