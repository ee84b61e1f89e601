#include "decode_core/planar_frame.h"

#include <algorithm>
#include <utility>

#include "gpu_kernels/film_grain/av1.h"

namespace daedalus::core {
namespace {

using gpu_kernels::Band;
using gpu_kernels::chroma_420;
using gpu_kernels::SourcePlane;
using gpu_kernels::TargetPlane;

Band band_of(size_t plane, uint32_t width, uint32_t height) {
  if (plane == 0) return {width, 0, height};
  return {chroma_420(width), 0, chroma_420(height)};
}

}  // namespace

PlanarFrame::PlanarFrame(FrameBuffer frame)
    : pack_(&gpu_kernels::pack_functions(gpu_kernels::Substrate::kAuto)),
      frame_(std::move(frame)) {}

Result<PlanarFrame> PlanarFrame::allocate(SampleFormat format, uint32_t width, uint32_t height) {
  const size_t sample = format == SampleFormat::kI42010 ? 2 : 1;
  const LinearLayout layout = layout_of(ImageFormat::kI420, width, height);
  auto memory = FramePool().allocate(layout.size * sample);
  if (!memory) return memory.error();
  FrameBuffer frame{{format, width, height, {}}, *memory};
  for (size_t plane = 0; plane < 3; ++plane) {
    frame.view.planes[plane] = {(*memory)->data() + layout.offset[plane] * sample,
                                layout.stride[plane] * sample};
  }
  return PlanarFrame(std::move(frame));
}

void PlanarFrame::make_black() {
  for (size_t plane = 0; plane < 3; ++plane) {
    const Band all = band_of(plane, frame_.view.width, frame_.view.height);
    if (wide()) {
      pack_->fill_16(target(plane, 0, 0), all, plane == 0 ? 16 << 2 : 128 << 2);
    } else {
      pack_->fill_8(target(plane, 0, 0), all, plane == 0 ? 16 : 128);
    }
  }
}

void PlanarFrame::copy(const FrameView& from) {
  const uint32_t width = std::min(from.width, frame_.view.width);
  const uint32_t height = std::min(from.height, frame_.view.height);
  if (width == 0 || height == 0) return;
  if (from.film_grain != nullptr) return copy_with_grain(from, width, height);
  const auto source = [&](size_t plane) {
    return SourcePlane{from.planes[plane].data, static_cast<ptrdiff_t>(from.planes[plane].stride)};
  };
  const auto copy_plane = wide() ? pack_->copy_16 : pack_->copy_8;
  const Band chroma = band_of(1, width, height);
  if (from.format == SampleFormat::kP010) {
    pack_->high_to_low_16(source(0), target(0, 0, 0), band_of(0, width, height), 10);
    pack_->deinterleave_high_to_low_16(source(1), target(1, 0, 0), target(2, 0, 0), chroma, 10);
    return;
  }
  copy_plane(source(0), target(0, 0, 0), band_of(0, width, height));
  if (from.format == SampleFormat::kNv12) {
    pack_->deinterleave_8(source(1), target(1, 0, 0), target(2, 0, 0), chroma);
  } else {
    copy_plane(source(1), target(1, 0, 0), chroma);
    copy_plane(source(2), target(2, 0, 0), chroma);
  }
}

void PlanarFrame::copy_with_grain(const FrameView& from, uint32_t width, uint32_t height) {
  const auto& kernels = gpu_kernels::av1_film_grain_functions(gpu_kernels::Substrate::kAuto);
  gpu_kernels::Av1FilmGrainFunctions::Planes planes;
  for (size_t i = 0; i < planes.size(); ++i) {
    planes[i] = {from.planes[i].data, static_cast<ptrdiff_t>(from.planes[i].stride)};
  }
  (wide() ? kernels.luma_10 : kernels.luma_8)(*from.film_grain, planes[0], target(0, 0, 0),
                                              {0, 0, band_of(0, width, height)});
  (wide() ? kernels.chroma_10 : kernels.chroma_8)(*from.film_grain, planes, target(1, 0, 0),
                                                  target(2, 0, 0),
                                                  {0, 0, band_of(1, width, height)});
}

void PlanarFrame::unpack(ImageFormat format, const LinearLayout& layout, const uint8_t* image,
                         const Rect& from, uint32_t x, uint32_t y) {
  // `left` in bytes.
  const auto source = [&](size_t plane, uint32_t left, uint32_t top) {
    return SourcePlane{image + layout.offset[plane] + size_t{layout.stride[plane]} * top + left,
                       static_cast<ptrdiff_t>(layout.stride[plane])};
  };
  const Band luma = band_of(0, from.width, from.height);
  const Band chroma = band_of(1, from.width, from.height);
  const TargetPlane y_plane = target(0, x, y);
  const TargetPlane u = target(1, x / 2, y / 2);
  const TargetPlane v = target(2, x / 2, y / 2);
  switch (format) {
    case ImageFormat::kNv12:
      pack_->copy_8(source(0, from.x, from.y), y_plane, luma);
      pack_->deinterleave_8(source(1, from.x, from.y / 2), u, v, chroma);
      break;
    case ImageFormat::kP010:
      pack_->high_to_low_16(source(0, from.x * 2, from.y), y_plane, luma, 10);
      pack_->deinterleave_high_to_low_16(source(1, from.x * 2, from.y / 2), u, v, chroma, 10);
      break;
    case ImageFormat::kI420:
    case ImageFormat::kYv12: {
      const bool swapped = format == ImageFormat::kYv12;
      pack_->copy_8(source(0, from.x, from.y), y_plane, luma);
      pack_->copy_8(source(1, from.x / 2, from.y / 2), swapped ? v : u, chroma);
      pack_->copy_8(source(2, from.x / 2, from.y / 2), swapped ? u : v, chroma);
      break;
    }
  }
}

// In samples of that plane.
TargetPlane PlanarFrame::target(size_t plane, uint32_t x, uint32_t y) const {
  const Plane& to = frame_.view.planes[plane];
  return {to.data + to.stride * y + x * (wide() ? 2 : 1), static_cast<ptrdiff_t>(to.stride)};
}

Result<FrameBuffer> add_film_grain(const FrameBuffer& frame) {
  if (frame.view.film_grain == nullptr) return frame;
  auto grained = PlanarFrame::allocate(frame.view.format, frame.view.width, frame.view.height);
  if (!grained) return grained.error();
  grained->copy(frame.view);
  return grained->buffer();
}

}  // namespace daedalus::core
