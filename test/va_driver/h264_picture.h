// Small H.264 pictures, of 64x64 and one slice, as clients render them.
#ifndef DAEDALUS_TEST_VA_DRIVER_H264_PICTURE_H_
#define DAEDALUS_TEST_VA_DRIVER_H264_PICTURE_H_

#include <va/va.h>

#include <array>
#include <cstdint>
#include <vector>

#include "test/va_driver/driver_under_test.h"

namespace daedalus::test {

inline VAPictureH264 h264_picture(VASurfaceID surface, uint32_t flags = 0, uint32_t frame_idx = 0) {
  VAPictureH264 picture{};
  picture.picture_id = surface;
  picture.flags = surface == VA_INVALID_SURFACE ? uint32_t{VA_PICTURE_H264_INVALID} : flags;
  picture.frame_idx = frame_idx;
  return picture;
}

inline VAPictureParameterBufferH264 h264_parameters(VASurfaceID surface, uint32_t flags = 0) {
  VAPictureParameterBufferH264 picture{};
  picture.CurrPic = h264_picture(surface, flags);
  for (auto& reference : picture.ReferenceFrames) reference = h264_picture(VA_INVALID_SURFACE);
  picture.picture_width_in_mbs_minus1 = 3;
  picture.picture_height_in_mbs_minus1 = 3;
  picture.num_ref_frames = 4;
  picture.seq_fields.bits.chroma_format_idc = 1;
  picture.seq_fields.bits.frame_mbs_only_flag = flags == 0;
  picture.seq_fields.bits.direct_8x8_inference_flag = 1;
  picture.pic_fields.bits.field_pic_flag = flags != 0;
  picture.pic_fields.bits.reference_pic_flag = 1;
  return picture;
}

inline VASliceParameterBufferH264 h264_slice(uint32_t size, uint32_t offset = 0,
                                             uint32_t flag = VA_SLICE_DATA_FLAG_ALL) {
  VASliceParameterBufferH264 slice{};
  slice.slice_type = V4L2_H264_SLICE_TYPE_I;
  slice.slice_data_size = size;
  slice.slice_data_offset = offset;
  slice.slice_data_flag = flag;
  return slice;
}

inline constexpr std::array<uint8_t, 8> kIdr = {0x65, 0x88, 0x84, 1, 2, 3, 4, 5};
inline constexpr std::array<uint8_t, 8> kSlice = {0x41, 0x9a, 0x10, 6, 7, 8, 9, 10};

inline VAStatus submit_h264(DriverUnderTest& driver, VAContextID decoder, VASurfaceID surface,
                            const VAPictureParameterBufferH264& picture,
                            const std::array<uint8_t, 8>& nal = kIdr) {
  if (VAStatus status = driver.begin(decoder, surface)) return status;
  const VAStatus status = driver.render(
      decoder, {driver.parameters(decoder, VAPictureParameterBufferType, picture),
                driver.parameters(decoder, VASliceParameterBufferType, h264_slice(nal.size())),
                driver.buffer(decoder, VASliceDataBufferType, nal.data(), nal.size())});
  return status ? status : driver.end(decoder);
}

inline std::vector<uint8_t> slice_bytes(const core::DecodeJob& job, size_t index) {
  const auto bytes = job.bytes_of(job.slices.at(index));
  return {bytes.begin(), bytes.end()};
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_VA_DRIVER_H264_PICTURE_H_
