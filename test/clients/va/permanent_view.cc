#include "test/clients/va/permanent_view.h"

#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace daedalus::va_client {
namespace {

constexpr uint32_t fourcc(char a, char b, char c, char d) {
  return static_cast<uint32_t>(a) | static_cast<uint32_t>(b) << 8 | static_cast<uint32_t>(c) << 16 |
         static_cast<uint32_t>(d) << 24;
}

// drm_fourcc.h
constexpr uint32_t kDrmNv12 = fourcc('N', 'V', '1', '2');
constexpr uint32_t kDrmP010 = fourcc('P', '0', '1', '0');
constexpr uint32_t kDrmR8 = fourcc('R', '8', ' ', ' ');
constexpr uint32_t kDrmGr88 = fourcc('G', 'R', '8', '8');
constexpr uint32_t kDrmR16 = fourcc('R', '1', '6', ' ');
constexpr uint32_t kDrmGr1616 = fourcc('G', 'R', '3', '2');
constexpr uint64_t kDrmModifierLinear = 0;

struct PlanePlace {
  uint32_t offset = 0;
  uint32_t pitch = 0;
};

Error wrong(const std::string& what) {
  return {ErrorCode::kInternal, "vaExportSurfaceHandle: " + what};
}

Result<std::array<PlanePlace, 2>> planes_of(const VADRMPRIMESurfaceDescriptor& d, uint32_t flags) {
  const bool ten_bit = d.fourcc == VA_FOURCC_P010;
  std::array<PlanePlace, 2> planes;
  if (flags & VA_EXPORT_SURFACE_COMPOSED_LAYERS) {
    if (d.num_layers != 1 || d.layers[0].num_planes != 2) return wrong("not one layer of 2 planes");
    if (d.layers[0].drm_format != (ten_bit ? kDrmP010 : kDrmNv12)) return wrong("layer format");
    for (uint32_t i = 0; i < 2; ++i) {
      if (d.layers[0].object_index[i] != 0) return wrong("object index");
      planes[i] = {d.layers[0].offset[i], d.layers[0].pitch[i]};
    }
    return planes;
  }
  if (d.num_layers != 2) return wrong("not two layers");
  const std::array<uint32_t, 2> formats =
      ten_bit ? std::array{kDrmR16, kDrmGr1616} : std::array{kDrmR8, kDrmGr88};
  for (uint32_t i = 0; i < 2; ++i) {
    if (d.layers[i].num_planes != 1) return wrong("a separate layer of several planes");
    if (d.layers[i].drm_format != formats[i]) return wrong("layer format");
    if (d.layers[i].object_index[0] != 0) return wrong("object index");
    planes[i] = {d.layers[i].offset[0], d.layers[i].pitch[0]};
  }
  return planes;
}

Status check_descriptor(const VADRMPRIMESurfaceDescriptor& d, uint32_t flags) {
  if (d.fourcc != VA_FOURCC_NV12 && d.fourcc != VA_FOURCC_P010) return wrong("fourcc");
  if (d.num_objects != 1) return wrong("not one object");
  if (d.objects[0].drm_format_modifier != kDrmModifierLinear) return wrong("not linear");
  const Result<std::array<PlanePlace, 2>> planes = planes_of(d, flags);
  if (!planes) return planes.error();
  const uint32_t bytes = d.fourcc == VA_FOURCC_P010 ? 2 : 1;
  const std::array<uint32_t, 2> widths = {d.width * bytes, (d.width + 1) / 2 * 2 * bytes};
  const std::array<uint32_t, 2> heights = {d.height, (d.height + 1) / 2};
  for (size_t i = 0; i < 2; ++i) {
    const PlanePlace& plane = (*planes)[i];
    const uint64_t end = plane.offset + uint64_t{plane.pitch} * (heights[i] - 1) + widths[i];
    if (plane.pitch < widths[i] || end > d.objects[0].size)
      return wrong("a plane out of its object");
  }
  return {};
}

void bracket(int fd, uint64_t flags) {
  dma_buf_sync sync{};
  sync.flags = flags | DMA_BUF_SYNC_READ;
  // A memfd answers ENOTTY and needs no bracket.
  (void)::ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
}

}  // namespace

