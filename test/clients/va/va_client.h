// VaClient: decodes the jobs of one stream through a VA driver, the way a chosen kind of client
// would, and reads the pictures back. It needs neither libva nor a DRM node.
#ifndef DAEDALUS_TEST_CLIENTS_VA_VA_CLIENT_H_
#define DAEDALUS_TEST_CLIENTS_VA_VA_CLIENT_H_

#include <va/va.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/image.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"
#include "test/clients/va/client_style.h"
#include "test/clients/va/display.h"
#include "test/clients/va/permanent_view.h"
#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {

// The profile a client asks for to decode this job; kUnsupported: VA has none.
Result<core::Profile> profile_of(const core::DecodeJob& job);
VAProfile va_profile(core::Profile profile);
// VA_RT_FORMAT_YUV420 or, of profiles of 10 bits alone, VA_RT_FORMAT_YUV420_10.
unsigned int rt_format_of(VAProfile profile);
// That of the job's depth.
unsigned int rt_format_of(const core::DecodeJob& job);

// One stream. Not thread-safe; several may share a display, each on its own thread.
class VaClient {
 public:
  // Loads the driver from a file, on a display of its own.
  static Result<std::unique_ptr<VaClient>> open(const std::string& driver_path,
                                                const ClientStyle& style);
  VaClient(std::shared_ptr<Display> display, const ClientStyle& style);
  // Destroys the context, then the configuration, then the surfaces, as ffmpeg does.
  ~VaClient();
  VaClient(const VaClient&) = delete;
  VaClient& operator=(const VaClient&) = delete;

  // A new configuration and context for pictures of this size (luma samples); the old ones are
  // destroyed, the surfaces that hold pictures live on. decode() calls it when a job needs it.
  Status configure(core::Profile profile, unsigned int rt_format, uint32_t width, uint32_t height);
  // Destroys context and configuration only.
  void close_context();

  // The job's pictures are identities: each stands for a surface from its first mention until the
  // last shared_ptr to it is gone, when the surface is used again.
  Status decode(const core::DecodeJob& job);

  // Waits for the picture, whatever the style.
  Status sync(const core::Picture& picture);

  // The `visible` part of the picture in `format`: plane after plane, no padding; chroma planes are
  // half as wide and high, rounded up. 8-bit pictures: kNv12, kI420, kYv12; 10-bit ones: kP010.
  // kNotFound: the picture was never the target or a reference of a job.
  Status read(const core::Picture& picture, const core::Rect& visible, core::ImageFormat format,
              std::vector<uint8_t>& out);

  // The whole picture by vaGetImage into an image of the client's that is used again and again, as
  // stock ffmpeg's are. Nobody sees it: for measurements.
  Status get_image(const core::Picture& picture, core::ImageFormat format);

  // VA_INVALID_SURFACE where the picture has none.
  VASurfaceID surface_of(const core::Picture& picture) const;
  Display& display() { return *display_; }
  VAContextID context() const { return context_; }
  const ClientStyle& style() const { return style_; }
  // Exports that gave a dma-buf, and those that had to be derived instead.
  int exports() const { return exports_; }
  int exports_derived() const { return exports_derived_; }
  // Contexts made so far.
  int contexts_created() const { return contexts_created_; }

 private:
  struct Surface {
    VASurfaceID id = VA_INVALID_SURFACE;
    uint32_t rt_format = 0;
    uint32_t width = 0, height = 0;
    uint64_t picture_id = 0;  // 0: never used
    std::weak_ptr<core::Picture> picture;
    std::unique_ptr<PermanentView> permanent;
  };

  Status probe(VAProfile profile);
  Status create_surfaces(uint32_t count);
  Result<VASurfaceID> assign_surface(const std::shared_ptr<core::Picture>& picture);
  // Of the present size and format.
  bool fits(const Surface& surface) const;
  std::vector<VASurfaceID> free_surfaces() const;
  void destroy_stale_surfaces();
  const Surface* find(const core::Picture& picture) const;
  Surface* find(const core::Picture& picture);
  // Makes `permanent`, once. Where the driver has no dma-buf to export (OPERATION_FAILED), the same
  // buffer is derived: it is made, filled and waited for in the same way.
  Status export_surface(Surface& surface);

  Result<VABufferID> create_buffer(const ParameterBuffer& buffer);
  Result<std::vector<VABufferID>> create_buffers(const std::vector<ParameterBuffer>& buffers);
  void destroy_buffers(const std::vector<VABufferID>& buffers);
  Status render(const std::vector<VABufferID>& buffers);
  Status submit(VASurfaceID target, const PictureBuffers& buffers);
  Status render_picture(VASurfaceID target, const std::vector<VABufferID>& picture,
                        const std::vector<VABufferID>& slices);

  Status read_exported(Surface& surface, const core::Rect& visible, core::ImageFormat format,
                       std::vector<uint8_t>& out);
  void destroy_image();
  Status read_image(const Surface& surface, const core::Rect& visible, core::ImageFormat format,
                    std::vector<uint8_t>& out);

  std::shared_ptr<Display> display_;
  const ClientStyle style_;
  BufferBuilder builder_;
  bool probed_ = false;
  core::Profile profile_{};
  uint32_t width_ = 0, height_ = 0;
  uint32_t rt_format_ = 0;
  VAImage image_{};  // get_image()'s; width 0: none yet
  VAConfigID config_ = VA_INVALID_ID;
  VAContextID context_ = VA_INVALID_ID;
  int contexts_created_ = 0;
  int exports_ = 0;
  int exports_derived_ = 0;
  std::vector<Surface> surfaces_;
};

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_VA_CLIENT_H_
