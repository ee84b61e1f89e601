// Surface: what a client sees of a picture: a size and a format, the picture it holds now, and,
// from the first export on, one permanent buffer.
#ifndef DAEDALUS_DECODE_CORE_SURFACE_H_
#define DAEDALUS_DECODE_CORE_SURFACE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "decode_core/image.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/picture.h"

namespace daedalus::core {

class Core;

enum class SurfaceFormat : uint8_t { kNv12, kP010 };

// Thread-safe. Pixels beyond the decoded picture are black.
class Surface {
 public:
  Surface(std::shared_ptr<Core> core, SurfaceFormat format, uint32_t width, uint32_t height);

  SurfaceFormat format() const { return format_; }
  uint32_t width() const { return width_; }
  uint32_t height() const { return height_; }

  // The picture shown now; null before the first.
  std::shared_ptr<Picture> picture() const;
  // From now on the surface shows `picture`; if exported, the output pass fills its buffer each
  // time a job of it ends, before anybody who waits for the picture is released. A former picture
  // that is under way is then waited for: it may be on its way into the same memory.
  void set_picture(std::shared_ptr<Picture> picture);

  // The permanent buffer in the surface's own format, made at the first call and filled with the
  // picture it holds (waits for it). `require_dma_buf` as in MemoryAllocator; then it may be the
  // device's own buffer which the picture was decoded into, or become what later pictures are
  // decoded into. Without, the CPU may write to it: no picture that others may refer to is ever
  // decoded into it, and it is kUnsupported where one was, or the memory is not cached.
  struct Export {
    std::shared_ptr<SurfaceMemory> memory;
    LinearLayout layout;
  };
  Result<Export> export_memory(bool require_dma_buf);
  bool exported() const;

  // Waits for the picture, then packs `from` into an image at (0, 0); `out` has layout_of(format,
  // image_width, image_height). A surface that never held a picture reads as black.
  // kInvalidArgument: `from` is not inside the surface or the image, or the format differs in
  // depth.
  Status read(const Rect& from, ImageFormat format, const LinearLayout& layout, uint8_t* out) const;

  // PutImage: the surface's picture becomes a copy of its former one with `from` of the image
  // written at (to_x, to_y). No scaling.
  Status write(ImageFormat format, const LinearLayout& layout, const uint8_t* image,
               const Rect& from, uint32_t to_x, uint32_t to_y);

 private:
  void attach_output_pass(Picture& picture) const;
  void take_frame_memory();
  bool is_in_place(const Picture& picture) const;
  Status open_to_cpu();

  const std::shared_ptr<Core> core_;
  const SurfaceFormat format_;
  const uint32_t width_;
  const uint32_t height_;
  mutable std::mutex mutex_;
  std::shared_ptr<Picture> picture_;
  std::optional<Export> export_;
  bool cpu_writes_ = false;  // to what is exported
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SURFACE_H_