Result<std::unique_ptr<ExportedSurface>> ExportedSurface::open(Display& display,
                                                               VASurfaceID surface, uint32_t flags,
                                                               VAStatus* status) {
  VADRMPRIMESurfaceDescriptor descriptor{};
  *status =
      display.call(&VADriverVTable::vaExportSurfaceHandle, surface,
                   VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2, flags, static_cast<void*>(&descriptor));
  if (Status exported = display.check(*status, "vaExportSurfaceHandle"); !exported)
    return exported.error();
  // Everything is closed, whatever the descriptor says.
  std::vector<UniqueFd> fds;
  for (uint32_t i = 0; i < descriptor.num_objects && i < 4; ++i)
    fds.emplace_back(descriptor.objects[i].fd);
  if (Status valid = check_descriptor(descriptor, flags); !valid) return valid.error();
  Result<Mapping> mapping = Mapping::map(fds[0].get(), descriptor.objects[0].size, 0, false);
  if (!mapping) return mapping.error();
  return std::unique_ptr<ExportedSurface>(
      new ExportedSurface(descriptor, std::move(fds[0]), std::move(mapping).value()));
}

PixelView ExportedSurface::pixels() const {
  PixelView view;
  view.format =
      descriptor_.fourcc == VA_FOURCC_P010 ? core::ImageFormat::kP010 : core::ImageFormat::kNv12;
  view.width = descriptor_.width;
  view.height = descriptor_.height;
  const bool composed = descriptor_.num_layers == 1;
  for (size_t i = 0; i < 2; ++i) {
    const auto& layer = descriptor_.layers[composed ? 0 : i];
    const size_t plane = composed ? i : 0;
    view.planes[i] = {mapping_.data() + layer.offset[plane], layer.pitch[plane]};
  }
  return view;
}

void ExportedSurface::begin_cpu_read() const { bracket(fd_.get(), DMA_BUF_SYNC_START); }
void ExportedSurface::end_cpu_read() const { bracket(fd_.get(), DMA_BUF_SYNC_END); }

Result<std::unique_ptr<DerivedSurface>> DerivedSurface::open(std::shared_ptr<Display> display,
                                                             VASurfaceID surface) {
  VAImage image{};
  if (Status derived = display->check(
          display->call(&VADriverVTable::vaDeriveImage, surface, &image), "vaDeriveImage");
      !derived)
    return derived.error();
  std::unique_ptr<DerivedSurface> view(new DerivedSurface(display, image));
  void* data = nullptr;
  if (Status mapped = display->check(display->call(&VADriverVTable::vaMapBuffer, image.buf, &data),
                                     "vaMapBuffer");
      !mapped)
    return mapped.error();
  view->data_ = static_cast<const uint8_t*>(data);
  return view;
}

DerivedSurface::~DerivedSurface() {
  if (data_) display_->call(&VADriverVTable::vaUnmapBuffer, image_.buf);
  display_->call(&VADriverVTable::vaDestroyImage, image_.image_id);
}

PixelView image_pixels(const VAImage& image, const uint8_t* data) {
  PixelView view;
  switch (image.format.fourcc) {
    case VA_FOURCC_NV12:
      view.format = core::ImageFormat::kNv12;
      break;
    case VA_FOURCC_I420:
      view.format = core::ImageFormat::kI420;
      break;
    case VA_FOURCC_YV12:
      view.format = core::ImageFormat::kYv12;
      break;
    case VA_FOURCC_P010:
      view.format = core::ImageFormat::kP010;
      break;
    default:
      return view;
  }
  view.width = image.width;
  view.height = image.height;
  for (uint32_t i = 0; i < image.num_planes && i < view.planes.size(); ++i)
    view.planes[i] = {data + image.offsets[i], image.pitches[i]};
  return view;
}

}  // namespace daedalus::va_client
