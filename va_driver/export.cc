#include "va_driver/export.h"

#include <fcntl.h>

#include "va_driver/display.h"
#include "va_driver/status.h"
#include "va_driver/surface.h"

namespace daedalus::va {
namespace {

// Pixel formats of layers and the modifier, as in drm_fourcc.h.
constexpr uint32_t drm_fourcc(char a, char b, char c, char d) {
  return uint32_t(a) | uint32_t(b) << 8 | uint32_t(c) << 16 | uint32_t(d) << 24;
}
constexpr uint32_t kDrmR8 = drm_fourcc('R', '8', ' ', ' ');
constexpr uint32_t kDrmGr88 = drm_fourcc('G', 'R', '8', '8');
constexpr uint32_t kDrmR16 = drm_fourcc('R', '1', '6', ' ');
constexpr uint32_t kDrmGr1616 = drm_fourcc('G', 'R', '3', '2');
constexpr uint32_t kDrmNv12 = drm_fourcc('N', 'V', '1', '2');
constexpr uint32_t kDrmP010 = drm_fourcc('P', '0', '1', '0');
constexpr uint64_t kDrmModifierLinear = 0;

#ifdef VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_3
// PRIME_3 says the same and has room for more after it.
void write_prime3(const VADRMPRIMESurfaceDescriptor& from, void* to) {
  auto& out = *static_cast<VADRMPRIME3SurfaceDescriptor*>(to);
  out = {};
  out.fourcc = from.fourcc;
  out.width = from.width;
  out.height = from.height;
  out.num_objects = from.num_objects;
  out.objects[0].fd = from.objects[0].fd;
  out.objects[0].size = from.objects[0].size;
  out.objects[0].drm_format_modifier = from.objects[0].drm_format_modifier;
  out.num_layers = from.num_layers;
  for (uint32_t layer = 0; layer < from.num_layers; ++layer) {
    out.layers[layer].drm_format = from.layers[layer].drm_format;
    out.layers[layer].num_planes = from.layers[layer].num_planes;
    for (uint32_t plane = 0; plane < from.layers[layer].num_planes; ++plane) {
      out.layers[layer].object_index[plane] = from.layers[layer].object_index[plane];
      out.layers[layer].offset[plane] = from.layers[layer].offset[plane];
      out.layers[layer].pitch[plane] = from.layers[layer].pitch[plane];
    }
  }
}
#endif

bool is_known_type(uint32_t memory_type) {
#ifdef VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_3
  if (memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_3) return true;
#endif
  return memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2;
}

}  // namespace

VADRMPRIMESurfaceDescriptor describe_export(core::SurfaceFormat format, uint32_t width,
                                            uint32_t height, const core::LinearLayout& layout,
                                            uint32_t object_size, bool separate_layers, int fd) {
  const bool p010 = format == core::SurfaceFormat::kP010;
  VADRMPRIMESurfaceDescriptor out{};
  out.fourcc = p010 ? VA_FOURCC_P010 : VA_FOURCC_NV12;
  out.width = width;
  out.height = height;
  out.num_objects = 1;
  out.objects[0].fd = fd;
  out.objects[0].size = object_size;
  out.objects[0].drm_format_modifier = kDrmModifierLinear;
  if (separate_layers) {
    out.num_layers = 2;
    out.layers[0].drm_format = p010 ? kDrmR16 : kDrmR8;
    out.layers[1].drm_format = p010 ? kDrmGr1616 : kDrmGr88;
    for (uint32_t i = 0; i < 2; ++i) {
      out.layers[i].num_planes = 1;
      out.layers[i].offset[0] = layout.offset[i];
      out.layers[i].pitch[0] = layout.stride[i];
    }
    return out;
  }
  out.num_layers = 1;
  out.layers[0].drm_format = p010 ? kDrmP010 : kDrmNv12;
  out.layers[0].num_planes = 2;
  for (uint32_t i = 0; i < 2; ++i) {
    out.layers[0].offset[i] = layout.offset[i];
    out.layers[0].pitch[i] = layout.stride[i];
  }
  return out;
}

VAStatus export_surface_handle(Display& display, VASurfaceID surface, uint32_t memory_type,
                               uint32_t flags, void* descriptor) {
  const auto object = display.find<Surface>(surface);
  if (!object) return VA_STATUS_ERROR_INVALID_SURFACE;
  if (!descriptor) return VA_STATUS_ERROR_INVALID_PARAMETER;
  if (!is_known_type(memory_type)) {
    return refuse(VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE,
                  "surfaces are exported as DRM PRIME 2, not as memory type 0x%x", memory_type);
  }
  const bool separate = flags & VA_EXPORT_SURFACE_SEPARATE_LAYERS;
  if (separate && (flags & VA_EXPORT_SURFACE_COMPOSED_LAYERS)) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "an export has separate or composed layers");
  }
  auto exported = object->pixels.export_memory(true);
  if (!exported.ok()) {
    return refuse(VA_STATUS_ERROR_OPERATION_FAILED, "%s", exported.error().message.c_str());
  }
  const int fd = fcntl(exported->memory->fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return refuse(system_error("surface buffer: duplicating its descriptor"));
  const VADRMPRIMESurfaceDescriptor description = describe_export(
      object->pixels.format(), object->pixels.width(), object->pixels.height(), exported->layout,
      static_cast<uint32_t>(exported->memory->size()), separate, fd);
#ifdef VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_3
  if (memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_3) {
    write_prime3(description, descriptor);
    return VA_STATUS_SUCCESS;
  }
#endif
  *static_cast<VADRMPRIMESurfaceDescriptor*>(descriptor) = description;
  return VA_STATUS_SUCCESS;
}

}  // namespace daedalus::va
