#include <algorithm>
#include <cstring>
#include <iterator>

#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {
namespace {

class Av1Translation {
 public:
  Av1Translation(const core::DecodeJob& job, const SurfaceOf& surface_of)
      : job_(job),
        p_(std::get<core::Av1Parameters>(job.parameters)),
        f_(p_.frame),
        surface_of_(surface_of) {}

  PictureBuffers run() const {
    PictureBuffers buffers;
    buffers.picture.push_back(
        ParameterBuffer::of(VAPictureParameterBufferType, picture_parameters()));
    for (size_t i = 0; i < job_.slices.size(); ++i) {
      buffers.slices.push_back(ParameterBuffer::of(VASliceParameterBufferType, tile_parameters(i)));
      buffers.slices.push_back(ParameterBuffer::of_data(job_.bytes_of(job_.slices[i])));
    }
    return buffers;
  }

 private:
  bool sequence(uint32_t flag) const { return (p_.sequence.flags & flag) != 0; }
  bool frame(uint32_t flag) const { return (f_.flags & flag) != 0; }
  bool grain(uint32_t flag) const { return (p_.film_grain.flags & flag) != 0; }

  VADecPictureParameterBufferAV1 picture_parameters() const {
    VADecPictureParameterBufferAV1 v{};
    v.order_hint_bits_minus_1 =
        static_cast<uint8_t>(std::max<uint8_t>(p_.sequence.order_hint_bits, 1) - 1);
    v.bit_depth_idx = p_.sequence.bit_depth == 8 ? 0 : 1;
    fill_sequence(v);
    v.current_frame = surface_of_(job_.target);
    v.current_display_picture = surface_of_(job_.display);
    v.frame_width_minus1 = static_cast<uint16_t>(f_.upscaled_width - 1);
    v.frame_height_minus1 = static_cast<uint16_t>(f_.frame_height_minus_1);
    fill_references(v);
    fill_segmentation(v);
    if (grain(V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN)) fill_grain(v.film_grain_info);
    fill_tiles(v);
    fill_frame(v);
    fill_loop_filter(v);
    fill_quantizers(v);
    fill_modes(v);
    fill_filters(v);
    fill_motion(v);
    return v;
  }

