// Pictures from vaBeginPicture to vaEndPicture, and whatever else clients might send, as jobs or as
// refusals.
#include <algorithm>
#include <array>
#include <numeric>

#include "test/catch.h"
#include "test/va_driver/driver_under_test.h"
#include "test/va_driver/h264_picture.h"
#include "test/va_driver/vp8_picture.h"

namespace daedalus::test {
namespace {

TEST_CASE("pictures: a refused one marks nothing") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  REQUIRE(submit_h264(driver, decoder, surface, h264_parameters(surface)) == VA_STATUS_SUCCESS);
  driver.session().finish(0, {.frame = plain_frame(64, 64, 33, 44)});
  auto deep = h264_parameters(surface);
  deep.bit_depth_luma_minus8 = 2;
  CHECK(submit_h264(driver, decoder, surface, deep) == VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT);
  auto huge = h264_parameters(surface);
  huge.picture_width_in_mbs_minus1 = 0xffff;
  CHECK(submit_h264(driver, decoder, surface, huge) == VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
  driver.session().refuse_all = true;
  CHECK(submit_h264(driver, decoder, surface, h264_parameters(surface)) ==
        VA_STATUS_ERROR_UNIMPLEMENTED);
  CHECK(driver.session().size() == 1);
  // The surface still shows its first picture, which is not pending.
  CHECK(driver.call(&VADriverVTable::vaSyncSurface2, surface, uint64_t{0}) == VA_STATUS_SUCCESS);
  driver.session().refuse_all = false;
  CHECK(submit_h264(driver, decoder, surface, h264_parameters(surface)) == VA_STATUS_SUCCESS);
}

TEST_CASE("sessions: a context made anew in mid-stream goes on with the pictures' own") {
  DriverUnderTest driver;
  const VAContextID first = driver.decoder(VAProfileH264High);
  const VAContextID second = driver.decoder(VAProfileH264High);
  const VASurfaceID old_surface = driver.surface(), surface = driver.surface();
  REQUIRE(submit_h264(driver, first, old_surface, h264_parameters(old_surface)) ==
          VA_STATUS_SUCCESS);
  REQUIRE(driver.call(&VADriverVTable::vaDestroyContext, first) == VA_STATUS_SUCCESS);
  auto picture = h264_parameters(surface);
  picture.ReferenceFrames[0] = h264_picture(old_surface, VA_PICTURE_H264_SHORT_TERM_REFERENCE);
  REQUIRE(submit_h264(driver, second, surface, picture, kSlice) == VA_STATUS_SUCCESS);
  CHECK(driver.core->session_count() == 1);
  CHECK(driver.session().size() == 2);
}

TEST_CASE("pictures: destroying the buffers before EndPicture loses nothing") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  const std::vector<VABufferID> buffers = {
      driver.parameters(decoder, VAPictureParameterBufferType, h264_parameters(surface)),
      driver.parameters(decoder, VASliceParameterBufferType, h264_slice(kIdr.size())),
      driver.buffer(decoder, VASliceDataBufferType, nullptr, kIdr.size())};
  void* data = nullptr;
  REQUIRE(driver.call(&VADriverVTable::vaMapBuffer, buffers[2], &data) == VA_STATUS_SUCCESS);
  std::copy(kIdr.begin(), kIdr.end(), static_cast<uint8_t*>(data));
  REQUIRE(driver.call(&VADriverVTable::vaUnmapBuffer, buffers[2]) == VA_STATUS_SUCCESS);
  for (VABufferID id : buffers) {
    REQUIRE(driver.render(decoder, {id}) == VA_STATUS_SUCCESS);
    REQUIRE(driver.call(&VADriverVTable::vaDestroyBuffer, id) == VA_STATUS_SUCCESS);
  }
  REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);
  CHECK(slice_bytes(driver.last_job(), 0) == std::vector<uint8_t>(kIdr.begin(), kIdr.end()));
}

