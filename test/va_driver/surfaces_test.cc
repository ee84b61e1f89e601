// Surfaces: creation, export and the ways to wait.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <va/va_drmcommon.h>

#include <array>
#include <chrono>
#include <cstring>
#include <future>

#include "base/unique_fd.h"
#include "test/catch.h"
#include "test/va_driver/driver_under_test.h"
#include "test/va_driver/vp8_picture.h"
#include "va_driver/export.h"

namespace daedalus::test {
namespace {

constexpr uint32_t fourcc(const char (&name)[5]) {
  return uint32_t(name[0]) | uint32_t(name[1]) << 8 | uint32_t(name[2]) << 16 |
         uint32_t(name[3]) << 24;
}

// A type may be one that our headers do not know.
VASurfaceAttrib attribute(int type, int value) {
  VASurfaceAttrib out{};
  std::memcpy(&out.type, &type, sizeof type);
  out.flags = VA_SURFACE_ATTRIB_SETTABLE;
  out.value.type = VAGenericValueTypeInteger;
  out.value.value.i = value;
  return out;
}

VAStatus create(DriverUnderTest& driver, unsigned int rt_format, unsigned int width,
                unsigned int height, std::vector<VASurfaceAttrib> attributes,
                std::vector<VASurfaceID>* ids) {
  return driver.call(&VADriverVTable::vaCreateSurfaces2, rt_format, width, height, ids->data(),
                     static_cast<unsigned int>(ids->size()), attributes.data(),
                     static_cast<unsigned int>(attributes.size()));
}

VAStatus export_surface(DriverUnderTest& driver, VASurfaceID surface, uint32_t flags,
                        VADRMPRIMESurfaceDescriptor* out,
                        uint32_t type = VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2) {
  return driver.call(&VADriverVTable::vaExportSurfaceHandle, surface, type, flags,
                     static_cast<void*>(out));
}

ino_t inode(int fd) {
  struct stat status {};
  REQUIRE(fstat(fd, &status) == 0);
  return status.st_ino;
}

TEST_CASE("surfaces: made with the attributes that clients send, known or not") {
  DriverUnderTest driver;
  std::vector<VASurfaceID> ids(20, VA_INVALID_ID);
  REQUIRE(create(driver, VA_RT_FORMAT_YUV420, 320, 256,
                 {attribute(VASurfaceAttribPixelFormat, VA_FOURCC_NV12),
                  attribute(VASurfaceAttribMemoryType, VA_SURFACE_ATTRIB_MEM_TYPE_VA),
                  attribute(VASurfaceAttribUsageHint, VA_SURFACE_ATTRIB_USAGE_HINT_DECODER),
                  attribute(77, 1)},
                 &ids) == VA_STATUS_SUCCESS);
  for (VASurfaceID id : ids) CHECK(driver.sync(id) == VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaDestroySurfaces, ids.data(), int(ids.size())) ==
        VA_STATUS_SUCCESS);
  CHECK(driver.sync(ids[0]) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(driver.call(&VADriverVTable::vaCreateSurfaces, 64, 64, int{VA_RT_FORMAT_YUV420_10}, 20,
                    ids.data()) == VA_STATUS_SUCCESS);
}

TEST_CASE("surfaces: what cannot be is refused by name") {
  DriverUnderTest driver;
  std::vector<VASurfaceID> ids(1, 4711);
  const auto status = [&](unsigned int rt_format, unsigned int width, unsigned int height,
                          std::vector<VASurfaceAttrib> attributes) {
    return create(driver, rt_format, width, height, std::move(attributes), &ids);
  };
  CHECK(status(VA_RT_FORMAT_YUV444, 64, 64, {}) == VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT);
  CHECK(status(VA_RT_FORMAT_YUV420, 0, 64, {}) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  CHECK(status(VA_RT_FORMAT_YUV420, 64, ~0u, {}) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  CHECK(status(VA_RT_FORMAT_YUV420, 64, 64,
               {attribute(VASurfaceAttribPixelFormat, VA_FOURCC_YUY2)}) ==
        VA_STATUS_ERROR_INVALID_IMAGE_FORMAT);
  CHECK(status(VA_RT_FORMAT_YUV420, 64, 64,
               {attribute(VASurfaceAttribMemoryType, VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2)}) ==
        VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE);
  VASurfaceAttrib external = attribute(VASurfaceAttribExternalBufferDescriptor, 0);
  external.value.type = VAGenericValueTypePointer;
  external.value.value.p = &external;
  CHECK(status(VA_RT_FORMAT_YUV420, 64, 64, {external}) == VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE);
  uint64_t tiled = 0x0100000000000001;
  VADRMFormatModifierList list{1, &tiled};
  VASurfaceAttrib modifiers = attribute(VASurfaceAttribDRMFormatModifiers, 0);
  modifiers.value.value.p = &list;
  CHECK(status(VA_RT_FORMAT_YUV420, 64, 64, {modifiers}) == VA_STATUS_ERROR_ATTR_NOT_SUPPORTED);
  CHECK(ids[0] == 4711);
  CHECK(driver.call(&VADriverVTable::vaCreateSurfaces2, unsigned{VA_RT_FORMAT_YUV420}, 64u, 64u,
                    ids.data(), ~0u, nullptr, 0u) == VA_STATUS_ERROR_MAX_NUM_EXCEEDED);
  CHECK(driver.call(&VADriverVTable::vaCreateSurfaces2, unsigned{VA_RT_FORMAT_YUV420}, 64u, 64u,
                    ids.data(), 1u, nullptr, 1u) == VA_STATUS_ERROR_INVALID_PARAMETER);
}

TEST_CASE("surfaces: one unknown id destroys none") {
  DriverUnderTest driver;
  std::array<VASurfaceID, 2> ids = {driver.surface(), 12'345};
  CHECK(driver.call(&VADriverVTable::vaDestroySurfaces, ids.data(), 2) ==
        VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(driver.sync(ids[0]) == VA_STATUS_SUCCESS);
}

TEST_CASE("export: one permanent buffer before the first picture, a descriptor each time") {
  DriverUnderTest driver;
  const VASurfaceID surface = driver.surface(320, 240);
  VADRMPRIMESurfaceDescriptor first{}, second{};
  REQUIRE(export_surface(driver, surface,
                         VA_EXPORT_SURFACE_READ_ONLY | VA_EXPORT_SURFACE_SEPARATE_LAYERS,
                         &first) == VA_STATUS_SUCCESS);
  REQUIRE(export_surface(driver, surface,
                         VA_EXPORT_SURFACE_READ_WRITE | VA_EXPORT_SURFACE_COMPOSED_LAYERS,
                         &second) == VA_STATUS_SUCCESS);
  const UniqueFd first_fd(first.objects[0].fd), second_fd(second.objects[0].fd);
  CHECK(first_fd.get() != second_fd.get());
  CHECK(inode(first_fd.get()) == inode(second_fd.get()));
  CHECK((fcntl(first_fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(first.width == 320);
  CHECK(first.height == 240);
  CHECK(first.num_objects == 1);
  CHECK(first.objects[0].drm_format_modifier == 0);
  CHECK(first.num_layers == 2);
  CHECK(first.layers[0].drm_format == fourcc("R8  "));
  CHECK(first.layers[1].drm_format == fourcc("GR88"));
  CHECK(second.num_layers == 1);
  CHECK(second.layers[0].drm_format == fourcc("NV12"));
  CHECK(second.layers[0].num_planes == 2);
  CHECK(second.layers[0].offset[1] == first.layers[1].offset[0]);
  CHECK(second.layers[0].pitch[1] == first.layers[1].pitch[0]);
  CHECK(first.objects[0].size >=
        first.layers[1].offset[0] + size_t{first.layers[1].pitch[0]} * 120);
}

TEST_CASE("export: the layers of P010 are R16 and GR1616") {
  DriverUnderTest driver;
  const VASurfaceID surface = driver.surface(64, 64, VA_RT_FORMAT_YUV420_10);
  VADRMPRIMESurfaceDescriptor out{};
  REQUIRE(export_surface(driver, surface, VA_EXPORT_SURFACE_SEPARATE_LAYERS, &out) ==
          VA_STATUS_SUCCESS);
  const UniqueFd fd(out.objects[0].fd);
  CHECK(out.fourcc == VA_FOURCC_P010);
  CHECK(out.layers[0].drm_format == fourcc("R16 "));
  CHECK(out.layers[1].drm_format == fourcc("GR32"));
  CHECK(out.layers[0].pitch[0] >= 128);
}

TEST_CASE("export: what cannot be is refused, and a plain memfd is no dma-buf") {
  DriverUnderTest driver;
  VADRMPRIMESurfaceDescriptor out{};
  const VASurfaceID surface = driver.surface();
  CHECK(export_surface(driver, surface, 0, &out, VA_SURFACE_ATTRIB_MEM_TYPE_KERNEL_DRM) ==
        VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE);
  CHECK(export_surface(driver, surface,
                       VA_EXPORT_SURFACE_SEPARATE_LAYERS | VA_EXPORT_SURFACE_COMPOSED_LAYERS,
                       &out) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(export_surface(driver, surface, 0, nullptr) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(export_surface(driver, VASurfaceID{9}, 0, &out) == VA_STATUS_ERROR_INVALID_SURFACE);
  driver.core->memory().dma_buf = false;
  CHECK(export_surface(driver, surface, 0, &out) == VA_STATUS_ERROR_OPERATION_FAILED);
}

TEST_CASE("export: a context says for which codec surfaces are before it decodes") {
  DriverUnderTest driver;
  CHECK_FALSE(driver.core->expected);
  driver.decoder(VAProfileVP8Version0_3);
  CHECK(driver.core->expected == core::Codec::kVp8);
}

TEST_CASE("sync: waits no longer than it is told, and then for ever") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileVP8Version0_3);
  const VASurfaceID surface = driver.surface();
  REQUIRE(submit_vp8_key_frame(driver, decoder, surface) == VA_STATUS_SUCCESS);
  const auto sync2 = [&](uint64_t timeout) {
    return driver.call(&VADriverVTable::vaSyncSurface2, surface, timeout);
  };
  VASurfaceStatus status{};
  CHECK(driver.call(&VADriverVTable::vaQuerySurfaceStatus, surface, &status) == VA_STATUS_SUCCESS);
  CHECK(status == VASurfaceRendering);
  CHECK(sync2(0) == VA_STATUS_ERROR_TIMEDOUT);
  const auto start = std::chrono::steady_clock::now();
  CHECK(sync2(20'000'000) == VA_STATUS_ERROR_TIMEDOUT);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(20));

  auto waiting = std::async(std::launch::async, [&] { return driver.sync(surface); });
  CHECK(waiting.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
  driver.session().finish(0, {.frame = plain_frame(64, 64, 100, 120)});
  CHECK(waiting.get() == VA_STATUS_SUCCESS);
  CHECK(sync2(0) == VA_STATUS_SUCCESS);
  CHECK(sync2(~uint64_t{0} - 1) == VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaQuerySurfaceStatus, surface, &status) == VA_STATUS_SUCCESS);
  CHECK(status == VASurfaceReady);
}

TEST_CASE("sync: a picture without pixels is a decoding error, a concealed one is listed") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileVP8Version0_3);
  const VASurfaceID surface = driver.surface(64, 32);
  const auto errors = [&] {
    void* list = nullptr;
    REQUIRE(driver.call(&VADriverVTable::vaQuerySurfaceError, surface,
                        VAStatus{VA_STATUS_ERROR_DECODING_ERROR}, &list) == VA_STATUS_SUCCESS);
    return static_cast<const VASurfaceDecodeMBErrors*>(list);
  };
  CHECK(errors()[0].status == -1);
  REQUIRE(submit_vp8_key_frame(driver, decoder, surface) == VA_STATUS_SUCCESS);
  driver.session().finish(0,
                          {.frame = std::nullopt, .error = {ErrorCode::kCorrupt, "nothing there"}});
  CHECK(driver.sync(surface) == VA_STATUS_ERROR_DECODING_ERROR);

  REQUIRE(submit_vp8_key_frame(driver, decoder, surface) == VA_STATUS_SUCCESS);
  driver.session().finish(1, {.frame = plain_frame(64, 32, 100, 120), .concealed = true});
  CHECK(driver.sync(surface) == VA_STATUS_SUCCESS);
  const VASurfaceDecodeMBErrors* list = errors();
  CHECK(list[0].status == 1);
  CHECK(list[0].start_mb == 0);
  CHECK(list[0].end_mb == 7);
  CHECK(list[0].num_mb == 8);
  CHECK(list[1].status == -1);
  void* info = nullptr;
  CHECK(driver.call(&VADriverVTable::vaQuerySurfaceError, surface,
                    VAStatus{VA_STATUS_ERROR_ENCODING_ERROR},
                    &info) == VA_STATUS_ERROR_INVALID_PARAMETER);
}

TEST_CASE("export: EndPicture waits for what the client sees, until the client waits itself") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileVP8Version0_3);
  const VASurfaceID surface = driver.surface();
  VADRMPRIMESurfaceDescriptor exported{};
  REQUIRE(export_surface(driver, surface, VA_EXPORT_SURFACE_COMPOSED_LAYERS, &exported) ==
          VA_STATUS_SUCCESS);
  const UniqueFd fd(exported.objects[0].fd);
  auto view = Mapping::map(fd.get(), exported.objects[0].size, 0, false);
  REQUIRE(view.ok());

  auto ending = std::async(std::launch::async,
                           [&] { return submit_vp8_key_frame(driver, decoder, surface); });
  CHECK(ending.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
  driver.session().finish(0, {.frame = plain_frame(64, 64, 100, 120)});
  CHECK(ending.get() == VA_STATUS_SUCCESS);
  CHECK(int{view->data()[0]} == 100);

  CHECK(driver.sync(surface) == VA_STATUS_SUCCESS);
  CHECK(submit_vp8_key_frame(driver, decoder, surface) == VA_STATUS_SUCCESS);  // at once
  driver.session().finish(1, {.frame = plain_frame(64, 64, 50, 120)});
  CHECK(driver.sync(surface) == VA_STATUS_SUCCESS);
  CHECK(int{view->data()[0]} == 50);
}

TEST_CASE("driver: vaTerminate waits for the pictures under way") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileVP8Version0_3);
  REQUIRE(submit_vp8_key_frame(driver, decoder, driver.surface()) == VA_STATUS_SUCCESS);
  REQUIRE(driver.call(&VADriverVTable::vaDestroyContext, decoder) == VA_STATUS_SUCCESS);
  auto ending =
      std::async(std::launch::async, [&] { return driver.call(&VADriverVTable::vaTerminate); });
  CHECK(ending.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
  driver.session().finish(0, {.frame = plain_frame(64, 64, 100, 120)});
  CHECK(ending.get() == VA_STATUS_SUCCESS);
}

TEST_CASE("surfaces: they and their pictures outlive the context") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileVP8Version0_3);
  const VASurfaceID surface = driver.surface();
  REQUIRE(submit_vp8_key_frame(driver, decoder, surface) == VA_STATUS_SUCCESS);
  REQUIRE(driver.call(&VADriverVTable::vaDestroyContext, decoder) == VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaSyncSurface2, surface, uint64_t{0}) ==
        VA_STATUS_ERROR_TIMEDOUT);
  driver.session().finish(0, {.frame = plain_frame(64, 64, 77, 120)});
  CHECK(driver.sync(surface) == VA_STATUS_SUCCESS);
}

}  // namespace
}  // namespace daedalus::test
