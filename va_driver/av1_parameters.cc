#include "va_driver/av1_parameters.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "base/enum_value.h"
#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/headers/av1_warp.h"

namespace daedalus::va {
namespace {

template <typename Flags>
void set(Flags& flags, bool condition, uint32_t value) {
  if (condition) flags = static_cast<Flags>(flags | value);
}

// One direction of the tiles.
struct TileAxis {
  uint32_t samples;
  uint32_t count;
  std::array<uint16_t, 64> sizes_minus_1{};  // in superblocks; va.h has no place for the last of 64

  TileAxis(uint32_t length, uint32_t tiles, const uint16_t (&sizes)[63])
      : samples(length), count(tiles) {
    std::copy(std::begin(sizes), std::end(sizes), sizes_minus_1.begin());
  }
  // Uniform tiles are all as large but the last: the size that gives this count (5.9.15).
  static uint32_t uniform_size(uint32_t superblocks, uint32_t tiles) {
    for (unsigned log2 = 0; log2 <= 6; ++log2) {
      const uint32_t size = (superblocks + (1u << log2) - 1) >> log2;
      if ((superblocks + size - 1) / size >= tiles) return size;
    }
    return 1;
  }
  // The last tile takes what is left, whatever the client says of it.
  void fill(bool uniform, unsigned superblock_shift, __u32* out_sizes_minus_1,
            __u32* mi_starts) const {
    const uint32_t superblocks = (samples + (1u << superblock_shift) - 1) >> superblock_shift;
    const uint32_t mi_count = 2 * ((samples + 7) >> 3);
    uint32_t position = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t left = superblocks - position;
      uint32_t size = uniform ? uniform_size(superblocks, count) : sizes_minus_1[i] + 1u;
      if (i + 1 == count || size > left) size = left;
      out_sizes_minus_1[i] = std::max(size, 1u) - 1;
      mi_starts[i] = std::min(position << (superblock_shift - 2), mi_count);
      position += size;
    }
    mi_starts[count] = mi_count;
  }
};

class ParameterReader {
 public:
  explicit ParameterReader(const VADecPictureParameterBufferAV1& picture) : picture_(picture) {}

  v4l2_ctrl_av1_sequence sequence() const;
  v4l2_ctrl_av1_frame frame() const;
  v4l2_ctrl_av1_film_grain film_grain() const;

 private:
  bool intra() const { return headers::av1_is_intra(picture_.pic_info_fields.bits.frame_type); }
  uint32_t frame_flags() const;
  v4l2_av1_tile_info tile_info(uint32_t width) const;
  v4l2_av1_quantization quantization() const;
  v4l2_av1_segmentation segmentation() const;
  v4l2_av1_loop_filter loop_filter() const;
  v4l2_av1_cdef cdef() const;
  v4l2_av1_loop_restoration loop_restoration() const;
  v4l2_av1_global_motion global_motion() const;

