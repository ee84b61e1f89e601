// Export: a surface's permanent buffer as a DRM PRIME descriptor.
#ifndef DAEDALUS_VA_DRIVER_EXPORT_H_
#define DAEDALUS_VA_DRIVER_EXPORT_H_

#include <va/va.h>
#include <va/va_drmcommon.h>

#include <cstdint>

#include "decode_core/surface.h"

namespace daedalus::va {

class Display;

// Works before the first picture. The buffer stays the same for the life of the surface; each call
// gives a descriptor of its own, which the client closes.
VAStatus export_surface_handle(Display& display, VASurfaceID surface, uint32_t memory_type,
                               uint32_t flags, void* descriptor);

// One object, modifier LINEAR. Layers: NV12 or P010 composed; R8 and GR88, or R16 and GR1616
// separate. `fd` is only noted.
VADRMPRIMESurfaceDescriptor describe_export(core::SurfaceFormat format, uint32_t width,
                                            uint32_t height, const core::LinearLayout& layout,
                                            uint32_t object_size, bool separate_layers, int fd);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_EXPORT_H_
