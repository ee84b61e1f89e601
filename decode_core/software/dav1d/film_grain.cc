#include "decode_core/software/dav1d/film_grain.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "decode_core/planar_frame.h"
#include "decode_core/software/dav1d/picture_allocator.h"
namespace daedalus::core {
namespace {

template <size_t N>
void copy_points(const uint8_t* values, const uint8_t* scalings, int count,
                 uint8_t (&points)[N][2]) {
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    points[i][0] = values[i];
    points[i][1] = scalings[i];
  }
}

template <size_t N>
void copy_coefficients(const uint8_t* plus_128, size_t count, int8_t (&coefficients)[N]) {
  for (size_t i = 0; i < count; ++i) coefficients[i] = static_cast<int8_t>(plus_128[i] - 128);
}

void convert_chroma_points(const v4l2_ctrl_av1_film_grain& grain, Dav1dFilmGrainData& data) {
  data.num_uv_points[0] = grain.num_cb_points;
  data.num_uv_points[1] = grain.num_cr_points;
  copy_points(grain.point_cb_value, grain.point_cb_scaling, grain.num_cb_points, data.uv_points[0]);
  copy_points(grain.point_cr_value, grain.point_cr_scaling, grain.num_cr_points, data.uv_points[1]);
}

void convert_chroma(const v4l2_ctrl_av1_film_grain& grain, Dav1dFilmGrainData& data) {
  copy_coefficients(grain.ar_coeffs_cb_plus_128, V4L2_AV1_AR_COEFFS_SIZE, data.ar_coeffs_uv[0]);
  copy_coefficients(grain.ar_coeffs_cr_plus_128, V4L2_AV1_AR_COEFFS_SIZE, data.ar_coeffs_uv[1]);
  data.uv_mult[0] = grain.cb_mult - 128;
  data.uv_mult[1] = grain.cr_mult - 128;
  data.uv_luma_mult[0] = grain.cb_luma_mult - 128;
  data.uv_luma_mult[1] = grain.cr_luma_mult - 128;
  data.uv_offset[0] = grain.cb_offset - 256;
  data.uv_offset[1] = grain.cr_offset - 256;
}

Dav1dFilmGrainData convert(const v4l2_ctrl_av1_film_grain& grain, bool monochrome) {
  Dav1dFilmGrainData data{};
  data.seed = grain.grain_seed;
  data.num_y_points = grain.num_y_points;
  copy_points(grain.point_y_value, grain.point_y_scaling, grain.num_y_points, data.y_points);
  data.scaling_shift = grain.grain_scaling_minus_8 + 8;
  data.ar_coeff_lag = grain.ar_coeff_lag;
  copy_coefficients(grain.ar_coeffs_y_plus_128, std::size(data.ar_coeffs_y), data.ar_coeffs_y);
  data.ar_coeff_shift = grain.ar_coeff_shift_minus_6 + 6u;
  data.grain_scale_shift = grain.grain_scale_shift;
  data.overlap_flag = (grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP) != 0;
  data.clip_to_restricted_range =
      (grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE) != 0;
  if (!monochrome) {
    data.chroma_scaling_from_luma =
        (grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA) != 0;
    if (data.chroma_scaling_from_luma == 0) convert_chroma_points(grain, data);
    convert_chroma(grain, data);
  }
  return data;
}

// Whether chroma has noise that is scaled by nothing: what is left is the clipping. dav1d 1.0 does
// not see it.
bool only_clips_chroma(const Dav1dFilmGrainData& data) {
  return data.num_y_points == 0 && data.chroma_scaling_from_luma != 0 &&
         data.clip_to_restricted_range != 0;
}

template <typename Sample>
void clip(const Plane& plane, size_t width, size_t height, Sample low, Sample high) {
  for (size_t row = 0; row < height; ++row) {
    auto* samples = reinterpret_cast<Sample*>(plane.data + row * plane.stride);
    for (size_t i = 0; i < width; ++i) samples[i] = std::clamp(samples[i], low, high);
  }
}

// To the restricted range, 7.18.3.5.
void clip_chroma(const FrameView& view) {
  const size_t width = (view.width + 1) / 2;
  const size_t height = (view.height + 1) / 2;
  for (size_t plane = 1; plane < 3; ++plane) {
    if (view.format == SampleFormat::kI42010) {
      clip<uint16_t>(view.planes[plane], width, height, 16 << 2, 240 << 2);
    } else {
      clip<uint8_t>(view.planes[plane], width, height, 16, 240);
    }
  }
}

}  // namespace

Result<FrameBuffer> apply_film_grain(Dav1dContext& decoder, const Dav1dPicture& picture,
                                     const v4l2_ctrl_av1_film_grain& grain) {
  const Dav1dFilmGrainData data = convert(grain, picture.p.layout == DAV1D_PIXEL_LAYOUT_I400);
  if (only_clips_chroma(data)) {
    const FrameView view = PictureAllocator::buffer_of(picture).view;
    auto copy = PlanarFrame::allocate(view.format, view.width, view.height);
    if (!copy) return copy.error();
    copy->copy(view);
    clip_chroma(copy->buffer().view);
    return copy->buffer();
  }
  // dav1d takes the grain from the picture's header, where it is none: we never write it.
  Dav1dFrameHeader header = *picture.frame_hdr;
  header.film_grain.data = data;
  Dav1dPicture clean = picture;
  clean.frame_hdr = &header;
  Dav1dPicture grained{};
  if (dav1d_apply_grain(&decoder, &grained, &clean) != 0) {
    return Error{ErrorCode::kOutOfMemory, "no memory for a picture with film grain"};
  }
  FrameBuffer buffer = PictureAllocator::buffer_of(grained);
  dav1d_picture_unref(&grained);
  return buffer;
}

}  // namespace daedalus::core
