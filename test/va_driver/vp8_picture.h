// The smallest picture that the driver submits: a VP8 key frame of 64x64 with an empty body.
#ifndef DAEDALUS_TEST_VA_DRIVER_VP8_PICTURE_H_
#define DAEDALUS_TEST_VA_DRIVER_VP8_PICTURE_H_

#include <va/va.h>

#include <array>

#include "test/va_driver/driver_under_test.h"

namespace daedalus::test {

inline VAPictureParameterBufferVP8 vp8_picture_parameters() {
  VAPictureParameterBufferVP8 picture{};
  picture.frame_width = 64;
  picture.frame_height = 64;
  picture.last_ref_frame = VA_INVALID_SURFACE;
  picture.golden_ref_frame = VA_INVALID_SURFACE;
  picture.alt_ref_frame = VA_INVALID_SURFACE;
  return picture;
}

// `macroblock_offset` in bits, `size` and `offset` of the slice data in bytes.
inline VASliceParameterBufferVP8 vp8_slice_parameters(uint32_t size, uint32_t offset = 0) {
  VASliceParameterBufferVP8 slice{};
  slice.slice_data_size = size;
  slice.slice_data_offset = offset;
  slice.macroblock_offset = 17;
  slice.num_of_partitions = 2;
  slice.partition_size[0] = 5;
  slice.partition_size[1] = size - 8;
  return slice;
}

inline VAStatus submit_vp8_key_frame(DriverUnderTest& driver, VAContextID decoder,
                                     VASurfaceID surface) {
  const std::array<uint8_t, 16> body{};
  if (VAStatus status = driver.begin(decoder, surface)) return status;
  const VAStatus status = driver.render(
      decoder,
      {driver.parameters(decoder, VAPictureParameterBufferType, vp8_picture_parameters()),
       driver.parameters(decoder, VASliceParameterBufferType, vp8_slice_parameters(body.size())),
       driver.buffer(decoder, VASliceDataBufferType, body.data(), body.size())});
  return status ? status : driver.end(decoder);
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_VA_DRIVER_VP8_PICTURE_H_
