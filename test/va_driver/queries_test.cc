// What a client asks before it decodes: the table, profiles, attributes, limits.
#include <va/va_drmcommon.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "test/catch.h"
#include "test/va_driver/driver_under_test.h"

namespace daedalus::test {
namespace {

constexpr int kGarbage = 32'659;  // what ffmpeg has in its counter

const std::array kProfiles = {
    VAProfileMPEG2Simple, VAProfileMPEG2Main,   VAProfileH264ConstrainedBaseline,
    VAProfileH264Main,    VAProfileH264High,    VAProfileVP8Version0_3,
    VAProfileVP9Profile0, VAProfileVP9Profile2, VAProfileHEVCMain,
    VAProfileHEVCMain10,  VAProfileAV1Profile0};

// A type may be one that our headers do not know.
VAConfigAttrib config_attribute(int type, uint32_t value) {
  VAConfigAttrib attrib{};
  std::memcpy(&attrib.type, &type, sizeof type);
  attrib.value = value;
  return attrib;
}

uint32_t attribute(DriverUnderTest& driver, VAProfile profile, int type) {
  VAConfigAttrib attrib = config_attribute(type, 12'345);
  CHECK(driver.call(&VADriverVTable::vaGetConfigAttributes, profile, VAEntrypointVLD, &attrib, 1) ==
        VA_STATUS_SUCCESS);
  return attrib.value;
}

TEST_CASE("driver: the table is full but for vaSyncBuffer, and the limits are not 0") {
  DriverUnderTest driver;
  REQUIRE(driver.started);
  // libva's check ends with vaExportSurfaceHandle; its later slots are ours to choose.
  const auto* slots = reinterpret_cast<void* const*>(&driver.table);
  const size_t sync_buffer = offsetof(VADriverVTable, vaSyncBuffer) / sizeof(void*);
  const size_t end = offsetof(VADriverVTable, vaCopy) / sizeof(void*) + 1;
  for (size_t i = 0; i < end; ++i) {
    INFO("slot " << i);
    CHECK((slots[i] == nullptr) == (i == sync_buffer));
  }
  CHECK(driver.context.max_profiles == int{kProfiles.size()});
  CHECK(driver.context.max_entrypoints > 0);
  CHECK(driver.context.max_attributes > 0);
  CHECK(driver.context.max_image_formats >= 4);
  CHECK(driver.context.max_subpic_formats > 0);
  CHECK(driver.context.max_display_attributes > 0);
  CHECK(driver.context.vtable_vpp == nullptr);
  CHECK(std::string(driver.context.str_vendor).rfind("Daedalus ", 0) == 0);
}

TEST_CASE("driver: what it does not do, it says; after vaTerminate nothing answers") {
  DriverUnderTest driver;
  CHECK(driver.call(&VADriverVTable::vaPutSurface, VASurfaceID{1}, nullptr, short{0}, short{0},
                    (unsigned short)1, (unsigned short)1, short{0}, short{0}, (unsigned short)1,
                    (unsigned short)1, nullptr, 0u, 0u) == VA_STATUS_ERROR_UNIMPLEMENTED);
  VAConfigID config = driver.config(VAProfileH264High);
  CHECK(driver.call(&VADriverVTable::vaTerminate) == VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaDestroyConfig, config) == VA_STATUS_ERROR_INVALID_DISPLAY);
}

TEST_CASE("queries: the profiles, entrypoint VLD each, whatever the counters held") {
  DriverUnderTest driver;
  std::vector<VAProfile> profiles(driver.context.max_profiles);
  int count = kGarbage;
  REQUIRE(driver.call(&VADriverVTable::vaQueryConfigProfiles, profiles.data(), &count) ==
          VA_STATUS_SUCCESS);
  CHECK(count == int{kProfiles.size()});
  for (VAProfile profile : kProfiles) {
    CHECK(std::count(profiles.begin(), profiles.end(), profile) == 1);
    VAEntrypoint entrypoint{};
    count = -kGarbage;
    REQUIRE(driver.call(&VADriverVTable::vaQueryConfigEntrypoints, profile, &entrypoint, &count) ==
            VA_STATUS_SUCCESS);
    CHECK(count == 1);
    CHECK(entrypoint == VAEntrypointVLD);
  }
  VAEntrypoint entrypoint{};
  CHECK(driver.call(&VADriverVTable::vaQueryConfigEntrypoints, VAProfileHEVCMain444, &entrypoint,
                    &count) == VA_STATUS_ERROR_UNSUPPORTED_PROFILE);
}

TEST_CASE("queries: config attributes") {
  DriverUnderTest driver;
  CHECK(attribute(driver, VAProfileH264Main, VAConfigAttribRTFormat) == VA_RT_FORMAT_YUV420);
  CHECK(attribute(driver, VAProfileVP9Profile2, VAConfigAttribRTFormat) == VA_RT_FORMAT_YUV420_10);
  CHECK(attribute(driver, VAProfileAV1Profile0, VAConfigAttribRTFormat) ==
        (VA_RT_FORMAT_YUV420 | VA_RT_FORMAT_YUV420_10));
  CHECK(attribute(driver, VAProfileVP8Version0_3, VAConfigAttribDecSliceMode) ==
        VA_DEC_SLICE_MODE_NORMAL);
  CHECK(attribute(driver, VAProfileMPEG2Main, VAConfigAttribMaxPictureWidth) >= 1920);
  CHECK(attribute(driver, VAProfileMPEG2Main, VAConfigAttribMaxPictureHeight) >= 1080);
  CHECK(attribute(driver, VAProfileH264Main, VAConfigAttribEncPackedHeaders) ==
        VA_ATTRIB_NOT_SUPPORTED);
  CHECK(attribute(driver, VAProfileH264Main, 9999) == VA_ATTRIB_NOT_SUPPORTED);

  VAConfigAttrib attrib{VAConfigAttribRTFormat, 0};
  CHECK(driver.call(&VADriverVTable::vaGetConfigAttributes, VAProfileHEVCMain444, VAEntrypointVLD,
                    &attrib, 1) == VA_STATUS_ERROR_UNSUPPORTED_PROFILE);
  CHECK(driver.call(&VADriverVTable::vaGetConfigAttributes, VAProfileH264Main, VAEntrypointEncSlice,
                    &attrib, 1) == VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT);
  CHECK(driver.call(&VADriverVTable::vaGetConfigAttributes, VAProfileH264Main, VAEntrypointVLD,
                    nullptr, 1) == VA_STATUS_ERROR_INVALID_PARAMETER);
}

TEST_CASE("configs: unknown attributes are accepted, a format that cannot be is not") {
  DriverUnderTest driver;
  VAConfigID id = 0;
  const auto create = [&](VAProfile profile, VAEntrypoint entrypoint, VAConfigAttrib attrib) {
    return driver.call(&VADriverVTable::vaCreateConfig, profile, entrypoint, &attrib, 1, &id);
  };
  CHECK(create(VAProfileH264Main, VAEntrypointVLD,
               config_attribute(VAConfigAttribRTFormat, VA_RT_FORMAT_YUV420)) == VA_STATUS_SUCCESS);
  CHECK(create(VAProfileH264Main, VAEntrypointVLD, config_attribute(9999, 1)) == VA_STATUS_SUCCESS);
  CHECK(create(VAProfileH264Main, VAEntrypointVLD,
               config_attribute(VAConfigAttribRTFormat, VA_RT_FORMAT_YUV444)) ==
        VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT);
  CHECK(id == VA_INVALID_ID);
  CHECK(create(VAProfileH264Main, VAEntrypointEncSlice,
               config_attribute(VAConfigAttribRTFormat, 1)) ==
        VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT);
  CHECK(create(VAProfileNone, VAEntrypointVideoProc, config_attribute(VAConfigAttribRTFormat, 1)) ==
        VA_STATUS_ERROR_UNSUPPORTED_PROFILE);
}

TEST_CASE("configs: what vaQueryConfigAttributes tells") {
  DriverUnderTest driver;
  const VAConfigID config = driver.config(VAProfileVP9Profile2);
  VAProfile profile{};
  VAEntrypoint entrypoint{};
  std::vector<VAConfigAttrib> attributes(driver.context.max_attributes);
  int count = kGarbage;
  REQUIRE(driver.call(&VADriverVTable::vaQueryConfigAttributes, config, &profile, &entrypoint,
                      attributes.data(), &count) == VA_STATUS_SUCCESS);
  CHECK(profile == VAProfileVP9Profile2);
  CHECK(entrypoint == VAEntrypointVLD);
  REQUIRE(count <= driver.context.max_attributes);
  CHECK(attributes[0].type == VAConfigAttribRTFormat);
  CHECK(attributes[0].value == VA_RT_FORMAT_YUV420_10);
  CHECK(driver.call(&VADriverVTable::vaDestroyConfig, config) == VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaDestroyConfig, config) == VA_STATUS_ERROR_INVALID_CONFIG);
  CHECK(driver.call(&VADriverVTable::vaQueryConfigAttributes, config, &profile, &entrypoint,
                    attributes.data(), &count) == VA_STATUS_ERROR_INVALID_CONFIG);
}

TEST_CASE("queries: surface attributes, counted with garbage first") {
  DriverUnderTest driver;
  const VAConfigID config = driver.config(VAProfileVP9Profile2);
  unsigned int count = kGarbage;
  REQUIRE(driver.call(&VADriverVTable::vaQuerySurfaceAttributes, config, nullptr, &count) ==
          VA_STATUS_SUCCESS);
  REQUIRE(count >= 6);
  REQUIRE(count < 32);
  std::vector<VASurfaceAttrib> attributes(count);
  unsigned int few = count - 1;
  CHECK(driver.call(&VADriverVTable::vaQuerySurfaceAttributes, config, attributes.data(), &few) ==
        VA_STATUS_ERROR_MAX_NUM_EXCEEDED);
  CHECK(few == count);
  REQUIRE(driver.call(&VADriverVTable::vaQuerySurfaceAttributes, config, attributes.data(),
                      &count) == VA_STATUS_SUCCESS);
  const auto value = [&](VASurfaceAttribType type) {
    const auto at = std::find_if(attributes.begin(), attributes.end(),
                                 [&](const VASurfaceAttrib& one) { return one.type == type; });
    return at == attributes.end() ? -1 : at->value.value.i;
  };
  CHECK(value(VASurfaceAttribPixelFormat) == int{VA_FOURCC_P010});
  CHECK(value(VASurfaceAttribMemoryType) ==
        (VA_SURFACE_ATTRIB_MEM_TYPE_VA | VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2));
  CHECK(value(VASurfaceAttribMinWidth) > 0);
  CHECK(value(VASurfaceAttribMaxWidth) >= 3840);
  CHECK(value(VASurfaceAttribMaxHeight) >= 2160);
}

TEST_CASE("contexts: sizes, configs and targets that cannot be are refused by name") {
  DriverUnderTest driver;
  const VAConfigID config = driver.config(VAProfileH264High);
  VAContextID id = 0;
  const auto create = [&](VAConfigID of, int width, int height, VASurfaceID* targets, int count) {
    return driver.call(&VADriverVTable::vaCreateContext, of, width, height, VA_PROGRESSIVE, targets,
                       count, &id);
  };
  CHECK(create(config, 1920, 1080, nullptr, 0) == VA_STATUS_SUCCESS);
  CHECK(create(VA_INVALID_ID, 1920, 1080, nullptr, 0) == VA_STATUS_ERROR_INVALID_CONFIG);
  CHECK(id == VA_INVALID_ID);
  CHECK(create(config, 0, 1080, nullptr, 0) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  CHECK(create(config, -1, 1080, nullptr, 0) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  CHECK(create(config, 100'000, 1080, nullptr, 0) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  std::array<VASurfaceID, 2> targets = {driver.surface(), 12'345};
  CHECK(create(config, 64, 64, targets.data(), 1) == VA_STATUS_SUCCESS);
  CHECK(create(config, 64, 64, targets.data(), 2) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(create(config, 64, 64, nullptr, 1) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(driver.call(&VADriverVTable::vaDestroyContext, id) == VA_STATUS_ERROR_INVALID_CONTEXT);
}

TEST_CASE("display attributes: one to read, none to set; no subpictures") {
  DriverUnderTest driver;
  std::vector<VADisplayAttribute> attributes(driver.context.max_display_attributes);
  int count = kGarbage;
  REQUIRE(driver.call(&VADriverVTable::vaQueryDisplayAttributes, attributes.data(), &count) ==
          VA_STATUS_SUCCESS);
  REQUIRE(count >= 1);
  REQUIRE(count <= driver.context.max_display_attributes);
  CHECK((attributes[0].flags & VA_DISPLAY_ATTRIB_GETTABLE) != 0);
  CHECK(driver.call(&VADriverVTable::vaGetDisplayAttributes, attributes.data(), 1) ==
        VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaSetDisplayAttributes, attributes.data(), 1) ==
        VA_STATUS_ERROR_ATTR_NOT_SUPPORTED);
  VADisplayAttribute hue{};
  hue.type = VADisplayAttribHue;
  hue.flags = ~0u;
  CHECK(driver.call(&VADriverVTable::vaGetDisplayAttributes, &hue, 1) == VA_STATUS_SUCCESS);
  CHECK(hue.type == VADisplayAttribHue);
  CHECK(hue.flags == VA_DISPLAY_ATTRIB_NOT_SUPPORTED);

  VAImageFormat format{};
  unsigned int flags = 0, formats = kGarbage;
  CHECK(driver.call(&VADriverVTable::vaQuerySubpictureFormats, &format, &flags, &formats) ==
        VA_STATUS_SUCCESS);
  CHECK(formats == 0);
}

TEST_CASE("driver: two displays know nothing of each other") {
  DriverUnderTest one, other;
  const VASurfaceID surface = one.surface();
  CHECK(one.sync(surface) == VA_STATUS_SUCCESS);
  CHECK(other.sync(surface) == VA_STATUS_ERROR_INVALID_SURFACE);
}

TEST_CASE("driver: a refusal says why through libva's callback") {
  static std::string said;
  DriverUnderTest driver;
  driver.context.info_callback = [](VADriverContextP, const char* message) { said = message; };
  VASurfaceID id = 0;
  driver.call(&VADriverVTable::vaCreateSurfaces2, unsigned{VA_RT_FORMAT_YUV420}, 0u, 64u, &id, 1u,
              nullptr, 0u);
  CHECK_THAT(said, Catch::Matchers::ContainsSubstring("0x64"));
  CHECK(said.back() == '\n');
}

}  // namespace
}  // namespace daedalus::test
