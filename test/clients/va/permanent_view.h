// A surface's permanent buffer as a client holds it: exported and mapped, or derived.
#ifndef DAEDALUS_TEST_CLIENTS_VA_PERMANENT_VIEW_H_
#define DAEDALUS_TEST_CLIENTS_VA_PERMANENT_VIEW_H_

#include <va/va.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "base/mapping.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "test/clients/va/display.h"
#include "test/clients/va/pixels.h"

namespace daedalus::va_client {

// An image's pixels at `data`; no planes if its format is not one of core::ImageFormat.
PixelView image_pixels(const VAImage& image, const uint8_t* data);

// Stays valid for as long as it lives, whatever is decoded into the surface.
class PermanentView {
 public:
  virtual ~PermanentView() = default;
  // The buffer as it is now. To be read between begin and end.
  virtual PixelView pixels() const = 0;
  virtual void begin_cpu_read() const {}
  virtual void end_cpu_read() const {}
};

class ExportedSurface : public PermanentView {
 public:
  // One DRM_PRIME_2 object in `layers` (VA_EXPORT_SURFACE_SEPARATE_LAYERS or _COMPOSED_LAYERS);
  // checks all that Firefox and Chromium check of the descriptor: one linear object, the layer
  // formats, planes inside the object. The surface may be destroyed afterwards. `status`: the
  // driver's answer.
  static Result<std::unique_ptr<ExportedSurface>> open(Display& display, VASurfaceID surface,
                                                       uint32_t flags, VAStatus* status);

  PixelView pixels() const override;
  // DMA_BUF_IOCTL_SYNC
  void begin_cpu_read() const override;
  void end_cpu_read() const override;
  const VADRMPRIMESurfaceDescriptor& descriptor() const { return descriptor_; }

 private:
  ExportedSurface(const VADRMPRIMESurfaceDescriptor& descriptor, UniqueFd fd, Mapping mapping)
      : descriptor_(descriptor), fd_(std::move(fd)), mapping_(std::move(mapping)) {}

  VADRMPRIMESurfaceDescriptor descriptor_;
  UniqueFd fd_;
  Mapping mapping_;
};

// vaDeriveImage, mapped for good.
class DerivedSurface : public PermanentView {
 public:
  static Result<std::unique_ptr<DerivedSurface>> open(std::shared_ptr<Display> display,
                                                      VASurfaceID surface);
  ~DerivedSurface() override;
  PixelView pixels() const override { return image_pixels(image_, data_); }

 private:
  DerivedSurface(std::shared_ptr<Display> display, const VAImage& image)
      : display_(std::move(display)), image_(image) {}

  std::shared_ptr<Display> display_;
  VAImage image_;
  const uint8_t* data_ = nullptr;
};

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_PERMANENT_VIEW_H_