TEST_CASE("pictures: 20,000 live buffers in one") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  std::vector<VABufferID> buffers = {
      driver.parameters(decoder, VAPictureParameterBufferType, h264_parameters(surface))};
  for (int i = 0; i < 10'000; ++i) {
    buffers.push_back(
        driver.parameters(decoder, VASliceParameterBufferType, h264_slice(kIdr.size())));
    buffers.push_back(driver.buffer(decoder, VASliceDataBufferType, kIdr.data(), kIdr.size()));
  }
  REQUIRE(driver.render(decoder, buffers) == VA_STATUS_SUCCESS);
  REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);
  CHECK(driver.last_job().slices.size() == 10'000);
  for (VABufferID id : buffers) {
    REQUIRE(driver.call(&VADriverVTable::vaDestroyBuffer, id) == VA_STATUS_SUCCESS);
  }
}

TEST_CASE("buffers: what cannot be is refused") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  VABufferID id = 7;
  const auto create = [&](VAContextID of, VABufferType type, unsigned int size,
                          unsigned int count) {
    return driver.call(&VADriverVTable::vaCreateBuffer, of, type, size, count, nullptr, &id);
  };
  CHECK(create(VA_INVALID_ID, VASliceDataBufferType, 8, 1) == VA_STATUS_ERROR_INVALID_CONTEXT);
  CHECK(create(decoder, VAEncCodedBufferType, 8, 1) == VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE);
  CHECK(create(decoder, VASliceDataBufferType, 0, 1) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(create(decoder, VASliceDataBufferType, 8, 0) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(create(decoder, VASliceDataBufferType, ~0u, ~0u) == VA_STATUS_ERROR_ALLOCATION_FAILED);
  CHECK(create(decoder, VASliceDataBufferType, 1u << 16, 1u << 16) ==
        VA_STATUS_ERROR_ALLOCATION_FAILED);
  CHECK(id == VA_INVALID_ID);
  REQUIRE(create(decoder, VASliceParameterBufferType, 16, 4) == VA_STATUS_SUCCESS);
  VABufferType type{};
  unsigned int size = 0, count = 0;
  CHECK(driver.call(&VADriverVTable::vaBufferSetNumElements, id, 5u) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(driver.call(&VADriverVTable::vaBufferSetNumElements, id, 2u) == VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaBufferInfo, id, &type, &size, &count) == VA_STATUS_SUCCESS);
  CHECK(type == VASliceParameterBufferType);
  CHECK(size == 16);
  CHECK(count == 2);
  REQUIRE(driver.call(&VADriverVTable::vaDestroyBuffer, id) == VA_STATUS_SUCCESS);
  CHECK(driver.call(&VADriverVTable::vaDestroyBuffer, id) == VA_STATUS_ERROR_INVALID_BUFFER);
}

TEST_CASE("pictures: calls out of order and damaged buffers are refused, the rest counts") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  const auto picture =
      driver.parameters(decoder, VAPictureParameterBufferType, h264_parameters(surface));
  const auto slice = driver.parameters(decoder, VASliceParameterBufferType, h264_slice(8));
  const auto data = driver.buffer(decoder, VASliceDataBufferType, kIdr.data(), kIdr.size());

  CHECK(driver.render(decoder, {picture}) == VA_STATUS_ERROR_OPERATION_FAILED);
  CHECK(driver.end(decoder) == VA_STATUS_ERROR_OPERATION_FAILED);
  CHECK(driver.begin(decoder, 1) == VA_STATUS_ERROR_INVALID_SURFACE);
  CHECK(driver.begin(1, surface) == VA_STATUS_ERROR_INVALID_CONTEXT);
  CHECK(driver.begin(decoder, driver.surface(64, 64, VA_RT_FORMAT_YUV420_10)) ==
        VA_STATUS_ERROR_INVALID_SURFACE);

  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  CHECK(driver.render(decoder, {slice, data}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(driver.end(decoder) == VA_STATUS_ERROR_INVALID_PARAMETER);  // no picture parameters

  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  const auto half = driver.buffer(decoder, VAPictureParameterBufferType, nullptr,
                                  sizeof(VAPictureParameterBufferH264) / 2);
  const auto short_slices = driver.buffer(decoder, VASliceParameterBufferType, nullptr, 64, 50);
  const auto bit_plane = driver.buffer(decoder, VABitPlaneBufferType, nullptr, 64);
  CHECK(driver.render(decoder, {half}) == VA_STATUS_ERROR_INVALID_BUFFER);
  CHECK(driver.render(decoder, {picture, 99}) == VA_STATUS_ERROR_INVALID_BUFFER);
  CHECK(driver.render(decoder, {picture, short_slices}) == VA_STATUS_ERROR_INVALID_BUFFER);
  CHECK(driver.render(decoder, {picture, bit_plane}) == VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE);
  CHECK(driver.render(decoder, {slice}) == VA_STATUS_ERROR_INVALID_PARAMETER);  // none was taken
  CHECK(driver.call(&VADriverVTable::vaRenderPicture, decoder, nullptr, 3) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(driver.call(&VADriverVTable::vaRenderPicture, decoder, nullptr, -1) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  REQUIRE(driver.render(decoder, {picture, slice, data}) == VA_STATUS_SUCCESS);
  CHECK(driver.end(decoder) == VA_STATUS_SUCCESS);  // nothing lost
}

TEST_CASE("pictures: slices beyond their data, without it, or never begun are refused") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  const auto submit = [&](std::vector<VASliceParameterBufferH264> slices, bool with_data = true) {
    REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
    std::vector<VABufferID> buffers = {
        driver.parameters(decoder, VAPictureParameterBufferType, h264_parameters(surface))};
    if (!slices.empty()) {
      buffers.push_back(driver.buffer(decoder, VASliceParameterBufferType, slices.data(),
                                      sizeof slices[0], slices.size()));
    }
    if (with_data) {
      buffers.push_back(driver.buffer(decoder, VASliceDataBufferType, kIdr.data(), kIdr.size()));
    }
    REQUIRE(driver.render(decoder, buffers) == VA_STATUS_SUCCESS);
    return driver.end(decoder);
  };
  CHECK(submit({}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(8)}, false) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(9)}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(8, 1)}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(~0u, 8)}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(1, ~0u)}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(0)}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(4, 0, VA_SLICE_DATA_FLAG_MIDDLE)}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(4, 0, VA_SLICE_DATA_FLAG_BEGIN), h264_slice(4, 4)}) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(4), h264_slice(4, 4, VA_SLICE_DATA_FLAG_END)}) ==
        VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({h264_slice(4, 0), h264_slice(4, 4)}) == VA_STATUS_SUCCESS);
}

TEST_CASE("pictures: the bytes of one are bounded") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  const size_t size = size_t{64} << 20;
  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  REQUIRE(driver.render(decoder, {driver.parameters(decoder, VAPictureParameterBufferType,
                                                    h264_parameters(surface))}) ==
          VA_STATUS_SUCCESS);
  const VABufferID data = driver.buffer(decoder, VASliceDataBufferType, nullptr, size);
  CHECK(driver.render(decoder, {data, data, data, data, data}) == VA_STATUS_ERROR_MAX_NUM_EXCEEDED);
}

TEST_CASE("driver: vaTerminate frees whatever is left") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  REQUIRE(submit_h264(driver, decoder, surface, h264_parameters(surface)) == VA_STATUS_SUCCESS);
  const std::weak_ptr<core::Picture> picture = driver.last_job().target;
  REQUIRE(driver.begin(decoder, driver.surface()) == VA_STATUS_SUCCESS);
  driver.session().finish(0, {.frame = plain_frame(64, 64, 1, 1)});
  CHECK(driver.call(&VADriverVTable::vaTerminate) == VA_STATUS_SUCCESS);
  CHECK(picture.use_count() == 1);  // the fake session's own job
}

}  // namespace
}  // namespace daedalus::test
