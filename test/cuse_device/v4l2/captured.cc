#include "test/cuse_device/v4l2/captured.h"

#include <cstdint>
#include <vector>

namespace daedalus::test {

CapturedPicture read_captured(TestFile& file, const v4l2_pix_format_mplane& format, uint32_t index,
                              const core::Rect& visible) {
  const bool wide = format.pixelformat == V4L2_PIX_FMT_P010;
  const size_t sample = wide ? 2 : 1;
  const size_t stride = format.plane_fmt[0].bytesperline;
  const auto first = file.map(kCapture, index);
  const auto second = format.num_planes == 2 ? file.map(kCapture, index, 1) : first;
  const uint8_t* luma = file.data(first);
  const uint8_t* chroma = file.data(second) + (format.num_planes == 2 ? 0 : stride * format.height);
  const uint32_t chroma_width = (visible.width + 1) / 2;
  const uint32_t chroma_height = (visible.height + 1) / 2;

  CapturedPicture picture;
  picture.wide = wide;
  picture.width = visible.width;
  picture.height = visible.height;
  auto& planes = picture.planes;
  for (uint32_t y = 0; y < visible.height; ++y) {
    const uint8_t* row = luma + (visible.y + y) * stride + visible.x * sample;
    planes[0].insert(planes[0].end(), row, row + visible.width * sample);
  }
  for (uint32_t y = 0; y < chroma_height; ++y) {
    const size_t at = visible.y / 2 + y;
    if (format.pixelformat == V4L2_PIX_FMT_YUV420) {
      const uint8_t* u = chroma + at * (stride / 2) + visible.x / 2;
      const uint8_t* v = u + (stride / 2) * ((format.height + 1) / 2);
      planes[1].insert(planes[1].end(), u, u + chroma_width);
      planes[2].insert(planes[2].end(), v, v + chroma_width);
      continue;
    }
    const uint8_t* row = chroma + at * stride + visible.x / 2 * 2 * sample;
    for (uint32_t x = 0; x < 2 * chroma_width; ++x) {
      auto& plane = planes[1 + x % 2];
      plane.insert(plane.end(), row + x * sample, row + (x + 1) * sample);
    }
  }
  if (wide) {
    for (auto& plane : planes) {
      auto* words = reinterpret_cast<uint16_t*>(plane.data());
      for (size_t i = 0; i < plane.size() / 2; ++i) words[i] = words[i] >> 6;
    }
  }
  return picture;
}

core::FrameView CapturedPicture::view() {
  const size_t sample = wide ? 2 : 1;
  const size_t chroma_stride = (width + 1) / 2 * sample;
  return {wide ? core::SampleFormat::kI42010 : core::SampleFormat::kI420,
          width,
          height,
          {{{planes[0].data(), width * sample},
            {planes[1].data(), chroma_stride},
            {planes[2].data(), chroma_stride}}}};
}

core::FrameHash hash_of_captured(TestFile& file, const v4l2_pix_format_mplane& format,
                                 uint32_t index, const core::Rect& visible) {
  return core::hash_frame(read_captured(file, format, index, visible).view());
}

}  // namespace daedalus::test
