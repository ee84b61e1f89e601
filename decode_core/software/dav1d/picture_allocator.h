// PictureAllocator: a FramePool's memory for dav1d's pictures (Dav1dPicAllocator).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_PICTURE_ALLOCATOR_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_PICTURE_ALLOCATOR_H_

#include <cstdint>
#include <memory>
#include <utility>

extern "C" {
#include <dav1d/dav1d.h>
}

#include "base/result.h"
#include "decode_core/frame_buffer.h"

namespace daedalus::core {

// Outlives the decoder that its callbacks serve; the memory may outlive both. Monochrome pictures
// get chroma planes too, which are grey and unknown to dav1d.
class PictureAllocator {
 public:
  // `memory` as FramePool takes it.
  explicit PictureAllocator(std::shared_ptr<FrameMemorySource> memory) : pool_(std::move(memory)) {}

  Dav1dPicAllocator callbacks();

  // The memory behind a picture that the callbacks have served, as the core sees it.
  static FrameBuffer buffer_of(const Dav1dPicture& picture);

  // A picture that is grey all over. `format` is kI420 or kI42010.
  Result<FrameBuffer> grey(SampleFormat format, uint32_t width, uint32_t height);

 private:
  Result<FrameBuffer> allocate(SampleFormat format, uint32_t width, uint32_t height);
  static int allocate(Dav1dPicture* picture, void* cookie);
  static void release(Dav1dPicture* picture, void* cookie);

  FramePool pool_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_PICTURE_ALLOCATOR_H_
