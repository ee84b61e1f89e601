// ExportedSurface: a surface's permanent buffer, exported and mapped like an importer would.
#ifndef DAEDALUS_TEST_CLIENTS_VA_EXPORTED_SURFACE_H_
#define DAEDALUS_TEST_CLIENTS_VA_EXPORTED_SURFACE_H_

#include <va/va.h>

#include <memory>

#include "base/mapping.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "test/clients/va/display.h"
#include "test/clients/va/pixels.h"

namespace daedalus::va_client {

class ExportedSurface {
 public:
  // One DRM_PRIME_2 object in `layers` (VA_EXPORT_SURFACE_SEPARATE_LAYERS or _COMPOSED_LAYERS);
  // checks all that Firefox and Chromium check of the descriptor: one linear object, the layer
  // formats, planes inside the object. The surface may be destroyed afterwards.
  static Result<std::unique_ptr<ExportedSurface>> open(Display& display, VASurfaceID surface,
                                                       uint32_t flags);

  // The buffer as it is now. Bracketed for the CPU (DMA_BUF_IOCTL_SYNC) by begin and end.
  PixelView pixels() const;
  void begin_cpu_read() const;
  void end_cpu_read() const;
  const VADRMPRIMESurfaceDescriptor& descriptor() const { return descriptor_; }

 private:
  ExportedSurface(const VADRMPRIMESurfaceDescriptor& descriptor, UniqueFd fd, Mapping mapping)
      : descriptor_(descriptor), fd_(std::move(fd)), mapping_(std::move(mapping)) {}

  VADRMPRIMESurfaceDescriptor descriptor_;
  UniqueFd fd_;
  Mapping mapping_;
};

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_EXPORTED_SURFACE_H_
