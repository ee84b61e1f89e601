// Film grain of the frame header (AV1 5.9.30).
#include <algorithm>

#include "decode_core/headers/av1_frame_reader.h"

namespace daedalus::headers {
namespace {

constexpr size_t kMaxLumaPoints = 14;
constexpr size_t kMaxChromaPoints = 10;

}  // namespace

Status Av1FrameReader::read_film_grain() {
  v4l2_ctrl_av1_film_grain& grain = header_.film_grain;
  const bool may_be_shown = (header_.frame.flags & (V4L2_AV1_FRAME_FLAG_SHOW_FRAME |
                                                    V4L2_AV1_FRAME_FLAG_SHOWABLE_FRAME)) != 0;
  if (!sequence_.has(V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT) || !may_be_shown) return {};
  if (!reader_.flag()) return {};
  const auto seed = static_cast<uint16_t>(reader_.u(16));
  if (header_.frame.frame_type == V4L2_AV1_INTER_FRAME && !reader_.flag()) {
    const auto slot = static_cast<uint8_t>(reader_.u(3));
    const auto& references = header_.frame.ref_frame_idx;
    if (std::find(std::begin(references), std::end(references), slot) == std::end(references)) {
      return Error{ErrorCode::kCorrupt, "AV1 film grain of a frame that is no reference"};
    }
    grain = slots_[slot]->film_grain;
    grain.flags &= static_cast<uint8_t>(~V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN);
    grain.film_grain_params_ref_idx = slot;
    grain.grain_seed = seed;
    return {};
  }
  grain.flags = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN | V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN;
  grain.grain_seed = seed;
  read_grain_points(&grain.num_y_points, grain.point_y_value, grain.point_y_scaling);
  if (grain.num_y_points > kMaxLumaPoints) {
    return Error{ErrorCode::kCorrupt, "AV1 film grain: num_y_points above 14"};
  }
  read_grain_chroma_points();
  if (grain.num_cb_points > kMaxChromaPoints || grain.num_cr_points > kMaxChromaPoints) {
    return Error{ErrorCode::kCorrupt, "AV1 film grain: num_cb_points or num_cr_points above 10"};
  }
  read_grain_coefficients();
  return {};
}

void Av1FrameReader::read_grain_points(uint8_t* count, uint8_t* values, uint8_t* scalings) {
  *count = static_cast<uint8_t>(reader_.u(4));
  for (size_t i = 0; i < *count; ++i) {
    values[i] = static_cast<uint8_t>(reader_.u(8));
    scalings[i] = static_cast<uint8_t>(reader_.u(8));
  }
}

void Av1FrameReader::read_grain_chroma_points() {
  v4l2_ctrl_av1_film_grain& grain = header_.film_grain;
  if (sequence_.monochrome) return;
  if (reader_.flag()) {
    grain.flags |= V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA;
    return;
  }
  if (subsampled() && grain.num_y_points == 0) return;
  read_grain_points(&grain.num_cb_points, grain.point_cb_value, grain.point_cb_scaling);
  read_grain_points(&grain.num_cr_points, grain.point_cr_value, grain.point_cr_scaling);
}

// grain_scaling_minus_8 to clip_to_restricted_range.
void Av1FrameReader::read_grain_coefficients() {
  v4l2_ctrl_av1_film_grain& grain = header_.film_grain;
  const bool from_luma = (grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA) != 0;
  grain.grain_scaling_minus_8 = static_cast<uint8_t>(reader_.u(2));
  grain.ar_coeff_lag = static_cast<uint8_t>(reader_.u(2));
  const size_t luma = size_t{2} * grain.ar_coeff_lag * (grain.ar_coeff_lag + 1);
  const size_t chroma = luma + (grain.num_y_points != 0 ? 1 : 0);
  const auto read = [this](uint8_t* coefficients, size_t count) {
    for (size_t i = 0; i < count; ++i) coefficients[i] = static_cast<uint8_t>(reader_.u(8));
  };
  if (grain.num_y_points != 0) read(grain.ar_coeffs_y_plus_128, luma);
  if (from_luma || grain.num_cb_points != 0) read(grain.ar_coeffs_cb_plus_128, chroma);
  if (from_luma || grain.num_cr_points != 0) read(grain.ar_coeffs_cr_plus_128, chroma);
  grain.ar_coeff_shift_minus_6 = static_cast<uint8_t>(reader_.u(2));
  grain.grain_scale_shift = static_cast<uint8_t>(reader_.u(2));
  if (grain.num_cb_points != 0) {
    grain.cb_mult = static_cast<uint8_t>(reader_.u(8));
    grain.cb_luma_mult = static_cast<uint8_t>(reader_.u(8));
    grain.cb_offset = static_cast<uint16_t>(reader_.u(9));
  }
  if (grain.num_cr_points != 0) {
    grain.cr_mult = static_cast<uint8_t>(reader_.u(8));
    grain.cr_luma_mult = static_cast<uint8_t>(reader_.u(8));
    grain.cr_offset = static_cast<uint16_t>(reader_.u(9));
  }
  if (reader_.flag()) grain.flags |= V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP;
  if (reader_.flag()) grain.flags |= V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE;
}

}  // namespace daedalus::headers
