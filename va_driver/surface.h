// Surfaces: creation, synchronisation and what went wrong in them.
#ifndef DAEDALUS_VA_DRIVER_SURFACE_H_
#define DAEDALUS_VA_DRIVER_SURFACE_H_

#include <va/va.h>

#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "decode_core/surface.h"

namespace daedalus::va {

class Context;
class Display;
struct ChainState;

// A client's surface. It outlives its context, which it needs for nothing.
struct Surface {
  Surface(std::shared_ptr<core::Core> core, core::SurfaceFormat format, uint32_t width,
          uint32_t height)
      : pixels(std::move(core), format, width, height) {}

  // The picture that `context` decodes into this surface and what it leaves to later ones, which
  // refer to `reference`: the same picture, or, of a grained one, that without grain.
  void set_target(std::shared_ptr<core::Picture> picture, std::shared_ptr<core::Picture> reference,
                  std::shared_ptr<const ChainState> state, std::weak_ptr<Context> context);
  // The picture that later ones refer to by this surface; null before the first.
  std::shared_ptr<core::Picture> reference() const;
  std::shared_ptr<const ChainState> state() const;
  // The context that decoded the last picture, if it still exists.
  std::shared_ptr<Context> context() const;

  // A derived image shows the permanent buffer, while the surface's own pixels are its picture.
  // note_derived_map: the client may have written into the buffer.
  // take_derived_writes: if it has, the picture becomes what the client wrote.
  void note_derived_map();
  Status take_derived_writes();

  // The list that vaQuerySurfaceError hands out; stays valid until the next call.
  VASurfaceDecodeMBErrors* list_errors();

  core::Surface pixels;

 private:
  mutable std::mutex mutex_;
  std::weak_ptr<Context> context_;
  std::shared_ptr<core::Picture> target_;     // that of set_target
  std::shared_ptr<core::Picture> reference_;  // of target_
  std::shared_ptr<const ChainState> state_;
  bool derived_mapped_ = false;
  std::vector<VASurfaceDecodeMBErrors> errors_;
};

// The image format of the same layout as the surface.
core::ImageFormat image_format_of(core::SurfaceFormat format);

VAStatus create_surfaces(Display& display, int width, int height, int rt_format, int count,
                         VASurfaceID* surfaces);
// Unknown attributes are accepted. All or none are made.
VAStatus create_surfaces2(Display& display, unsigned int rt_format, unsigned int width,
                          unsigned int height, VASurfaceID* surfaces, unsigned int count,
                          VASurfaceAttrib* attributes, unsigned int attribute_count);
// All or none are destroyed. Pictures under way go on; references stay alive.
VAStatus destroy_surfaces(Display& display, VASurfaceID* surfaces, int count);

VAStatus sync_surface(Display& display, VASurfaceID surface);
VAStatus sync_surface2(Display& display, VASurfaceID surface, uint64_t timeout_ns);
VAStatus query_surface_status(Display& display, VASurfaceID surface, VASurfaceStatus* status);
// Concealed macroblocks of a finished picture, for error_status VA_STATUS_ERROR_DECODING_ERROR.
VAStatus query_surface_error(Display& display, VASurfaceID surface, VAStatus error_status,
                             void** error_info);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_SURFACE_H_
