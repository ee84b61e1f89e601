// Images: what is put comes back, in every format and at any size.
#include <array>
#include <cstring>
#include <string>

#include "test/catch.h"
#include "test/va_driver/driver_under_test.h"

namespace daedalus::test {
namespace {

VAImageFormat format_of(uint32_t fourcc) {
  VAImageFormat format{};
  format.fourcc = fourcc;
  return format;
}

VAImage create_image(DriverUnderTest& driver, uint32_t fourcc, int width, int height) {
  VAImageFormat format = format_of(fourcc);
  VAImage image{};
  REQUIRE(driver.call(&VADriverVTable::vaCreateImage, &format, width, height, &image) ==
          VA_STATUS_SUCCESS);
  return image;
}

uint8_t* map(DriverUnderTest& driver, const VAImage& image) {
  void* data = nullptr;
  REQUIRE(driver.call(&VADriverVTable::vaMapBuffer, image.buf, &data) == VA_STATUS_SUCCESS);
  return static_cast<uint8_t*>(data);
}

// Samples of a plane: each row's bytes that mean something.
struct PlaneShape {
  uint32_t row_bytes, rows;
};
PlaneShape shape_of(const VAImage& image, uint32_t plane) {
  const uint32_t sample = image.format.fourcc == VA_FOURCC_P010 ? 2 : 1;
  if (plane == 0) return {image.width * sample, image.height};
  const uint32_t chroma = (image.width + 1u) / 2;
  const uint32_t components = image.num_planes == 2 ? 2 : 1;
  return {chroma * components * sample, (image.height + 1u) / 2};
}

// A pattern in which no two neighbours are alike; P010's low six bits are zero.
void paint(const VAImage& image, uint8_t* data) {
  for (uint32_t plane = 0; plane < image.num_planes; ++plane) {
    const PlaneShape shape = shape_of(image, plane);
    for (uint32_t y = 0; y < shape.rows; ++y) {
      uint8_t* row = data + image.offsets[plane] + size_t{image.pitches[plane]} * y;
      for (uint32_t x = 0; x < shape.row_bytes; ++x) {
        row[x] = static_cast<uint8_t>(x * 7 + y * 13 + plane * 101);
        if (image.format.fourcc == VA_FOURCC_P010 && x % 2 == 0) row[x] &= 0xc0;
      }
    }
  }
}

std::string pixels(const VAImage& image, const uint8_t* data) {
  std::string out;
  for (uint32_t plane = 0; plane < image.num_planes; ++plane) {
    const PlaneShape shape = shape_of(image, plane);
    for (uint32_t y = 0; y < shape.rows; ++y) {
      const uint8_t* row = data + image.offsets[plane] + size_t{image.pitches[plane]} * y;
      out.append(reinterpret_cast<const char*>(row), shape.row_bytes);
    }
  }
  return out;
}

VAStatus put(DriverUnderTest& driver, VASurfaceID surface, const VAImage& image) {
  const unsigned int width = image.width, height = image.height;
  return driver.call(&VADriverVTable::vaPutImage, surface, image.image_id, 0, 0, width, height, 0,
                     0, width, height);
}

VAStatus get(DriverUnderTest& driver, VASurfaceID surface, const VAImage& image) {
  return driver.call(&VADriverVTable::vaGetImage, surface, 0, 0, unsigned{image.width},
                     unsigned{image.height}, image.image_id);
}

TEST_CASE("images: the formats, whatever the counter held") {
  DriverUnderTest driver;
  std::vector<VAImageFormat> formats(driver.context.max_image_formats);
  int count = 32'659;
  REQUIRE(driver.call(&VADriverVTable::vaQueryImageFormats, formats.data(), &count) ==
          VA_STATUS_SUCCESS);
  std::vector<uint32_t> fourccs;
  for (int i = 0; i < count; ++i) fourccs.push_back(formats[i].fourcc);
  CHECK(fourccs ==
        std::vector<uint32_t>{VA_FOURCC_NV12, VA_FOURCC_P010, VA_FOURCC_I420, VA_FOURCC_YV12});
}

TEST_CASE("images: PutImage and GetImage are each other's inverse") {
  DriverUnderTest driver;
  const uint32_t fourcc = GENERATE(VA_FOURCC_NV12, VA_FOURCC_P010, VA_FOURCC_I420, VA_FOURCC_YV12);
  const auto [width, height] =
      GENERATE(std::pair{64, 48}, std::pair{1, 1}, std::pair{197, 211}, std::pair{320, 2});
  INFO("fourcc " << fourcc << ", " << width << "x" << height);
  const bool deep = fourcc == VA_FOURCC_P010;
  const VASurfaceID surface =
      driver.surface(width, height, deep ? VA_RT_FORMAT_YUV420_10 : VA_RT_FORMAT_YUV420);
  const VAImage in = create_image(driver, fourcc, width, height);
  CHECK(in.width == width);
  CHECK(in.height == height);
  CHECK(in.num_planes == (fourcc == VA_FOURCC_NV12 || deep ? 2 : 3));
  paint(in, map(driver, in));
  REQUIRE(put(driver, surface, in) == VA_STATUS_SUCCESS);

  const VAImage out = create_image(driver, fourcc, width, height);
  std::memset(map(driver, out), 0xee, out.data_size);
  REQUIRE(get(driver, surface, out) == VA_STATUS_SUCCESS);
  CHECK(pixels(out, map(driver, out)) == pixels(in, map(driver, in)));
}

TEST_CASE("images: the 8-bit formats are views of the same pixels") {
  DriverUnderTest driver;
  const VASurfaceID surface = driver.surface(34, 22);
  const VAImage nv12 = create_image(driver, VA_FOURCC_NV12, 34, 22);
  paint(nv12, map(driver, nv12));
  REQUIRE(put(driver, surface, nv12) == VA_STATUS_SUCCESS);
  const VAImage i420 = create_image(driver, VA_FOURCC_I420, 34, 22);
  const VAImage yv12 = create_image(driver, VA_FOURCC_YV12, 34, 22);
  REQUIRE(get(driver, surface, i420) == VA_STATUS_SUCCESS);
  REQUIRE(get(driver, surface, yv12) == VA_STATUS_SUCCESS);
  const uint8_t* uv = map(driver, nv12) + nv12.offsets[1];
  const uint8_t* u = map(driver, i420) + i420.offsets[1];
  const uint8_t* v = map(driver, i420) + i420.offsets[2];
  CHECK(u[0] == uv[0]);
  CHECK(v[0] == uv[1]);
  CHECK(u[16] == uv[32]);
  // YV12's second plane is V.
  CHECK(map(driver, yv12)[yv12.offsets[1]] == v[0]);
  CHECK(map(driver, yv12)[yv12.offsets[2]] == u[0]);
}

TEST_CASE("images: a region goes where it is put, the rest stays") {
  DriverUnderTest driver;
  const VASurfaceID surface = driver.surface(16, 16);
  const VAImage image = create_image(driver, VA_FOURCC_I420, 8, 8);
  std::memset(map(driver, image), 200, image.data_size);
  REQUIRE(driver.call(&VADriverVTable::vaPutImage, surface, image.image_id, 0, 0, 4u, 4u, 8, 6, 4u,
                      4u) == VA_STATUS_SUCCESS);
  const VAImage out = create_image(driver, VA_FOURCC_I420, 16, 16);
  REQUIRE(get(driver, surface, out) == VA_STATUS_SUCCESS);
  const uint8_t* luma = map(driver, out);
  for (uint32_t y = 0; y < 16; ++y) {
    for (uint32_t x = 0; x < 16; ++x) {
      const bool inside = x >= 8 && x < 12 && y >= 6 && y < 10;
      REQUIRE(int{luma[out.pitches[0] * y + x]} == (inside ? 200 : 16));
    }
  }
  // And a region is what GetImage takes.
  const VAImage part = create_image(driver, VA_FOURCC_I420, 4, 4);
  REQUIRE(driver.call(&VADriverVTable::vaGetImage, surface, 10, 8, 4u, 4u, part.image_id) ==
          VA_STATUS_SUCCESS);
  CHECK(int{map(driver, part)[0]} == 200);
  CHECK(int{map(driver, part)[2]} == 16);
}

TEST_CASE("images: what does not fit is refused") {
  DriverUnderTest driver;
  const VASurfaceID surface = driver.surface(64, 48);
  const VAImage image = create_image(driver, VA_FOURCC_NV12, 64, 48);
  const auto get_part = [&](int x, int y, unsigned int width, unsigned int height) {
    return driver.call(&VADriverVTable::vaGetImage, surface, x, y, width, height, image.image_id);
  };
  CHECK(get_part(-1, 0, 4, 4) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(get_part(2, 0, 64, 48) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(get_part(0, 0, 65, 48) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(get_part(0, 0, ~0u, ~0u) == VA_STATUS_ERROR_INVALID_PARAMETER);
  const auto put_part = [&](int from_x, unsigned int width, int to_x, unsigned int to_width) {
    return driver.call(&VADriverVTable::vaPutImage, surface, image.image_id, from_x, 0, width, 4u,
                       to_x, 0, to_width, 4u);
  };
  CHECK(put_part(62, 4, 0, 4) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(put_part(0, 4, 62, 4) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(put_part(-2, 4, 0, 4) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(put_part(0, 4, 0, 8) == VA_STATUS_ERROR_UNIMPLEMENTED);
  CHECK(driver.call(&VADriverVTable::vaGetImage, VASurfaceID{1}, 0, 0, 4u, 4u, image.image_id) ==
        VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(driver.call(&VADriverVTable::vaGetImage, surface, 0, 0, 4u, 4u, VAImageID{1}) ==
        VA_STATUS_ERROR_INVALID_IMAGE);
  // 8 bits are not 10.
  const VAImage deep = create_image(driver, VA_FOURCC_P010, 64, 48);
  CHECK(get(driver, surface, deep) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(put(driver, surface, deep) == VA_STATUS_ERROR_INVALID_PARAMETER);
}

TEST_CASE("images: sizes and formats that cannot be are refused") {
  DriverUnderTest driver;
  VAImage image{};
  VAImageFormat nv12 = format_of(VA_FOURCC_NV12), rgb = format_of(VA_FOURCC_RGBA);
  const auto create = [&](VAImageFormat* format, int width, int height) {
    return driver.call(&VADriverVTable::vaCreateImage, format, width, height, &image);
  };
  CHECK(create(&rgb, 64, 64) == VA_STATUS_ERROR_INVALID_IMAGE_FORMAT);
  CHECK(create(&nv12, 0, 64) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(create(&nv12, 64, -1) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(create(&nv12, 1 << 30, 1 << 30) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(create(nullptr, 64, 64) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(image.image_id == VA_INVALID_ID);
  CHECK(driver.call(&VADriverVTable::vaDestroyImage, VAImageID{5}) ==
        VA_STATUS_ERROR_INVALID_IMAGE);
}

TEST_CASE("images: an image's buffer goes with it, and its memory is used again") {
  DriverUnderTest driver;
  const VAImage image = create_image(driver, VA_FOURCC_NV12, 640, 360);
  const uint8_t* data = map(driver, image);
  REQUIRE(driver.call(&VADriverVTable::vaDestroyImage, image.image_id) == VA_STATUS_SUCCESS);
  void* gone = nullptr;
  CHECK(driver.call(&VADriverVTable::vaMapBuffer, image.buf, &gone) ==
        VA_STATUS_ERROR_INVALID_BUFFER);
  CHECK(map(driver, create_image(driver, VA_FOURCC_NV12, 640, 360)) == data);
}

TEST_CASE("derive: shows the surface, and what the client writes is the surface's") {
  DriverUnderTest driver;
  const VASurfaceID surface = driver.surface(32, 16);
  VAImage derived{};
  REQUIRE(driver.call(&VADriverVTable::vaDeriveImage, surface, &derived) == VA_STATUS_SUCCESS);
  CHECK(derived.format.fourcc == VA_FOURCC_NV12);
  uint8_t* data = map(driver, derived);
  CHECK(int{data[0]} == 16);  // black
  paint(derived, data);
  REQUIRE(driver.call(&VADriverVTable::vaUnmapBuffer, derived.buf) == VA_STATUS_SUCCESS);
  const VAImage copy = create_image(driver, VA_FOURCC_NV12, 32, 16);
  REQUIRE(get(driver, surface, copy) == VA_STATUS_SUCCESS);
  CHECK(pixels(copy, map(driver, copy)) == pixels(derived, data));

  // The image keeps the memory alive when the surface is gone.
  VASurfaceID gone = surface;
  REQUIRE(driver.call(&VADriverVTable::vaDestroySurfaces, &gone, 1) == VA_STATUS_SUCCESS);
  CHECK(pixels(copy, map(driver, copy)) == pixels(derived, data));
  CHECK(driver.call(&VADriverVTable::vaDestroyImage, derived.image_id) == VA_STATUS_SUCCESS);
}

TEST_CASE("derive: memory that the CPU reads uncached gives exactly OPERATION_FAILED") {
  DriverUnderTest driver;
  driver.core->memory().cached = false;
  VAImage image{};
  CHECK(driver.call(&VADriverVTable::vaDeriveImage, driver.surface(), &image) ==
        VA_STATUS_ERROR_OPERATION_FAILED);
  CHECK(driver.call(&VADriverVTable::vaDeriveImage, driver.surface(), &image) ==
        VA_STATUS_ERROR_OPERATION_FAILED);
  CHECK(driver.core->memory().allocations == 1);  // asked once, and for no surface
  CHECK(image.image_id == VA_INVALID_ID);
}

}  // namespace
}  // namespace daedalus::test
