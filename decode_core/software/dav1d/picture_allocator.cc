#include "decode_core/software/dav1d/picture_allocator.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <new>

namespace daedalus::core {
namespace {

using MemoryOwner = std::shared_ptr<FrameMemory>;

// Where the planes lie in a picture's memory, in bytes.
struct PictureLayout {
  std::array<size_t, 3> offset{};
  std::array<size_t, 3> stride{};
  size_t size = 0;
};

// dav1d works on whole blocks of 128x128 luma samples, and reads a little beyond.
PictureLayout layout_of(uint32_t width, uint32_t height, size_t sample) {
  constexpr size_t kBlock = 128;
  const auto whole_blocks = [](size_t samples) { return (samples + kBlock - 1) / kBlock * kBlock; };
  // Rows that all begin in the same cache set are slow.
  const auto stride_of = [](size_t bytes) {
    return bytes % 1024 == 0 ? bytes + DAV1D_PICTURE_ALIGNMENT : bytes;
  };
  const size_t luma = stride_of(whole_blocks(width) * sample);
  const size_t chroma = stride_of(whole_blocks(width) / 2 * sample);
  const size_t rows = whole_blocks(height);
  PictureLayout layout;
  layout.stride = {luma, chroma, chroma};
  const std::array<size_t, 3> plane_rows = {rows, rows / 2, rows / 2};
  for (size_t plane = 0; plane < 3; ++plane) {
    layout.offset[plane] = layout.size;
    layout.size += layout.stride[plane] * plane_rows[plane] + DAV1D_PICTURE_ALIGNMENT;
  }
  return layout;
}

FrameBuffer view_of(const MemoryOwner& memory, SampleFormat format, uint32_t width,
                    uint32_t height) {
  const PictureLayout layout = layout_of(width, height, format == SampleFormat::kI42010 ? 2 : 1);
  FrameBuffer buffer{{format, width, height, {}}, memory};
  for (size_t plane = 0; plane < 3; ++plane) {
    buffer.view.planes[plane] = {memory->data() + layout.offset[plane], layout.stride[plane]};
  }
  return buffer;
}

void make_grey(const FrameView& view, size_t plane) {
  const size_t width = plane == 0 ? view.width : (view.width + 1) / 2;
  const size_t height = plane == 0 ? view.height : (view.height + 1) / 2;
  for (size_t row = 0; row < height; ++row) {
    uint8_t* to = view.planes[plane].data + row * view.planes[plane].stride;
    if (view.format == SampleFormat::kI42010) {
      std::fill_n(reinterpret_cast<uint16_t*>(to), width, uint16_t{512});
    } else {
      std::fill_n(to, width, uint8_t{128});
    }
  }
}

SampleFormat format_of(const Dav1dPictureParameters& parameters) {
  return parameters.bpc > 8 ? SampleFormat::kI42010 : SampleFormat::kI420;
}

FrameBuffer view_of(const MemoryOwner& memory, const Dav1dPictureParameters& parameters) {
  return view_of(memory, format_of(parameters), static_cast<uint32_t>(parameters.w),
                 static_cast<uint32_t>(parameters.h));
}

}  // namespace

Dav1dPicAllocator PictureAllocator::callbacks() {
  return {this, &PictureAllocator::allocate, &PictureAllocator::release};
}

FrameBuffer PictureAllocator::buffer_of(const Dav1dPicture& picture) {
  return view_of(*static_cast<const MemoryOwner*>(picture.allocator_data), picture.p);
}

Result<FrameBuffer> PictureAllocator::allocate(SampleFormat format, uint32_t width,
                                               uint32_t height) {
  const size_t sample = format == SampleFormat::kI42010 ? 2 : 1;
  auto memory = pool_.allocate(layout_of(width, height, sample).size);
  if (!memory) return memory.error();
  return view_of(*memory, format, width, height);
}

Result<FrameBuffer> PictureAllocator::grey(SampleFormat format, uint32_t width, uint32_t height) {
  auto buffer = allocate(format, width, height);
  if (!buffer) return buffer;
  for (size_t plane = 0; plane < 3; ++plane) make_grey(buffer->view, plane);
  return buffer;
}

int PictureAllocator::allocate(Dav1dPicture* picture, void* cookie) {
  const Dav1dPictureParameters& parameters = picture->p;
  const bool monochrome = parameters.layout == DAV1D_PIXEL_LAYOUT_I400;
  if ((!monochrome && parameters.layout != DAV1D_PIXEL_LAYOUT_I420) || parameters.bpc > 10) {
    return DAV1D_ERR(EINVAL);
  }
  const PictureLayout layout =
      layout_of(static_cast<uint32_t>(parameters.w), static_cast<uint32_t>(parameters.h),
                parameters.bpc > 8 ? 2 : 1);
  try {  // nothing may pass through dav1d's frames
    auto memory = static_cast<PictureAllocator*>(cookie)->pool_.allocate(layout.size);
    if (!memory) return DAV1D_ERR(ENOMEM);
    auto owner = std::make_unique<MemoryOwner>(std::move(*memory));
    const FrameBuffer buffer = view_of(*owner, parameters);
    for (size_t plane = 0; plane < 3; ++plane) {
      picture->data[plane] = monochrome && plane > 0 ? nullptr : buffer.view.planes[plane].data;
      if (monochrome && plane > 0) make_grey(buffer.view, plane);
    }
    picture->stride[0] = static_cast<ptrdiff_t>(layout.stride[0]);
    picture->stride[1] = static_cast<ptrdiff_t>(layout.stride[1]);
    picture->allocator_data = owner.release();  // for release()
  } catch (const std::bad_alloc&) {
    return DAV1D_ERR(ENOMEM);
  }
  return 0;
}

void PictureAllocator::release(Dav1dPicture* picture, void* /*cookie*/) {
  const std::unique_ptr<MemoryOwner> owner(static_cast<MemoryOwner*>(picture->allocator_data));
}

}  // namespace daedalus::core
