#include "va_driver/config.h"

#include <va/va_drmcommon.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/enum_value.h"
#include "va_driver/display.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

uint32_t rt_format_of_capability(const core::ProfileCapability& capability) {
  return rt_format_of(capability.bit_depth > 8 ? core::SurfaceFormat::kP010
                                               : core::SurfaceFormat::kNv12);
}

// A profile is listed once for each depth that it has. nullopt: the core does not know it.
std::optional<Config> config_of(const Display& display, int profile) {
  std::optional<Config> config;
  for (const core::ProfileCapability& capability : display.core()->capabilities()) {
    const VAProfile listed = va_profile_of(capability.profile);
    if (listed != profile) continue;
    if (!config) config = Config{listed, capability, 0};
    config->rt_formats |= rt_format_of_capability(capability);
  }
  return config;
}

VAStatus check(int entrypoint, const std::optional<Config>& config) {
  if (!config) return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
  return entrypoint == VAEntrypointVLD ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT;
}

std::array<VAConfigAttrib, kMaxConfigAttributes> attributes_of(const Config& config) {
  return {{{VAConfigAttribRTFormat, config.rt_formats},
           {VAConfigAttribDecSliceMode, VA_DEC_SLICE_MODE_NORMAL},
           {VAConfigAttribMaxPictureWidth, config.capability.max_width},
           {VAConfigAttribMaxPictureHeight, config.capability.max_height}}};
}

VASurfaceAttrib surface_attribute(VASurfaceAttribType type, uint32_t flags, uint32_t value) {
  VASurfaceAttrib attribute{};
  attribute.type = type;
  attribute.flags = flags;
  attribute.value.type = VAGenericValueTypeInteger;
  attribute.value.value.i = static_cast<int>(value);
  return attribute;
}

}  // namespace

uint32_t rt_format_of(core::SurfaceFormat format) {
  return format == core::SurfaceFormat::kP010 ? VA_RT_FORMAT_YUV420_10 : VA_RT_FORMAT_YUV420;
}

std::vector<VAProfile> config_profiles(const Display& display) {
  std::vector<VAProfile> profiles;
  for (const core::ProfileCapability& capability : display.core()->capabilities()) {
    const VAProfile profile = va_profile_of(capability.profile);
    if (std::find(profiles.begin(), profiles.end(), profile) == profiles.end()) {
      profiles.push_back(profile);
    }
  }
  return profiles;
}

VAStatus query_config_profiles(Display& display, VAProfile* profiles, int* count) {
  if (!profiles || !count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  const std::vector<VAProfile> known = config_profiles(display);
  std::copy(known.begin(), known.end(), profiles);
  *count = static_cast<int>(known.size());
  return VA_STATUS_SUCCESS;
}

VAStatus query_config_entrypoints(Display& display, int profile, VAEntrypoint* entrypoints,
                                  int* count) {
  if (!entrypoints || !count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  *count = 0;
  if (!config_of(display, profile)) return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
  entrypoints[(*count)++] = VAEntrypointVLD;
  return VA_STATUS_SUCCESS;
}

VAStatus get_config_attributes(Display& display, int profile, int entrypoint,
                               VAConfigAttrib* attributes, int count) {
  if (count < 0 || (count > 0 && !attributes)) return VA_STATUS_ERROR_INVALID_PARAMETER;
  const auto config = config_of(display, profile);
  if (VAStatus status = check(entrypoint, config)) return status;
  const auto known = attributes_of(*config);
  for (int i = 0; i < count; ++i) {
    const auto match = std::find_if(known.begin(), known.end(), [&](const VAConfigAttrib& one) {
      return one.type == plain(attributes[i].type);
    });
    attributes[i].value = match == known.end() ? VA_ATTRIB_NOT_SUPPORTED : match->value;
  }
  return VA_STATUS_SUCCESS;
}

VAStatus create_config(Display& display, int profile, int entrypoint, VAConfigAttrib* attributes,
                       int count, VAConfigID* config) {
  if (!config || count < 0 || (count > 0 && !attributes)) return VA_STATUS_ERROR_INVALID_PARAMETER;
  *config = VA_INVALID_ID;
  const auto chosen = config_of(display, profile);
  if (VAStatus status = check(entrypoint, chosen)) return status;
  for (int i = 0; i < count; ++i) {
    if (plain(attributes[i].type) == VAConfigAttribRTFormat &&
        !(attributes[i].value & chosen->rt_formats)) {
      return refuse(VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT,
                    "profile %d decodes to render target format 0x%x, not 0x%x", profile,
                    chosen->rt_formats, attributes[i].value);
    }
  }
  const auto id = display.insert(std::make_shared<Config>(*chosen));
  if (!id) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
  *config = *id;
  return VA_STATUS_SUCCESS;
}

VAStatus destroy_config(Display& display, VAConfigID config) {
  return display.remove<Config>(config) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_CONFIG;
}

VAStatus query_config_attributes(Display& display, VAConfigID config, VAProfile* profile,
                                 VAEntrypoint* entrypoint, VAConfigAttrib* attributes, int* count) {
  const auto object = display.find<Config>(config);
  if (!object) return VA_STATUS_ERROR_INVALID_CONFIG;
  if (profile) *profile = object->profile;
  if (entrypoint) *entrypoint = VAEntrypointVLD;
  const auto known = attributes_of(*object);
  if (attributes) std::copy(known.begin(), known.end(), attributes);
  if (count) *count = static_cast<int>(known.size());
  return VA_STATUS_SUCCESS;
}

VAStatus query_surface_attributes(Display& display, VAConfigID config, VASurfaceAttrib* attributes,
                                  unsigned int* count) {
  const auto object = display.find<Config>(config);
  if (!object) return VA_STATUS_ERROR_INVALID_CONFIG;
  if (!count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  const core::ProfileCapability& capability = object->capability;
  constexpr uint32_t kGet = VA_SURFACE_ATTRIB_GETTABLE;
  constexpr uint32_t kGetSet = VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE;
  std::vector<VASurfaceAttrib> known;
  for (const auto& [rt_format, fourcc] : {std::pair{VA_RT_FORMAT_YUV420, VA_FOURCC_NV12},
                                          std::pair{VA_RT_FORMAT_YUV420_10, VA_FOURCC_P010}}) {
    if ((object->rt_formats & static_cast<uint32_t>(rt_format)) == 0) continue;
    known.push_back(
        surface_attribute(VASurfaceAttribPixelFormat, kGetSet, static_cast<uint32_t>(fourcc)));
  }
  known.insert(
      known.end(),
      {surface_attribute(VASurfaceAttribMinWidth, kGet, capability.min_width),
       surface_attribute(VASurfaceAttribMaxWidth, kGet, capability.max_width),
       surface_attribute(VASurfaceAttribMinHeight, kGet, capability.min_height),
       surface_attribute(VASurfaceAttribMaxHeight, kGet, capability.max_height),
       surface_attribute(VASurfaceAttribMemoryType, kGetSet,
                         VA_SURFACE_ATTRIB_MEM_TYPE_VA | VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2)});
  const unsigned int room = *count;
  *count = static_cast<unsigned int>(known.size());
  if (!attributes) return VA_STATUS_SUCCESS;
  if (room < known.size()) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
  std::copy(known.begin(), known.end(), attributes);
  return VA_STATUS_SUCCESS;
}

}  // namespace daedalus::va
