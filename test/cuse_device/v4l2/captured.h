// Pictures in CAPTURE buffers, for comparing.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_CAPTURED_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_CAPTURED_H_

#include <array>
#include <cstdint>
#include <vector>

#include "decode_core/image.h"
#include "decode_core/record/recording.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {

// A picture with planes of its own.
struct CapturedPicture {
  std::array<std::vector<uint8_t>, 3> planes;
  bool wide = false;  // 10 bit
  uint32_t width = 0;
  uint32_t height = 0;
  core::FrameView view();
};

// The samples of CAPTURE buffer `index` inside `visible`.
CapturedPicture read_captured(TestFile& file, const v4l2_pix_format_mplane& format, uint32_t index,
                              const core::Rect& visible);
// Of the samples of CAPTURE buffer `index` inside `visible`, as planes of their own.
core::FrameHash hash_of_captured(TestFile& file, const v4l2_pix_format_mplane& format,
                                 uint32_t index, const core::Rect& visible);

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_CAPTURED_H_
