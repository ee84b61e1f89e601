#include "decode_core/image.h"

#include "gpu_kernels/pack/pack.h"

namespace daedalus::core {

LinearLayout layout_of(ImageFormat format, uint32_t width, uint32_t height) {
  constexpr uint32_t kAlignment = 64;
  const auto align = [](uint32_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  };
  const uint32_t chroma_width = gpu_kernels::chroma_420(width);
  const uint32_t chroma_height = gpu_kernels::chroma_420(height);
  const uint32_t sample = format == ImageFormat::kP010 ? 2 : 1;
  const bool planar = format == ImageFormat::kI420 || format == ImageFormat::kYv12;

  LinearLayout layout;
  layout.plane_count = planar ? 3 : 2;
  // Half of the luma stride stays a multiple of 64 in the planar formats.
  const uint32_t luma_stride = planar ? align(chroma_width) * 2 : align(chroma_width * 2 * sample);
  layout.stride = {luma_stride, planar ? luma_stride / 2 : luma_stride,
                   planar ? luma_stride / 2 : 0};
  layout.offset[1] = luma_stride * height;
  size_t end = layout.offset[1] + size_t{layout.stride[1]} * chroma_height;
  if (planar) {
    layout.offset[2] = static_cast<uint32_t>(end);
    end += size_t{layout.stride[2]} * chroma_height;
  }
  layout.size = end;
  return layout;
}

}  // namespace daedalus::core
