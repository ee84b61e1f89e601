#include "test/clients/v4l2/picture_reader.h"

#include <algorithm>
#include <cstddef>

namespace daedalus::v4l2_client {
namespace {

// A plane of samples in some buffer: `step` bytes from one to the next of its component.
struct Source {
  const uint8_t* data = nullptr;
  size_t stride = 0;
  size_t step = 1;
};

// P010 has its ten bits at the high end of each word.
void copy_plane(const Source& from, uint32_t left, uint32_t top, uint32_t width, uint32_t height,
                bool wide, std::vector<uint8_t>& out) {
  for (uint32_t y = 0; y < height; ++y) {
    const uint8_t* at = from.data + (top + y) * from.stride + left * from.step;
    if (from.step == 1) {
      out.insert(out.end(), at, at + width);
      continue;
    }
    for (uint32_t x = 0; x < width; ++x, at += from.step) {
      if (wide) {
        const uint32_t value = (at[0] | uint32_t{at[1]} << 8) >> 6;
        out.push_back(static_cast<uint8_t>(value));
        out.push_back(static_cast<uint8_t>(value >> 8));
      } else {
        out.push_back(*at);
      }
    }
  }
}

}  // namespace

bool is_readable(uint32_t fourcc) {
  return fourcc == V4L2_PIX_FMT_NV12 || fourcc == V4L2_PIX_FMT_NV12M ||
         fourcc == V4L2_PIX_FMT_YUV420 || fourcc == V4L2_PIX_FMT_P010;
}

int bit_depth_of(uint32_t fourcc) { return fourcc == V4L2_PIX_FMT_P010 ? 10 : 8; }

bool read_picture(const v4l2_pix_format_mplane& format,
                  std::span<const std::span<const uint8_t>> planes,
                  const clients::Rectangle& visible, Frame* frame) {
  const bool wide = format.pixelformat == V4L2_PIX_FMT_P010;
  const bool planar = format.pixelformat == V4L2_PIX_FMT_YUV420;
  const bool apart = format.pixelformat == V4L2_PIX_FMT_NV12M;
  const size_t sample = wide ? 2 : 1;
  const size_t stride = format.plane_fmt[0].bytesperline;
  const size_t rows = format.height, chroma_rows = (rows + 1) / 2;
  const size_t luma_bytes = stride * rows;
  const size_t chroma_stride = apart    ? format.plane_fmt[1].bytesperline
                               : planar ? stride / 2
                                        : stride;
  const size_t chroma_bytes = chroma_stride * chroma_rows * (planar ? 2 : 1);
  if (planes.size() < (apart ? 2U : 1U)) return false;
  if (planes[0].size() < luma_bytes + (apart ? 0 : chroma_bytes)) return false;
  if (apart && planes[1].size() < chroma_bytes) return false;
  if (visible.left + visible.width > format.width || visible.top + visible.height > format.height)
    return false;

  const uint8_t* chroma = apart ? planes[1].data() : planes[0].data() + luma_bytes;
  const Source luma{planes[0].data(), stride, sample};
  const Source u{chroma, chroma_stride, planar ? 1 : 2 * sample};
  const Source v{planar ? chroma + chroma_stride * chroma_rows : chroma + sample, chroma_stride,
                 planar ? 1 : 2 * sample};
  frame->width = visible.width;
  frame->height = visible.height;
  frame->bit_depth = wide ? 10 : 8;
  frame->samples.clear();
  copy_plane(luma, visible.left, visible.top, visible.width, visible.height, wide, frame->samples);
  const uint32_t width = (visible.width + 1) / 2, height = (visible.height + 1) / 2;
  for (const Source& plane : {u, v})
    copy_plane(plane, visible.left / 2, visible.top / 2, width, height, wide, frame->samples);
  return true;
}

}  // namespace daedalus::v4l2_client
