#include "test/clients/va/pixels.h"

namespace daedalus::va_client {
namespace {

// One component: where its samples are and how far apart.
struct Component {
  const uint8_t* data;
  size_t stride;
  size_t step;  // bytes from a sample to the next
};

bool interleaved(core::ImageFormat format) {
  return format == core::ImageFormat::kNv12 || format == core::ImageFormat::kP010;
}

// 0: Y, 1: U, 2: V
Component component(const PixelView& view, int which) {
  const size_t bytes = view.format == core::ImageFormat::kP010 ? 2 : 1;
  if (which == 0) return {view.planes[0].data, view.planes[0].stride, bytes};
  if (interleaved(view.format)) {
    return {view.planes[1].data + static_cast<size_t>(which - 1) * bytes, view.planes[1].stride,
            2 * bytes};
  }
  const int plane = view.format == core::ImageFormat::kYv12 ? 3 - which : which;
  return {view.planes[static_cast<size_t>(plane)].data,
          view.planes[static_cast<size_t>(plane)].stride, 1};
}

// Copies the part's samples, `to_step` bytes apart, to `to`; returns behind the last row.
uint8_t* copy(const Component& from, const core::Rect& part, size_t bytes, size_t to_step,
              uint8_t* to) {
  for (uint32_t y = part.y; y < part.y + part.height; ++y) {
    const uint8_t* sample = from.data + y * from.stride + part.x * from.step;
    for (uint32_t x = 0; x < part.width; ++x, sample += from.step, to += to_step) {
      to[0] = sample[0];
      if (bytes == 2) to[1] = sample[1];
    }
  }
  return to;
}

}  // namespace

Status cut(const PixelView& from, const core::Rect& visible, core::ImageFormat format,
           std::vector<uint8_t>& out) {
  const bool ten_bit = from.format == core::ImageFormat::kP010;
  if (ten_bit != (format == core::ImageFormat::kP010))
    return Error{ErrorCode::kInvalidArgument, "8-bit and 10-bit formats do not convert"};
  if (visible.x > from.width || visible.width > from.width - visible.x || visible.y > from.height ||
      visible.height > from.height - visible.y)
    return Error{ErrorCode::kInvalidArgument, "the visible part is larger than the picture"};
  const size_t bytes = ten_bit ? 2 : 1;
  const core::Rect chroma{visible.x / 2, visible.y / 2, (visible.width + 1) / 2,
                          (visible.height + 1) / 2};
  out.resize((size_t{visible.width} * visible.height + size_t{2} * chroma.width * chroma.height) *
             bytes);
  uint8_t* to = copy(component(from, 0), visible, bytes, bytes, out.data());
  const Component u = component(from, 1);
  const Component v = component(from, 2);
  if (interleaved(format)) {
    copy(u, chroma, bytes, 2 * bytes, to);
    copy(v, chroma, bytes, 2 * bytes, to + bytes);
  } else {
    const bool v_first = format == core::ImageFormat::kYv12;
    to = copy(v_first ? v : u, chroma, bytes, bytes, to);
    copy(v_first ? u : v, chroma, bytes, bytes, to);
  }
  return {};
}

}  // namespace daedalus::va_client