  const VADecPictureParameterBufferAV1& picture_;
};

// The tools that VA does not tell are taken as allowed: each frame says what it uses.
v4l2_ctrl_av1_sequence ParameterReader::sequence() const {
  const auto& info = picture_.seq_info_fields.fields;
  v4l2_ctrl_av1_sequence out{};
  out.flags = V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION |
              V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS | V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES |
              V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION |
              V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q;
  set(out.flags, info.still_picture, V4L2_AV1_SEQUENCE_FLAG_STILL_PICTURE);
  set(out.flags, info.use_128x128_superblock, V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK);
  set(out.flags, info.enable_filter_intra, V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA);
  set(out.flags, info.enable_intra_edge_filter, V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER);
  set(out.flags, info.enable_interintra_compound,
      V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND);
  set(out.flags, info.enable_masked_compound, V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND);
  set(out.flags, info.enable_dual_filter, V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER);
  set(out.flags, info.enable_order_hint, V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT);
  set(out.flags, info.enable_jnt_comp, V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP);
  set(out.flags, info.enable_cdef, V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF);
  set(out.flags, info.mono_chrome, V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME);
  set(out.flags, info.color_range, V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE);
  set(out.flags, info.film_grain_params_present, V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT);
  out.flags |= V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X | V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y;
  if (info.enable_order_hint) {
    out.order_hint_bits = static_cast<uint8_t>((picture_.order_hint_bits_minus_1 & 7) + 1);
  }
  out.bit_depth = picture_.bit_depth_idx == 0 ? 8 : 10;
  out.max_frame_width_minus_1 = picture_.frame_width_minus1;
  out.max_frame_height_minus_1 = picture_.frame_height_minus1;
  return out;
}

uint32_t ParameterReader::frame_flags() const {
  const auto& info = picture_.pic_info_fields.bits;
  const auto& mode = picture_.mode_control_fields.bits;
  uint32_t flags = 0;
  set(flags, info.show_frame, V4L2_AV1_FRAME_FLAG_SHOW_FRAME);
  set(flags, info.showable_frame, V4L2_AV1_FRAME_FLAG_SHOWABLE_FRAME);
  set(flags, info.error_resilient_mode, V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
  set(flags, info.disable_cdf_update, V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE);
  set(flags, info.allow_screen_content_tools, V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS);
  set(flags, info.force_integer_mv, V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
  set(flags, info.allow_intrabc, V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC);
  set(flags, info.use_superres, V4L2_AV1_FRAME_FLAG_USE_SUPERRES);
  set(flags, info.allow_high_precision_mv, V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV);
  set(flags, info.is_motion_mode_switchable, V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE);
  set(flags, info.use_ref_frame_mvs, V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS);
  set(flags, info.disable_frame_end_update_cdf, V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF);
  set(flags, info.allow_warped_motion, V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION);
  set(flags, mode.reference_select, V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT);
  set(flags, mode.reduced_tx_set_used, V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET);
  set(flags, mode.skip_mode_present, V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT);
  return flags;
}

v4l2_ctrl_av1_frame ParameterReader::frame() const {
  constexpr uint8_t kNoSuperres = 8, kMostSuperres = 16;
  const auto& mode = picture_.mode_control_fields.bits;
  v4l2_ctrl_av1_frame out{};
  out.flags = frame_flags();
  out.frame_type = static_cast<v4l2_av1_frame_type>(picture_.pic_info_fields.bits.frame_type);
  out.order_hint = picture_.order_hint;
  out.primary_ref_frame = picture_.primary_ref_frame;
  out.upscaled_width = picture_.frame_width_minus1 + 1u;
  out.superres_denom = kNoSuperres;
  if (picture_.pic_info_fields.bits.use_superres) {
    out.superres_denom =
        std::clamp(picture_.superres_scale_denominator, kNoSuperres, kMostSuperres);
  }
  out.frame_width_minus_1 =
      (out.upscaled_width * kNoSuperres + out.superres_denom / 2) / out.superres_denom - 1;
  out.frame_height_minus_1 = picture_.frame_height_minus1;
  out.render_width_minus_1 = picture_.frame_width_minus1;
  out.render_height_minus_1 = picture_.frame_height_minus1;
  out.interpolation_filter = static_cast<v4l2_av1_interpolation_filter>(
      std::min<uint8_t>(picture_.interp_filter, V4L2_AV1_INTERPOLATION_FILTER_SWITCHABLE));
  out.tx_mode =
      static_cast<v4l2_av1_tx_mode>(std::min<uint32_t>(mode.tx_mode, V4L2_AV1_TX_MODE_SELECT));
  out.tile_info = tile_info(out.frame_width_minus_1 + 1);
  out.quantization = quantization();
  out.segmentation = segmentation();
  out.loop_filter = loop_filter();
  // Where it is not coded (5.9.11) clients differ on what it is.
  if (picture_.pic_info_fields.bits.allow_intrabc || headers::av1_is_coded_lossless(out)) {
    out.loop_filter.flags &= static_cast<uint8_t>(~V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED);
  }
  out.cdef = cdef();
  out.loop_restoration = loop_restoration();
  out.global_motion = global_motion();
  for (size_t i = 0; i < V4L2_AV1_REFS_PER_FRAME; ++i) {
    out.ref_frame_idx[i] = intra() ? int8_t{0} : static_cast<int8_t>(picture_.ref_frame_idx[i]);
  }
  return out;
}

v4l2_av1_tile_info ParameterReader::tile_info(uint32_t width) const {
  v4l2_av1_tile_info out{};
  const bool uniform = picture_.pic_info_fields.bits.uniform_tile_spacing_flag;
  set(out.flags, uniform, V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING);
  out.context_update_tile_id = static_cast<uint8_t>(picture_.context_update_tile_id);
  out.tile_cols = picture_.tile_cols;
  out.tile_rows = picture_.tile_rows;
  // TileSizeBytes, of several tiles alone.
  if (picture_.tile_cols * picture_.tile_rows > 1) out.tile_size_bytes = 4;
  const unsigned shift = picture_.seq_info_fields.fields.use_128x128_superblock ? 7 : 6;
  TileAxis(width, picture_.tile_cols, picture_.width_in_sbs_minus_1)
      .fill(uniform, shift, out.width_in_sbs_minus_1, out.mi_col_starts);
  TileAxis(picture_.frame_height_minus1 + 1u, picture_.tile_rows, picture_.height_in_sbs_minus_1)
      .fill(uniform, shift, out.height_in_sbs_minus_1, out.mi_row_starts);
  return out;
}

v4l2_av1_quantization ParameterReader::quantization() const {
  v4l2_av1_quantization out{};
  const auto& mode = picture_.mode_control_fields.bits;
  const auto& matrix = picture_.qmatrix_fields.bits;
  out.base_q_idx = picture_.base_qindex;
  out.delta_q_y_dc = picture_.y_dc_delta_q;
  out.delta_q_u_dc = picture_.u_dc_delta_q;
  out.delta_q_u_ac = picture_.u_ac_delta_q;
  out.delta_q_v_dc = picture_.v_dc_delta_q;
  out.delta_q_v_ac = picture_.v_ac_delta_q;
  set(out.flags, out.delta_q_u_dc != out.delta_q_v_dc || out.delta_q_u_ac != out.delta_q_v_ac,
      V4L2_AV1_QUANTIZATION_FLAG_DIFF_UV_DELTA);
  set(out.flags, matrix.using_qmatrix, V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX);
  set(out.flags, mode.delta_q_present_flag, V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT);
  if (matrix.using_qmatrix) {
    out.qm_y = static_cast<uint8_t>(matrix.qm_y);
    out.qm_u = static_cast<uint8_t>(matrix.qm_u);
    out.qm_v = static_cast<uint8_t>(matrix.qm_v);
  }
  out.delta_q_res = static_cast<uint8_t>(mode.log2_delta_q_res);
  return out;
}

v4l2_av1_segmentation ParameterReader::segmentation() const {
  const VASegmentationStructAV1& from = picture_.seg_info;
  v4l2_av1_segmentation out{};
  const auto& info = from.segment_info_fields.bits;
  if (!info.enabled) return out;
  out.flags = V4L2_AV1_SEGMENTATION_FLAG_ENABLED;
  set(out.flags, info.update_map, V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP);
  set(out.flags, info.temporal_update, V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE);
  set(out.flags, info.update_data, V4L2_AV1_SEGMENTATION_FLAG_UPDATE_DATA);
  static_assert(sizeof out.feature_data == sizeof from.feature_data);
  std::memcpy(out.feature_data, from.feature_data, sizeof out.feature_data);
  std::copy(std::begin(from.feature_mask), std::end(from.feature_mask), out.feature_enabled);
  for (size_t segment = 0; segment < V4L2_AV1_MAX_SEGMENTS; ++segment) {
    if (out.feature_enabled[segment] == 0) continue;
    out.last_active_seg_id = static_cast<uint8_t>(segment);
    set(out.flags, out.feature_enabled[segment] >> V4L2_AV1_SEG_LVL_REF_FRAME != 0,
        V4L2_AV1_SEGMENTATION_FLAG_SEG_ID_PRE_SKIP);
  }
  return out;
}

v4l2_av1_loop_filter ParameterReader::loop_filter() const {
  v4l2_av1_loop_filter out{};
  const auto& info = picture_.loop_filter_info_fields.bits;
  const auto& mode = picture_.mode_control_fields.bits;
  out.level[0] = picture_.filter_level[0];
  out.level[1] = picture_.filter_level[1];
  out.level[2] = picture_.filter_level_u;
  out.level[3] = picture_.filter_level_v;
  out.sharpness = static_cast<uint8_t>(info.sharpness_level);
  set(out.flags, info.mode_ref_delta_enabled, V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED);
  set(out.flags, info.mode_ref_delta_update, V4L2_AV1_LOOP_FILTER_FLAG_DELTA_UPDATE);
  set(out.flags, mode.delta_lf_present_flag, V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT);
  set(out.flags, mode.delta_lf_multi, V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI);
  std::copy(std::begin(picture_.ref_deltas), std::end(picture_.ref_deltas), out.ref_deltas);
  std::copy(std::begin(picture_.mode_deltas), std::end(picture_.mode_deltas), out.mode_deltas);
  out.delta_lf_res = static_cast<uint8_t>(mode.log2_delta_lf_res);
  return out;
}

v4l2_av1_cdef ParameterReader::cdef() const {
  v4l2_av1_cdef out{};
  out.damping_minus_3 = picture_.cdef_damping_minus_3 & 3;
  out.bits = picture_.cdef_bits & 3;
  const auto unpack = [](const uint8_t* packed, __u8* primary, __u8* secondary) {
    for (size_t i = 0; i < V4L2_AV1_CDEF_MAX; ++i) {
      primary[i] = packed[i] >> 2 & 15;
      secondary[i] = (packed[i] & 3) == 3 ? 4 : packed[i] & 3;
    }
  };
  unpack(picture_.cdef_y_strengths, out.y_pri_strength, out.y_sec_strength);
  unpack(picture_.cdef_uv_strengths, out.uv_pri_strength, out.uv_sec_strength);
  return out;
}

v4l2_av1_loop_restoration ParameterReader::loop_restoration() const {
  constexpr uint32_t kMaxUnit = 256;
  const auto& from = picture_.loop_restoration_fields.bits;
  v4l2_av1_loop_restoration out{};
  out.frame_restoration_type[0] =
      static_cast<v4l2_av1_frame_restoration_type>(from.yframe_restoration_type);
  out.frame_restoration_type[1] =
      static_cast<v4l2_av1_frame_restoration_type>(from.cbframe_restoration_type);
  out.frame_restoration_type[2] =
      static_cast<v4l2_av1_frame_restoration_type>(from.crframe_restoration_type);
  const bool chroma = from.cbframe_restoration_type != 0 || from.crframe_restoration_type != 0;
  set(out.flags, chroma || from.yframe_restoration_type != 0,
      V4L2_AV1_LOOP_RESTORATION_FLAG_USES_LR);
  set(out.flags, chroma, V4L2_AV1_LOOP_RESTORATION_FLAG_USES_CHROMA_LR);
  if (out.flags == 0) return out;
  out.lr_unit_shift = static_cast<uint8_t>(std::min<uint32_t>(from.lr_unit_shift, 2));
  out.lr_uv_shift = static_cast<uint8_t>(from.lr_uv_shift);
  out.loop_restoration_size[0] = kMaxUnit >> (2 - out.lr_unit_shift);
  out.loop_restoration_size[1] = out.loop_restoration_size[0] >> out.lr_uv_shift;
  out.loop_restoration_size[2] = out.loop_restoration_size[1];
  return out;
}

// The flags and `invalid` are for hardware, which takes the structure as it is: dav1d has neither.
v4l2_av1_global_motion ParameterReader::global_motion() const {
  constexpr int32_t kUnity = 1 << 16;
  v4l2_av1_global_motion out{};
  for (auto& parameters : out.params) parameters[2] = parameters[5] = kUnity;
  if (intra()) return out;
  for (size_t i = 0; i < V4L2_AV1_REFS_PER_FRAME; ++i) {
    const VAWarpedMotionParamsAV1& from = picture_.wm[i];
    const size_t reference = V4L2_AV1_REF_LAST_FRAME + i;
    const auto type = plain(from.wmtype);
    if (type <= V4L2_AV1_WARP_MODEL_IDENTITY || type > V4L2_AV1_WARP_MODEL_AFFINE) continue;
    out.type[reference] = static_cast<v4l2_av1_warp_model>(type);
    out.flags[reference] = V4L2_AV1_GLOBAL_MOTION_FLAG_IS_GLOBAL;
    set(out.flags[reference], type == V4L2_AV1_WARP_MODEL_ROTZOOM,
        V4L2_AV1_GLOBAL_MOTION_FLAG_IS_ROT_ZOOM);
    set(out.flags[reference], type == V4L2_AV1_WARP_MODEL_TRANSLATION,
        V4L2_AV1_GLOBAL_MOTION_FLAG_IS_TRANSLATION);
    std::copy_n(from.wmmat, std::size(out.params[reference]), out.params[reference]);
    set(out.invalid,
        type >= V4L2_AV1_WARP_MODEL_ROTZOOM && !headers::av1_warp_is_valid(out.params[reference]),
        V4L2_AV1_GLOBAL_MOTION_IS_INVALID(reference));
  }
  return out;
}

v4l2_ctrl_av1_film_grain ParameterReader::film_grain() const {
  const VAFilmGrainStructAV1& from = picture_.film_grain_info;
  const auto& info = from.film_grain_info_fields.bits;
  v4l2_ctrl_av1_film_grain out{};
  if (!info.apply_grain) return out;
  out.flags = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN | V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN;
  set(out.flags, info.chroma_scaling_from_luma, V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA);
  set(out.flags, info.overlap_flag, V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP);
  set(out.flags, info.clip_to_restricted_range, V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE);
  out.grain_seed = from.grain_seed;
  const auto points = [](uint8_t count, const uint8_t* values, const uint8_t* scalings,
                         __u8* out_count, __u8* out_values, __u8* out_scalings) {
    *out_count = count;
    std::copy_n(values, count, out_values);
    std::copy_n(scalings, count, out_scalings);
  };
  points(from.num_y_points, from.point_y_value, from.point_y_scaling, &out.num_y_points,
         out.point_y_value, out.point_y_scaling);
  points(from.num_cb_points, from.point_cb_value, from.point_cb_scaling, &out.num_cb_points,
         out.point_cb_value, out.point_cb_scaling);
  points(from.num_cr_points, from.point_cr_value, from.point_cr_scaling, &out.num_cr_points,
         out.point_cr_value, out.point_cr_scaling);
  out.grain_scaling_minus_8 = static_cast<uint8_t>(info.grain_scaling_minus_8);
  out.ar_coeff_lag = static_cast<uint8_t>(info.ar_coeff_lag);
  const auto coefficients = [](const auto& signed_values, __u8* biased) {
    std::transform(std::begin(signed_values), std::end(signed_values), biased,
                   [](int8_t value) { return static_cast<uint8_t>(value + 128); });
  };
  coefficients(from.ar_coeffs_y, out.ar_coeffs_y_plus_128);
  coefficients(from.ar_coeffs_cb, out.ar_coeffs_cb_plus_128);
  coefficients(from.ar_coeffs_cr, out.ar_coeffs_cr_plus_128);
  out.ar_coeff_shift_minus_6 = static_cast<uint8_t>(info.ar_coeff_shift_minus_6);
  out.grain_scale_shift = static_cast<uint8_t>(info.grain_scale_shift);
  out.cb_mult = from.cb_mult;
  out.cb_luma_mult = from.cb_luma_mult;
  out.cb_offset = from.cb_offset;
  out.cr_mult = from.cr_mult;
  out.cr_luma_mult = from.cr_luma_mult;
  out.cr_offset = from.cr_offset;
  return out;
}

}  // namespace

core::Av1Parameters av1_parameters(const VADecPictureParameterBufferAV1& picture) {
  const ParameterReader reader(picture);
  core::Av1Parameters parameters;
  parameters.sequence = reader.sequence();
  parameters.frame = reader.frame();
  parameters.film_grain = reader.film_grain();
  return parameters;
}

}  // namespace daedalus::va
