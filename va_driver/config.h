// Configs: which profiles there are, what they can do, and a client's choice of one.
#ifndef DAEDALUS_VA_DRIVER_CONFIG_H_
#define DAEDALUS_VA_DRIVER_CONFIG_H_

#include <va/va.h>

#include <vector>

#include "decode_core/core.h"
#include "decode_core/surface.h"

namespace daedalus::va {

class Display;

// Entrypoint VLD always.
struct Config {
  VAProfile profile;
  core::ProfileCapability capability;  // of the profile's first depth
  uint32_t rt_formats;                 // VA_RT_FORMAT_YUV420, VA_RT_FORMAT_YUV420_10 or both
};

// Profiles and entrypoints come as whatever number the client has.
inline constexpr int kMaxEntrypoints = 1;
inline constexpr int kMaxConfigAttributes = 4;

// VA_RT_FORMAT_YUV420 or VA_RT_FORMAT_YUV420_10.
uint32_t rt_format_of(core::SurfaceFormat format);

// Each once.
std::vector<VAProfile> config_profiles(const Display& display);
VAStatus query_config_profiles(Display& display, VAProfile* profiles, int* count);
VAStatus query_config_entrypoints(Display& display, int profile, VAEntrypoint* entrypoints,
                                  int* count);
// Attributes that mean nothing here come back as VA_ATTRIB_NOT_SUPPORTED.
VAStatus get_config_attributes(Display& display, int profile, int entrypoint,
                               VAConfigAttrib* attributes, int count);
// Only the render target format is looked at; what else the client asks for is accepted.
VAStatus create_config(Display& display, int profile, int entrypoint, VAConfigAttrib* attributes,
                       int count, VAConfigID* config);
VAStatus destroy_config(Display& display, VAConfigID config);
VAStatus query_config_attributes(Display& display, VAConfigID config, VAProfile* profile,
                                 VAEntrypoint* entrypoint, VAConfigAttrib* attributes, int* count);
// With no list `count` is only written, whatever it held.
VAStatus query_surface_attributes(Display& display, VAConfigID config, VASurfaceAttrib* attributes,
                                  unsigned int* count);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_CONFIG_H_