  void fill_sequence(VADecPictureParameterBufferAV1& v) const {
    auto& b = v.seq_info_fields.fields;
    b.still_picture = sequence(V4L2_AV1_SEQUENCE_FLAG_STILL_PICTURE);
    b.use_128x128_superblock = sequence(V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK);
    b.enable_filter_intra = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA);
    b.enable_intra_edge_filter = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER);
    b.enable_interintra_compound = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND);
    b.enable_masked_compound = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND);
    b.enable_dual_filter = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER);
    b.enable_order_hint = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT);
    b.enable_jnt_comp = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP);
    b.enable_cdef = sequence(V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF);
    b.mono_chrome = sequence(V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME);
    b.color_range = sequence(V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE);
    b.subsampling_x = sequence(V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X);
    b.subsampling_y = sequence(V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y);
    b.film_grain_params_present = sequence(V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT);
  }

  // As ffmpeg and GStreamer do, a shown key frame names no surfaces: it replaces them all.
  void fill_references(VADecPictureParameterBufferAV1& v) const {
    const bool none = f_.frame_type == V4L2_AV1_KEY_FRAME && frame(V4L2_AV1_FRAME_FLAG_SHOW_FRAME);
    for (size_t i = 0; i < std::size(v.ref_frame_map); ++i) {
      v.ref_frame_map[i] = none ? VA_INVALID_SURFACE : surface_of_(job_.references[i]);
    }
    std::copy(std::begin(f_.ref_frame_idx), std::end(f_.ref_frame_idx), v.ref_frame_idx);
    v.primary_ref_frame = f_.primary_ref_frame;
    v.order_hint = static_cast<uint8_t>(f_.order_hint);
  }

  void fill_segmentation(VADecPictureParameterBufferAV1& v) const {
    const v4l2_av1_segmentation& s = f_.segmentation;
    auto& b = v.seg_info.segment_info_fields.bits;
    b.enabled = (s.flags & V4L2_AV1_SEGMENTATION_FLAG_ENABLED) != 0;
    b.update_map = (s.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP) != 0;
    b.temporal_update = (s.flags & V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE) != 0;
    b.update_data = (s.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_DATA) != 0;
    static_assert(sizeof v.seg_info.feature_data == sizeof s.feature_data);
    std::memcpy(v.seg_info.feature_data, s.feature_data, sizeof s.feature_data);
    std::copy(std::begin(s.feature_enabled), std::end(s.feature_enabled), v.seg_info.feature_mask);
  }

  void fill_grain(VAFilmGrainStructAV1& v) const {
    const v4l2_ctrl_av1_film_grain& g = p_.film_grain;
    auto& b = v.film_grain_info_fields.bits;
    b.apply_grain = 1;
    b.chroma_scaling_from_luma = grain(V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA);
    b.grain_scaling_minus_8 = g.grain_scaling_minus_8;
    b.ar_coeff_lag = g.ar_coeff_lag;
    b.ar_coeff_shift_minus_6 = g.ar_coeff_shift_minus_6;
    b.grain_scale_shift = g.grain_scale_shift;
    b.overlap_flag = grain(V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP);
    b.clip_to_restricted_range = grain(V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE);
    v.grain_seed = g.grain_seed;
    v.num_y_points = g.num_y_points;
    v.num_cb_points = g.num_cb_points;
    v.num_cr_points = g.num_cr_points;
    const auto copy = [](const auto& from, auto& to) {
      std::copy_n(from, std::min(std::size(from), std::size(to)), to);
    };
    copy(g.point_y_value, v.point_y_value);
    copy(g.point_y_scaling, v.point_y_scaling);
    copy(g.point_cb_value, v.point_cb_value);
    copy(g.point_cb_scaling, v.point_cb_scaling);
    copy(g.point_cr_value, v.point_cr_value);
    copy(g.point_cr_scaling, v.point_cr_scaling);
    const auto unbias = [](const auto& from, auto& to) {
      for (size_t i = 0; i < std::size(to); ++i) to[i] = static_cast<int8_t>(from[i] - 128);
    };
    unbias(g.ar_coeffs_y_plus_128, v.ar_coeffs_y);
    unbias(g.ar_coeffs_cb_plus_128, v.ar_coeffs_cb);
    unbias(g.ar_coeffs_cr_plus_128, v.ar_coeffs_cr);
    v.cb_mult = g.cb_mult;
    v.cb_luma_mult = g.cb_luma_mult;
    v.cb_offset = g.cb_offset;
    v.cr_mult = g.cr_mult;
    v.cr_luma_mult = g.cr_luma_mult;
    v.cr_offset = g.cr_offset;
  }

  void fill_tiles(VADecPictureParameterBufferAV1& v) const {
    const v4l2_av1_tile_info& t = f_.tile_info;
    v.tile_cols = t.tile_cols;
    v.tile_rows = t.tile_rows;
    v.context_update_tile_id = t.context_update_tile_id;
    v.pic_info_fields.bits.uniform_tile_spacing_flag =
        (t.flags & V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING) != 0;
    std::copy_n(t.width_in_sbs_minus_1, std::size(v.width_in_sbs_minus_1), v.width_in_sbs_minus_1);
    std::copy_n(t.height_in_sbs_minus_1, std::size(v.height_in_sbs_minus_1),
                v.height_in_sbs_minus_1);
  }

  void fill_frame(VADecPictureParameterBufferAV1& v) const {
    auto& b = v.pic_info_fields.bits;
    b.frame_type = f_.frame_type;
    b.show_frame = frame(V4L2_AV1_FRAME_FLAG_SHOW_FRAME);
    b.showable_frame = frame(V4L2_AV1_FRAME_FLAG_SHOWABLE_FRAME);
    b.error_resilient_mode = frame(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
    b.disable_cdf_update = frame(V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE);
    b.allow_screen_content_tools = frame(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS);
    b.force_integer_mv = frame(V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
    b.allow_intrabc = frame(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC);
    b.use_superres = frame(V4L2_AV1_FRAME_FLAG_USE_SUPERRES);
    b.allow_high_precision_mv = frame(V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV);
    b.is_motion_mode_switchable = frame(V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE);
    b.use_ref_frame_mvs = frame(V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS);
    b.disable_frame_end_update_cdf = frame(V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF);
    b.allow_warped_motion = frame(V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION);
    v.superres_scale_denominator = f_.superres_denom;
    v.interp_filter = static_cast<uint8_t>(f_.interpolation_filter);
  }

  void fill_loop_filter(VADecPictureParameterBufferAV1& v) const {
    const v4l2_av1_loop_filter& l = f_.loop_filter;
    v.filter_level[0] = l.level[0];
    v.filter_level[1] = l.level[1];
    v.filter_level_u = l.level[2];
    v.filter_level_v = l.level[3];
    auto& b = v.loop_filter_info_fields.bits;
    b.sharpness_level = l.sharpness & 7;
    b.mode_ref_delta_enabled = (l.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED) != 0;
    b.mode_ref_delta_update = (l.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_UPDATE) != 0;
    std::copy(std::begin(l.ref_deltas), std::end(l.ref_deltas), v.ref_deltas);
    std::copy(std::begin(l.mode_deltas), std::end(l.mode_deltas), v.mode_deltas);
  }

  void fill_quantizers(VADecPictureParameterBufferAV1& v) const {
    const v4l2_av1_quantization& q = f_.quantization;
    v.base_qindex = q.base_q_idx;
    v.y_dc_delta_q = q.delta_q_y_dc;
    v.u_dc_delta_q = q.delta_q_u_dc;
    v.u_ac_delta_q = q.delta_q_u_ac;
    v.v_dc_delta_q = q.delta_q_v_dc;
    v.v_ac_delta_q = q.delta_q_v_ac;
    auto& b = v.qmatrix_fields.bits;
    b.using_qmatrix = (q.flags & V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX) != 0;
    b.qm_y = q.qm_y & 15;
    b.qm_u = q.qm_u & 15;
    b.qm_v = q.qm_v & 15;
  }

  void fill_modes(VADecPictureParameterBufferAV1& v) const {
    const v4l2_av1_quantization& q = f_.quantization;
    const v4l2_av1_loop_filter& l = f_.loop_filter;
    auto& b = v.mode_control_fields.bits;
    b.delta_q_present_flag = (q.flags & V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT) != 0;
    b.log2_delta_q_res = q.delta_q_res & 3;
    b.delta_lf_present_flag = (l.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT) != 0;
    b.log2_delta_lf_res = l.delta_lf_res & 3;
    b.delta_lf_multi = (l.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI) != 0;
    b.tx_mode = f_.tx_mode;
    b.reference_select = frame(V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT);
    b.reduced_tx_set_used = frame(V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET);
    b.skip_mode_present = frame(V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT);
  }

  void fill_filters(VADecPictureParameterBufferAV1& v) const {
    const v4l2_av1_cdef& c = f_.cdef;
    v.cdef_damping_minus_3 = c.damping_minus_3;
    v.cdef_bits = c.bits;
    const auto packed = [](uint8_t primary, uint8_t secondary) {
      return static_cast<uint8_t>(primary << 2 | std::min<uint8_t>(secondary, 3));
    };
    for (size_t i = 0; i < std::size(v.cdef_y_strengths); ++i) {
      v.cdef_y_strengths[i] = packed(c.y_pri_strength[i], c.y_sec_strength[i]);
      v.cdef_uv_strengths[i] = packed(c.uv_pri_strength[i], c.uv_sec_strength[i]);
    }
    const v4l2_av1_loop_restoration& r = f_.loop_restoration;
    auto& b = v.loop_restoration_fields.bits;
    b.yframe_restoration_type = r.frame_restoration_type[0] & 3;
    b.cbframe_restoration_type = r.frame_restoration_type[1] & 3;
    b.crframe_restoration_type = r.frame_restoration_type[2] & 3;
    b.lr_unit_shift = r.lr_unit_shift & 3;
    b.lr_uv_shift = r.lr_uv_shift & 1;
  }

  void fill_motion(VADecPictureParameterBufferAV1& v) const {
    const v4l2_av1_global_motion& g = f_.global_motion;
    for (size_t i = 0; i < std::size(v.wm); ++i) {
      const size_t reference = V4L2_AV1_REF_LAST_FRAME + i;
      v.wm[i].wmtype = static_cast<VAAV1TransformationType>(g.type[reference]);
      std::copy(std::begin(g.params[reference]), std::end(g.params[reference]), v.wm[i].wmmat);
      v.wm[i].invalid = (g.invalid & V4L2_AV1_GLOBAL_MOTION_IS_INVALID(reference)) != 0;
    }
  }

  VASliceParameterBufferAV1 tile_parameters(size_t index) const {
    VASliceParameterBufferAV1 v{};
    v.slice_data_size = job_.slices[index].size;
    v.slice_data_flag = VA_SLICE_DATA_FLAG_ALL;
    v.tile_row = static_cast<uint16_t>(p_.tiles[index].tile_row);
    v.tile_column = static_cast<uint16_t>(p_.tiles[index].tile_col);
    return v;
  }

  const core::DecodeJob& job_;
  const core::Av1Parameters& p_;
  const v4l2_ctrl_av1_frame& f_;
  const SurfaceOf& surface_of_;
};

}  // namespace

PictureBuffers av1_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of) {
  return Av1Translation(job, surface_of).run();
}

}  // namespace daedalus::va_client
