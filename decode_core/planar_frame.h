// PlanarFrame: a frame in memory of its own, to be written to: a client's images, a copy.
#ifndef DAEDALUS_DECODE_CORE_PLANAR_FRAME_H_
#define DAEDALUS_DECODE_CORE_PLANAR_FRAME_H_

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/image.h"
#include "gpu_kernels/pack/pack.h"

namespace daedalus::core {

// Three planes, 64-byte aligned. Not thread-safe.
class PlanarFrame {
 public:
  // Uninitialised. `format` is kI420 or kI42010; sizes are within kMaxDimension.
  static Result<PlanarFrame> allocate(SampleFormat format, uint32_t width, uint32_t height);

  const FrameBuffer& buffer() const { return frame_; }

  void make_black();
  // Copies the part that both have, and adds the film grain that it is to get. `from` is of the
  // same depth.
  void copy(const FrameView& from);
  // Unpacks a region of an image of the same depth to (x, y). The coordinates are even; the region
  // is inside both and not empty.
  void unpack(ImageFormat format, const LinearLayout& layout, const uint8_t* image,
              const Rect& from, uint32_t x, uint32_t y);

 private:
  explicit PlanarFrame(FrameBuffer frame);
  bool wide() const { return frame_.view.format == SampleFormat::kI42010; }
  void copy_with_grain(const FrameView& from, uint32_t width, uint32_t height);
  gpu_kernels::TargetPlane target(size_t plane, uint32_t x, uint32_t y) const;

  const gpu_kernels::PackFunctions* pack_;
  FrameBuffer frame_;
};

// The same picture with its film grain in the samples: itself where there is none to add.
Result<FrameBuffer> add_film_grain(const FrameBuffer& frame);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_PLANAR_FRAME_H_
