// Calls that no sane client makes: the right error, nothing lost, and the next picture is exact.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "test/catch.h"
#include "test/clients/va/call_sequence.h"
#include "test/clients/va/raw_context.h"
#include "test/clients/va/testing.h"

extern "C" VAStatus __vaDriverInit_1_0(VADriverContextP context);

namespace daedalus::va_client::testing {
namespace {

constexpr std::array<uint32_t, 5> kUnknownIds = {0, 1, 0x12345678, VA_INVALID_ID, 0x80000000};

ParameterBuffer resized(const ParameterBuffer& buffer, size_t size) {
  ParameterBuffer other = buffer;
  other.bytes.resize(size);
  other.element_size = static_cast<uint32_t>(size);
  return other;
}

}  // namespace

TEST_CASE("ids that name nothing") {
  const Subject s = subject("h264.mp4", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  Display& d = *display;
  for (uint32_t id : kUnknownIds) {
    INFO("id " << id);
    void* data = nullptr;
    VABufferID buffer = VA_INVALID_ID;
    VAContextID context = VA_INVALID_ID;
    VASurfaceID surface = id;
    VASurfaceStatus status{};
    VAImage image{};
    VADRMPRIMESurfaceDescriptor descriptor{};
    uint8_t byte = 0;
    CHECK(d.call(&VADriverVTable::vaDestroyConfig, id) == VA_STATUS_ERROR_INVALID_CONFIG);
    CHECK(d.call(&VADriverVTable::vaCreateContext, id, 320, 180, 0, &surface, 0, &context) ==
          VA_STATUS_ERROR_INVALID_CONFIG);
    CHECK(d.call(&VADriverVTable::vaCreateContext, raw.config, 320, 180, 0, &surface, 1,
                 &context) == VA_STATUS_ERROR_INVALID_SURFACE);
    CHECK(d.call(&VADriverVTable::vaDestroyContext, id) == VA_STATUS_ERROR_INVALID_CONTEXT);
    CHECK(d.call(&VADriverVTable::vaDestroySurfaces, &surface, 1) ==
          VA_STATUS_ERROR_INVALID_SURFACE);
    CHECK(d.call(&VADriverVTable::vaCreateBuffer, id, VASliceDataBufferType, 1U, 1U,
                 static_cast<void*>(&byte), &buffer) == VA_STATUS_ERROR_INVALID_CONTEXT);
    CHECK(d.call(&VADriverVTable::vaBufferSetNumElements, id, 1U) ==
          VA_STATUS_ERROR_INVALID_BUFFER);
    CHECK(d.call(&VADriverVTable::vaMapBuffer, id, &data) == VA_STATUS_ERROR_INVALID_BUFFER);
    CHECK(d.call(&VADriverVTable::vaUnmapBuffer, id) == VA_STATUS_ERROR_INVALID_BUFFER);
    CHECK(d.call(&VADriverVTable::vaDestroyBuffer, id) == VA_STATUS_ERROR_INVALID_BUFFER);
    CHECK(d.call(&VADriverVTable::vaBeginPicture, id, raw.surfaces[0]) ==
          VA_STATUS_ERROR_INVALID_CONTEXT);
    CHECK(raw.begin(id) == VA_STATUS_ERROR_INVALID_SURFACE);
    CHECK(d.call(&VADriverVTable::vaRenderPicture, id, &buffer, 0) ==
          VA_STATUS_ERROR_INVALID_CONTEXT);
    CHECK(d.call(&VADriverVTable::vaEndPicture, id) == VA_STATUS_ERROR_INVALID_CONTEXT);
    CHECK(raw.sync(id) == VA_STATUS_ERROR_INVALID_SURFACE);
    CHECK(d.call(&VADriverVTable::vaQuerySurfaceStatus, id, &status) ==
          VA_STATUS_ERROR_INVALID_SURFACE);
    CHECK(d.call(&VADriverVTable::vaDeriveImage, id, &image) == VA_STATUS_ERROR_INVALID_SURFACE);
    CHECK(d.call(&VADriverVTable::vaDestroyImage, id) == VA_STATUS_ERROR_INVALID_IMAGE);
    CHECK(d.call(&VADriverVTable::vaGetImage, raw.surfaces[0], 0, 0, 16U, 16U, id) ==
          VA_STATUS_ERROR_INVALID_IMAGE);
    CHECK(d.call(&VADriverVTable::vaExportSurfaceHandle, id,
                 uint32_t{VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2}, uint32_t{0},
                 static_cast<void*>(&descriptor)) == VA_STATUS_ERROR_INVALID_SURFACE);
    REQUIRE(raw.begin(raw.surfaces[0]) == VA_STATUS_SUCCESS);
    CHECK(raw.render({id}) == VA_STATUS_ERROR_INVALID_BUFFER);
    CHECK(raw.end() != VA_STATUS_SUCCESS);
  }
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("an id of one kind is no other") {
  const Subject s = subject("vp8.webm", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  Display& d = *display;
  const VABufferID buffer = raw.create(raw.translate(s.jobs[0]).picture[0]);
  CHECK(raw.begin(buffer) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(raw.begin(raw.context) == VA_STATUS_ERROR_INVALID_SURFACE);
  REQUIRE(raw.begin(raw.surfaces[0]) == VA_STATUS_SUCCESS);
  CHECK(raw.render({raw.surfaces[0]}) == VA_STATUS_ERROR_INVALID_BUFFER);
  CHECK(d.call(&VADriverVTable::vaDestroyContext, raw.config) == VA_STATUS_ERROR_INVALID_CONTEXT);
  CHECK(d.call(&VADriverVTable::vaDestroyConfig, raw.context) == VA_STATUS_ERROR_INVALID_CONFIG);
  CHECK(d.call(&VADriverVTable::vaDestroyBuffer, raw.surfaces[0]) ==
        VA_STATUS_ERROR_INVALID_BUFFER);
  CHECK(d.call(&VADriverVTable::vaDestroyImage, buffer) == VA_STATUS_ERROR_INVALID_IMAGE);
}

TEST_CASE("ids of destroyed objects stay invalid when others take their place") {
  const Subject s = subject("vp9.webm", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0], 2);
  Display& d = *display;
  const ParameterBuffer picture = raw.translate(s.jobs[0]).picture[0];
  std::vector<VABufferID> stale;
  for (int round = 0; round < 1500; ++round) {
    const VABufferID id = raw.create(picture);
    stale.push_back(id);
    raw.destroy_buffers();
    // Twice is once too often.
    REQUIRE(d.call(&VADriverVTable::vaDestroyBuffer, id) == VA_STATUS_ERROR_INVALID_BUFFER);
  }
  const VABufferID living = raw.create(picture);
  for (VABufferID id : stale) {
    void* data = nullptr;
    REQUIRE(id != living);
    REQUIRE(d.call(&VADriverVTable::vaMapBuffer, id, &data) == VA_STATUS_ERROR_INVALID_BUFFER);
  }
  VASurfaceID gone = raw.surfaces.back();
  raw.surfaces.pop_back();
  REQUIRE(d.call(&VADriverVTable::vaDestroySurfaces, &gone, 1) == VA_STATUS_SUCCESS);
  CHECK(d.call(&VADriverVTable::vaDestroySurfaces, &gone, 1) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(raw.begin(gone) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(raw.sync(gone) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("a list of surfaces of which one is unknown is not destroyed in part") {
  const Subject s = subject("vp8.webm", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0], 2);
  std::array<VASurfaceID, 3> list = {raw.surfaces[0], 0x7fffffff, raw.surfaces[1]};
  CHECK(display->call(&VADriverVTable::vaDestroySurfaces, list.data(), 3) ==
        VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(raw.sync(raw.surfaces[0]) == VA_STATUS_SUCCESS);
  CHECK(raw.sync(raw.surfaces[1]) == VA_STATUS_SUCCESS);
}

TEST_CASE("truncated parameter buffers") {
  for (const std::string& name : clip_names()) {
    const Subject s = subject(name, 4);
    const std::shared_ptr<Display> display = start_display();
    RawContext raw(display, s.jobs[0]);
    const PictureBuffers good = raw.translate(s.jobs[0]);
    std::vector<ParameterBuffer> all = good.picture;
    all.push_back(good.slices[0]);
    for (const ParameterBuffer& whole : all) {
      for (const size_t size :
           {size_t{1}, size_t{4}, whole.bytes.size() / 2, whole.bytes.size() - 1}) {
        INFO(name << ": buffer type " << whole.type << " of " << size << " bytes");
        REQUIRE(raw.begin(raw.surface_of(s.jobs[0])) == VA_STATUS_SUCCESS);
        if (whole.type == VASliceParameterBufferType)
          REQUIRE(raw.render({raw.create(good.picture[0])}) == VA_STATUS_SUCCESS);
        CHECK(raw.render({raw.create(resized(whole, size))}) == VA_STATUS_ERROR_INVALID_BUFFER);
        CHECK(raw.end() != VA_STATUS_SUCCESS);
        raw.destroy_buffers();
      }
    }
    CHECK(raw.submit(raw.surface_of(s.jobs[0]), good) == VA_STATUS_SUCCESS);
    CHECK(still_decodes(display, s.clip, s.expected));
  }
}

TEST_CASE("larger structures than this libva's are taken by their beginning") {
  const Subject s = subject("h264.mp4", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  PictureBuffers buffers = raw.translate(s.jobs[0]);
  for (ParameterBuffer& buffer : buffers.picture)
    buffer = resized(buffer, buffer.bytes.size() + 64);
  for (size_t i = 0; i < buffers.slices.size(); i += 2)
    buffers.slices[i] = resized(buffers.slices[i], buffers.slices[i].bytes.size() + 64);
  CHECK(raw.submit(raw.surface_of(s.jobs[0]), buffers) == VA_STATUS_SUCCESS);
  CHECK(raw.sync(raw.surface_of(s.jobs[0])) == VA_STATUS_SUCCESS);
}

TEST_CASE("slice data that are shorter than the slice parameters say") {
  for (const std::string& name : clip_names()) {
    const Subject s = subject(name, 4);
    const std::shared_ptr<Display> display = start_display();
    RawContext raw(display, s.jobs[0]);
    const PictureBuffers good = raw.translate(s.jobs[0]);
    for (const size_t size :
         {size_t{1}, size_t{3}, good.slices[1].bytes.size() / 2, good.slices[1].bytes.size() - 1}) {
      INFO(name << ": " << size << " bytes");
      PictureBuffers bad = good;
      bad.slices[1] = resized(bad.slices[1], size);
      // Bytes that are not there are refused or left out; none is read.
      raw.submit(raw.surface_of(s.jobs[0]), bad);
      raw.sync(raw.surface_of(s.jobs[0]));
    }
    CHECK(still_decodes(display, s.clip, s.expected));
  }
}

TEST_CASE("sizes and counts that cannot be") {
  const Subject s = subject("h264.mp4", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  Display& d = *display;
  struct Case {
    unsigned size, count;
    VAStatus expected;
  };
  for (const Case& c : {Case{0, 1, VA_STATUS_ERROR_INVALID_PARAMETER},
                        Case{1, 0, VA_STATUS_ERROR_INVALID_PARAMETER},
                        Case{UINT32_MAX, 1, VA_STATUS_ERROR_ALLOCATION_FAILED},
                        Case{1, UINT32_MAX, VA_STATUS_ERROR_ALLOCATION_FAILED},
                        Case{UINT32_MAX, UINT32_MAX, VA_STATUS_ERROR_ALLOCATION_FAILED},
                        Case{0x10000, 0x10000, VA_STATUS_ERROR_ALLOCATION_FAILED},
                        Case{0x10001, 0xffff, VA_STATUS_ERROR_ALLOCATION_FAILED}}) {
    INFO(c.size << " x " << c.count);
    VABufferID id = VA_INVALID_ID;
    CHECK(d.call(&VADriverVTable::vaCreateBuffer, raw.context, VASliceParameterBufferType, c.size,
                 c.count, static_cast<void*>(nullptr), &id) == c.expected);
    CHECK(id == VA_INVALID_ID);
  }
  const VABufferID buffer = raw.create(raw.translate(s.jobs[0]).slices[0]);
  CHECK(d.call(&VADriverVTable::vaBufferSetNumElements, buffer, 0U) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(d.call(&VADriverVTable::vaBufferSetNumElements, buffer, 2U) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(d.call(&VADriverVTable::vaBufferSetNumElements, buffer, UINT32_MAX) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(d.call(&VADriverVTable::vaBufferSetNumElements, buffer, 1U) == VA_STATUS_SUCCESS);
  VASurfaceID surface = VA_INVALID_SURFACE;
  for (const auto& [width, height] : {std::pair{0U, 16U}, std::pair{16U, 0U},
                                      std::pair{UINT32_MAX, UINT32_MAX}, std::pair{65536U, 16U}}) {
    CHECK(d.call(&VADriverVTable::vaCreateSurfaces2, unsigned{VA_RT_FORMAT_YUV420}, width, height,
                 &surface, 1U, static_cast<VASurfaceAttrib*>(nullptr),
                 0U) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  }
  VAContextID context = VA_INVALID_ID;
  for (const auto& [width, height] :
       {std::pair{0, 0}, std::pair{-1, 16}, std::pair{1 << 20, 1 << 20}}) {
    CHECK(d.call(&VADriverVTable::vaCreateContext, raw.config, width, height, 0,
                 static_cast<VASurfaceID*>(nullptr), 0,
                 &context) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  }
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("NULL where an answer or a list should go") {
  const Subject s = subject("h264.mp4", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  Display& d = *display;
  const VABufferID buffer = raw.create(raw.translate(s.jobs[0]).picture[0]);
  constexpr VAStatus kRefused = VA_STATUS_ERROR_INVALID_PARAMETER;
  CHECK(d.call(&VADriverVTable::vaMapBuffer, buffer, static_cast<void**>(nullptr)) == kRefused);
  CHECK(d.call(&VADriverVTable::vaCreateBuffer, raw.context, VASliceDataBufferType, 1U, 1U,
               static_cast<void*>(nullptr), static_cast<VABufferID*>(nullptr)) == kRefused);
  CHECK(d.call(&VADriverVTable::vaCreateConfig, VAProfileH264Main, VAEntrypointVLD,
               static_cast<VAConfigAttrib*>(nullptr), 0,
               static_cast<VAConfigID*>(nullptr)) == kRefused);
  CHECK(d.call(&VADriverVTable::vaCreateContext, raw.config, 320, 180, 0,
               static_cast<VASurfaceID*>(nullptr), 3,
               static_cast<VAContextID*>(nullptr)) == kRefused);
  CHECK(d.call(&VADriverVTable::vaCreateSurfaces2, unsigned{VA_RT_FORMAT_YUV420}, 16U, 16U,
               static_cast<VASurfaceID*>(nullptr), 1U, static_cast<VASurfaceAttrib*>(nullptr),
               0U) == kRefused);
  CHECK(d.call(&VADriverVTable::vaDestroySurfaces, static_cast<VASurfaceID*>(nullptr), 1) ==
        kRefused);
  CHECK(d.call(&VADriverVTable::vaDeriveImage, raw.surfaces[0], static_cast<VAImage*>(nullptr)) ==
        kRefused);
  CHECK(d.call(&VADriverVTable::vaCreateImage, static_cast<VAImageFormat*>(nullptr), 16, 16,
               static_cast<VAImage*>(nullptr)) == kRefused);
  CHECK(d.call(&VADriverVTable::vaQuerySurfaceStatus, raw.surfaces[0],
               static_cast<VASurfaceStatus*>(nullptr)) == kRefused);
  CHECK(d.call(&VADriverVTable::vaExportSurfaceHandle, raw.surfaces[0],
               uint32_t{VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2}, uint32_t{0},
               static_cast<void*>(nullptr)) == kRefused);
  REQUIRE(raw.begin(raw.surfaces[0]) == VA_STATUS_SUCCESS);
  CHECK(d.call(&VADriverVTable::vaRenderPicture, raw.context, static_cast<VABufferID*>(nullptr),
               1) == kRefused);
  VABufferID id = buffer;
  CHECK(d.call(&VADriverVTable::vaRenderPicture, raw.context, &id, -1) == kRefused);
  CHECK(raw.end() != VA_STATUS_SUCCESS);
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("buffers that were created without data and never filled") {
  for (const std::string& name : clip_names()) {
    INFO(name);
    const Subject s = subject(name, 4);
    const std::shared_ptr<Display> display = start_display();
    RawContext raw(display, s.jobs[0]);
    PictureBuffers buffers = raw.translate(s.jobs[0]);
    const VASurfaceID target = raw.surface_of(s.jobs[0]);
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    std::vector<VABufferID> ids;
    for (const auto* part : {&buffers.picture, &buffers.slices}) {
      for (const ParameterBuffer& buffer : *part) {
        VABufferID id = VA_INVALID_ID;
        REQUIRE(display->call(&VADriverVTable::vaCreateBuffer, raw.context, buffer.type,
                              buffer.element_size, buffer.elements, static_cast<void*>(nullptr),
                              &id) == VA_STATUS_SUCCESS);
        raw.buffers.push_back(id);
        ids.push_back(id);
      }
    }
    REQUIRE(raw.render(ids) == VA_STATUS_SUCCESS);
    CHECK(raw.end() != VA_STATUS_SUCCESS);
    CHECK(raw.sync(target) == VA_STATUS_SUCCESS);
    CHECK(still_decodes(display, s.clip, s.expected));
  }
}

TEST_CASE("calls out of order") {
  const Subject s = subject("h264.mp4", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  const PictureBuffers good = raw.translate(s.jobs[0]);
  const VASurfaceID target = raw.surface_of(s.jobs[0]);
  const VABufferID picture = raw.create(good.picture[0]);
  const VABufferID slice = raw.create(good.slices[0]);
  const VABufferID data = raw.create(good.slices[1]);

  SECTION("render without begin") {
    CHECK(raw.render({picture}) == VA_STATUS_ERROR_OPERATION_FAILED);
  }
  SECTION("end without begin") { CHECK(raw.end() == VA_STATUS_ERROR_OPERATION_FAILED); }
  SECTION("end without render") {
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    CHECK(raw.end() == VA_STATUS_ERROR_INVALID_PARAMETER);
    CHECK(raw.end() == VA_STATUS_ERROR_OPERATION_FAILED);
  }
  SECTION("a slice before its picture parameters") {
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    CHECK(raw.render({slice, data}) == VA_STATUS_ERROR_INVALID_PARAMETER);
    CHECK(raw.end() == VA_STATUS_ERROR_INVALID_PARAMETER);
  }
  SECTION("picture parameters of the former picture do not count") {
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    REQUIRE(raw.render({picture}) == VA_STATUS_SUCCESS);
    CHECK(raw.end() == VA_STATUS_ERROR_INVALID_PARAMETER);
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    CHECK(raw.render({slice, data}) == VA_STATUS_ERROR_INVALID_PARAMETER);
    CHECK(raw.end() == VA_STATUS_ERROR_INVALID_PARAMETER);
  }
  SECTION("a slice without its data") {
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    REQUIRE(raw.render({picture, slice}) == VA_STATUS_SUCCESS);
    CHECK(raw.end() == VA_STATUS_ERROR_INVALID_PARAMETER);
  }
  SECTION("begin twice starts afresh") {
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    REQUIRE(raw.render({picture}) == VA_STATUS_SUCCESS);
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    CHECK(raw.render({slice, data}) == VA_STATUS_ERROR_INVALID_PARAMETER);
    CHECK(raw.end() == VA_STATUS_ERROR_INVALID_PARAMETER);
  }
  SECTION("a type that no decoder reads") {
    VABufferID id = VA_INVALID_ID;
    uint8_t byte = 0;
    for (const VABufferType type :
         {VAEncCodedBufferType, VAProcPipelineParameterBufferType, VABufferTypeMax}) {
      CHECK(display->call(&VADriverVTable::vaCreateBuffer, raw.context, type, 1U, 1U,
                          static_cast<void*>(&byte),
                          &id) == VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE);
    }
  }
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("objects destroyed in the middle of their use") {
  const Subject s = subject("h264.mp4", 8);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  const PictureBuffers good = raw.translate(s.jobs[0]);
  VASurfaceID target = raw.surface_of(s.jobs[0]);

  SECTION("the target between begin and end") {
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    REQUIRE(display->call(&VADriverVTable::vaDestroySurfaces, &target, 1) == VA_STATUS_SUCCESS);
    for (const auto* part : {&good.picture, &good.slices}) {
      for (const ParameterBuffer& buffer : *part)
        CHECK(raw.render({raw.create(buffer)}) == VA_STATUS_SUCCESS);
    }
    raw.end();
    CHECK(raw.sync(target) == VA_STATUS_ERROR_INVALID_SURFACE);
  }
  SECTION("the target right after end, then its references' users") {
    for (const core::DecodeJob& job : s.jobs) {
      const PictureBuffers buffers = raw.translate(job);
      VASurfaceID surface = raw.surface_of(job);
      raw.submit(surface, buffers);
      raw.finish(job);
      display->call(&VADriverVTable::vaDestroySurfaces, &surface, 1);
    }
  }
  SECTION("the context between begin and end") {
    REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
    REQUIRE(raw.render({raw.create(good.picture[0])}) == VA_STATUS_SUCCESS);
    REQUIRE(display->call(&VADriverVTable::vaDestroyContext, raw.context) == VA_STATUS_SUCCESS);
    CHECK(raw.end() == VA_STATUS_ERROR_INVALID_CONTEXT);
    CHECK(display->call(&VADriverVTable::vaDestroyContext, raw.context) ==
          VA_STATUS_ERROR_INVALID_CONTEXT);
  }
  SECTION("the configuration while its context lives") {
    REQUIRE(display->call(&VADriverVTable::vaDestroyConfig, raw.config) == VA_STATUS_SUCCESS);
    CHECK(raw.submit(target, good) == VA_STATUS_SUCCESS);
    CHECK(raw.sync(target) == VA_STATUS_SUCCESS);
  }
  SECTION("a mapped buffer and an image whose surface is gone") {
    VAImage image{};
    VAImageFormat format{};
    format.fourcc = VA_FOURCC_NV12;
    REQUIRE(raw.submit(target, good) == VA_STATUS_SUCCESS);
    REQUIRE(display->call(&VADriverVTable::vaCreateImage, &format, 64, 64, &image) ==
            VA_STATUS_SUCCESS);
    void* data = nullptr;
    REQUIRE(display->call(&VADriverVTable::vaMapBuffer, image.buf, &data) == VA_STATUS_SUCCESS);
    REQUIRE(display->call(&VADriverVTable::vaDestroySurfaces, &target, 1) == VA_STATUS_SUCCESS);
    CHECK(display->call(&VADriverVTable::vaGetImage, target, 0, 0, 64U, 64U, image.image_id) ==
          VA_STATUS_ERROR_INVALID_SURFACE);
    CHECK(display->call(&VADriverVTable::vaDestroyBuffer, image.buf) == VA_STATUS_SUCCESS);
    CHECK(display->call(&VADriverVTable::vaDestroyImage, image.image_id) == VA_STATUS_SUCCESS);
    CHECK(display->call(&VADriverVTable::vaDestroyImage, image.image_id) ==
          VA_STATUS_ERROR_INVALID_IMAGE);
  }
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("20,000 live buffers in one picture") {
  const Subject s = subject("h264.mp4", 4);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  const PictureBuffers good = raw.translate(s.jobs[0]);
  const VASurfaceID target = raw.surface_of(s.jobs[0]);
  const size_t pairs = good.slices.size() / 2;

  // The picture's own slices come again and again, each in two new buffers.
  REQUIRE(raw.begin(target) == VA_STATUS_SUCCESS);
  std::vector<VABufferID> ids;
  for (const ParameterBuffer& buffer : good.picture) ids.push_back(raw.create(buffer));
  for (size_t i = 0; i < 10000; ++i) {
    ids.push_back(raw.create(good.slices[2 * (i % pairs)]));
    ids.push_back(raw.create(good.slices[2 * (i % pairs) + 1]));
  }
  REQUIRE(raw.buffers.size() > 20000);
  std::vector<VABufferID> distinct = ids;
  std::sort(distinct.begin(), distinct.end());
  CHECK(std::adjacent_find(distinct.begin(), distinct.end()) == distinct.end());
  CHECK(raw.render(ids) == VA_STATUS_SUCCESS);
  CHECK(raw.end() == VA_STATUS_SUCCESS);
  CHECK(raw.sync(target) == VA_STATUS_SUCCESS);
  // All still alive: a good picture is exact beside them.
  CHECK(still_decodes(display, s.clip, s.expected));
  raw.destroy_buffers();
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("surfaces that were never decoded show black and can be references") {
  const Subject s = subject("h264.mp4", 12);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0]);
  VAImage image{};
  REQUIRE(display->call(&VADriverVTable::vaDeriveImage, raw.surfaces[0], &image) ==
          VA_STATUS_SUCCESS);
  void* data = nullptr;
  REQUIRE(display->call(&VADriverVTable::vaMapBuffer, image.buf, &data) == VA_STATUS_SUCCESS);
  const auto* bytes = static_cast<const uint8_t*>(data);
  CHECK(bytes[image.offsets[0]] == 16);
  CHECK(bytes[image.offsets[1]] == 128);
  CHECK(bytes[image.offsets[1] + 1] == 128);
  CHECK(display->call(&VADriverVTable::vaDestroyImage, image.image_id) == VA_STATUS_SUCCESS);

  // An export either works or says that the machine has nothing to export with.
  VADRMPRIMESurfaceDescriptor descriptor{};
  const VAStatus exported =
      display->call(&VADriverVTable::vaExportSurfaceHandle, raw.surfaces[1],
                    uint32_t{VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2},
                    uint32_t{VA_EXPORT_SURFACE_READ_ONLY | VA_EXPORT_SURFACE_COMPOSED_LAYERS},
                    static_cast<void*>(&descriptor));
  CHECK((exported == VA_STATUS_SUCCESS || exported == VA_STATUS_ERROR_OPERATION_FAILED));
  if (exported == VA_STATUS_SUCCESS) ::close(descriptor.objects[0].fd);

  // Inter pictures with nothing but empty surfaces to refer to: concealed, not refused.
  const auto inter = std::find_if(s.jobs.begin(), s.jobs.end(), [](const core::DecodeJob& job) {
    return !job.references.empty() && job.references[0];
  });
  REQUIRE(inter != s.jobs.end());
  const PictureBuffers buffers = raw.translate(*inter);
  const VASurfaceID target = raw.surface_of(*inter);
  CHECK(raw.submit(target, buffers) == VA_STATUS_SUCCESS);
  CHECK(raw.sync(target) == VA_STATUS_SUCCESS);
  // The target as its own reference.
  CHECK(raw.submit(raw.surfaces[1], buffers) == VA_STATUS_SUCCESS);
  CHECK(raw.sync(raw.surfaces[1]) == VA_STATUS_SUCCESS);
  CHECK(still_decodes(display, s.clip, s.expected));
}

TEST_CASE("references of another format, size and codec") {
  const Subject s = subject("h264.mp4", 12);
  const Subject other = subject("vp9_10bit.webm", 3);
  const std::shared_ptr<Display> display = start_display();
  RawContext foreign(display, other.jobs[0]);
  REQUIRE(foreign.submit(foreign.surfaces[0], foreign.translate(other.jobs[0])) ==
          VA_STATUS_SUCCESS);
  RawContext raw(display, s.jobs[0]);
  for (const core::DecodeJob& job : s.jobs) {
    PictureBuffers buffers = raw.translate(job);
    VAPictureParameterBufferH264 picture;
    std::copy_n(buffers.picture[0].bytes.data(), sizeof(picture),
                reinterpret_cast<uint8_t*>(&picture));
    for (VAPictureH264& reference : picture.ReferenceFrames) {
      if (!(reference.flags & VA_PICTURE_H264_INVALID)) reference.picture_id = foreign.surfaces[0];
    }
    buffers.picture[0] = ParameterBuffer::of(VAPictureParameterBufferType, picture);
    raw.submit(raw.surface_of(job), buffers);
    raw.sync(raw.surface_of(job));
  }
  // A target of the wrong depth.
  CHECK(raw.begin(foreign.surfaces[1]) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(still_decodes(display, s.clip, s.expected));
  CHECK(still_decodes(display, other.clip, other.expected));
}

TEST_CASE("terminate with everything alive, and nothing stays behind") {
  const Subject s = subject("h264.mp4", 6);
  const auto abandon = [&] {
    const std::shared_ptr<Display> display = start_display();
    RawContext raw(display, s.jobs[0]);
    for (const core::DecodeJob& job : s.jobs) {
      const PictureBuffers buffers = raw.translate(job);
      raw.submit(raw.surface_of(job), buffers);
    }
    VAImage image{};
    VAImageFormat format{};
    format.fourcc = VA_FOURCC_I420;
    display->call(&VADriverVTable::vaCreateImage, &format, 320, 180, &image);
    void* data = nullptr;
    display->call(&VADriverVTable::vaMapBuffer, image.buf, &data);
    display->call(&VADriverVTable::vaDeriveImage, raw.surface_of(s.jobs[0]), &image);
    const PictureBuffers buffers = raw.translate(s.jobs[0]);
    raw.begin(raw.surfaces.back());
    raw.render({raw.create(buffers.picture[0])});
    raw.abandon();
  };
  for (int i = 0; i < 3; ++i) abandon();
  const Footprint before = footprint();
  for (int i = 0; i < 10; ++i) abandon();
  Footprint after = footprint();
  // A thread that was joined may stay listed for a moment.
  for (int i = 0; i < 500 && after.threads > before.threads; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    after = footprint();
  }
  // A leak of one surface's picture would be 86 kB each time.
  CHECK(after.heap <= before.heap + 64 * 1024);
  CHECK(after.descriptors == before.descriptors);
  CHECK(after.threads <= before.threads);
  CHECK(still_decodes(start_display(), s.clip, s.expected));
}

TEST_CASE("recorded calls play as they were made: every picture is accepted") {
  for (const std::string& name : clip_names()) {
    INFO(name);
    const std::vector<core::DecodeJob> jobs = jobs_of(test_clip(name, 6));
    const Result<std::vector<uint8_t>> calls = record_call_sequence(jobs);
    REQUIRE(calls.ok());
    CHECK(play_call_sequence(__vaDriverInit_1_0, *calls) == jobs.size());
  }
}

TEST_CASE("objects are destroyed by one thread while another uses them") {
  const Subject s = subject("vp9.webm", 20);
  const std::shared_ptr<Display> display = start_display();
  RawContext raw(display, s.jobs[0], 8);
  std::thread vandal([&] {
    for (int round = 0; round < 200; ++round) {
      for (VASurfaceID& surface : raw.surfaces) {
        VAImage image{};
        if (display->call(&VADriverVTable::vaDeriveImage, surface, &image) == VA_STATUS_SUCCESS)
          display->call(&VADriverVTable::vaDestroyImage, image.image_id);
        if (round % 50 == 49) display->call(&VADriverVTable::vaDestroySurfaces, &surface, 1);
      }
      if (round == 150) display->call(&VADriverVTable::vaDestroyContext, raw.context);
    }
  });
  for (int round = 0; round < 3; ++round) {
    for (const core::DecodeJob& job : s.jobs) {
      const PictureBuffers buffers = raw.translate(job);
      raw.submit(raw.surface_of(job), buffers);
      raw.sync(raw.surface_of(job));
      raw.finish(job);
    }
  }
  vandal.join();
  CHECK(still_decodes(display, s.clip, s.expected));
}

}  // namespace daedalus::va_client::testing
