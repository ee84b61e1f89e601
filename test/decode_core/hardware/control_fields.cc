#include "test/decode_core/hardware/control_fields.h"

#include <algorithm>
#include <iterator>

#include "decode_core/uapi/controls.h"

namespace daedalus::core::test {
namespace {

// Types and members cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define SIZE_OF(structure, member) sizeof(structure{}.member)
#define FIELD(structure, member) \
  { #member, offsetof(structure, member), SIZE_OF(structure, member) }
#define ELEMENT_FIELD(structure, array, member)                                                    \
  {                                                                                                \
#array "." #member, offsetof(structure, array[0].member), SIZE_OF(structure, array[0].member), \
        std::size(structure{}.array), SIZE_OF(structure, array[0])                                 \
  }
// NOLINTEND(bugprone-macro-parentheses)

// In the order of v4l2-controls.h.
constexpr ControlField kH264Sps[] = {
    FIELD(v4l2_ctrl_h264_sps, profile_idc),
    FIELD(v4l2_ctrl_h264_sps, constraint_set_flags),
    FIELD(v4l2_ctrl_h264_sps, level_idc),
    FIELD(v4l2_ctrl_h264_sps, seq_parameter_set_id),
    FIELD(v4l2_ctrl_h264_sps, chroma_format_idc),
    FIELD(v4l2_ctrl_h264_sps, bit_depth_luma_minus8),
    FIELD(v4l2_ctrl_h264_sps, bit_depth_chroma_minus8),
    FIELD(v4l2_ctrl_h264_sps, log2_max_frame_num_minus4),
    FIELD(v4l2_ctrl_h264_sps, pic_order_cnt_type),
    FIELD(v4l2_ctrl_h264_sps, log2_max_pic_order_cnt_lsb_minus4),
    FIELD(v4l2_ctrl_h264_sps, max_num_ref_frames),
    FIELD(v4l2_ctrl_h264_sps, num_ref_frames_in_pic_order_cnt_cycle),
    FIELD(v4l2_ctrl_h264_sps, offset_for_ref_frame),
    FIELD(v4l2_ctrl_h264_sps, offset_for_non_ref_pic),
    FIELD(v4l2_ctrl_h264_sps, offset_for_top_to_bottom_field),
    FIELD(v4l2_ctrl_h264_sps, pic_width_in_mbs_minus1),
    FIELD(v4l2_ctrl_h264_sps, pic_height_in_map_units_minus1),
    FIELD(v4l2_ctrl_h264_sps, flags),
};

constexpr ControlField kH264Pps[] = {
    FIELD(v4l2_ctrl_h264_pps, pic_parameter_set_id),
    FIELD(v4l2_ctrl_h264_pps, seq_parameter_set_id),
    FIELD(v4l2_ctrl_h264_pps, num_slice_groups_minus1),
    FIELD(v4l2_ctrl_h264_pps, num_ref_idx_l0_default_active_minus1),
    FIELD(v4l2_ctrl_h264_pps, num_ref_idx_l1_default_active_minus1),
    FIELD(v4l2_ctrl_h264_pps, weighted_bipred_idc),
    FIELD(v4l2_ctrl_h264_pps, pic_init_qp_minus26),
    FIELD(v4l2_ctrl_h264_pps, pic_init_qs_minus26),
    FIELD(v4l2_ctrl_h264_pps, chroma_qp_index_offset),
    FIELD(v4l2_ctrl_h264_pps, second_chroma_qp_index_offset),
    FIELD(v4l2_ctrl_h264_pps, flags),
};

constexpr ControlField kH264ScalingMatrix[] = {
    FIELD(v4l2_ctrl_h264_scaling_matrix, scaling_list_4x4),
    FIELD(v4l2_ctrl_h264_scaling_matrix, scaling_list_8x8),
};

constexpr ControlField kH264DecodeParams[] = {
    ELEMENT_FIELD(v4l2_ctrl_h264_decode_params, dpb, reference_ts),
    ELEMENT_FIELD(v4l2_ctrl_h264_decode_params, dpb, pic_num),
    ELEMENT_FIELD(v4l2_ctrl_h264_decode_params, dpb, frame_num),
    ELEMENT_FIELD(v4l2_ctrl_h264_decode_params, dpb, fields),
    ELEMENT_FIELD(v4l2_ctrl_h264_decode_params, dpb, top_field_order_cnt),
    ELEMENT_FIELD(v4l2_ctrl_h264_decode_params, dpb, bottom_field_order_cnt),
    ELEMENT_FIELD(v4l2_ctrl_h264_decode_params, dpb, flags),
    FIELD(v4l2_ctrl_h264_decode_params, nal_ref_idc),
    FIELD(v4l2_ctrl_h264_decode_params, frame_num),
    FIELD(v4l2_ctrl_h264_decode_params, top_field_order_cnt),
    FIELD(v4l2_ctrl_h264_decode_params, bottom_field_order_cnt),
    FIELD(v4l2_ctrl_h264_decode_params, idr_pic_id),
    FIELD(v4l2_ctrl_h264_decode_params, pic_order_cnt_lsb),
    FIELD(v4l2_ctrl_h264_decode_params, delta_pic_order_cnt_bottom),
    FIELD(v4l2_ctrl_h264_decode_params, delta_pic_order_cnt0),
    FIELD(v4l2_ctrl_h264_decode_params, delta_pic_order_cnt1),
    FIELD(v4l2_ctrl_h264_decode_params, dec_ref_pic_marking_bit_size),
    FIELD(v4l2_ctrl_h264_decode_params, pic_order_cnt_bit_size),
    FIELD(v4l2_ctrl_h264_decode_params, slice_group_change_cycle),
    FIELD(v4l2_ctrl_h264_decode_params, flags),
};

constexpr ControlField kHevcSps[] = {
    FIELD(v4l2_ctrl_hevc_sps, video_parameter_set_id),
    FIELD(v4l2_ctrl_hevc_sps, seq_parameter_set_id),
    FIELD(v4l2_ctrl_hevc_sps, pic_width_in_luma_samples),
    FIELD(v4l2_ctrl_hevc_sps, pic_height_in_luma_samples),
    FIELD(v4l2_ctrl_hevc_sps, bit_depth_luma_minus8),
    FIELD(v4l2_ctrl_hevc_sps, bit_depth_chroma_minus8),
    FIELD(v4l2_ctrl_hevc_sps, log2_max_pic_order_cnt_lsb_minus4),
    FIELD(v4l2_ctrl_hevc_sps, sps_max_dec_pic_buffering_minus1),
    FIELD(v4l2_ctrl_hevc_sps, sps_max_num_reorder_pics),
    FIELD(v4l2_ctrl_hevc_sps, sps_max_latency_increase_plus1),
    FIELD(v4l2_ctrl_hevc_sps, log2_min_luma_coding_block_size_minus3),
    FIELD(v4l2_ctrl_hevc_sps, log2_diff_max_min_luma_coding_block_size),
    FIELD(v4l2_ctrl_hevc_sps, log2_min_luma_transform_block_size_minus2),
    FIELD(v4l2_ctrl_hevc_sps, log2_diff_max_min_luma_transform_block_size),
    FIELD(v4l2_ctrl_hevc_sps, max_transform_hierarchy_depth_inter),
    FIELD(v4l2_ctrl_hevc_sps, max_transform_hierarchy_depth_intra),
    FIELD(v4l2_ctrl_hevc_sps, pcm_sample_bit_depth_luma_minus1),
    FIELD(v4l2_ctrl_hevc_sps, pcm_sample_bit_depth_chroma_minus1),
    FIELD(v4l2_ctrl_hevc_sps, log2_min_pcm_luma_coding_block_size_minus3),
    FIELD(v4l2_ctrl_hevc_sps, log2_diff_max_min_pcm_luma_coding_block_size),
    FIELD(v4l2_ctrl_hevc_sps, num_short_term_ref_pic_sets),
    FIELD(v4l2_ctrl_hevc_sps, num_long_term_ref_pics_sps),
    FIELD(v4l2_ctrl_hevc_sps, chroma_format_idc),
    FIELD(v4l2_ctrl_hevc_sps, sps_max_sub_layers_minus1),
    FIELD(v4l2_ctrl_hevc_sps, flags),
};

constexpr ControlField kHevcPps[] = {
    FIELD(v4l2_ctrl_hevc_pps, pic_parameter_set_id),
    FIELD(v4l2_ctrl_hevc_pps, num_extra_slice_header_bits),
    FIELD(v4l2_ctrl_hevc_pps, num_ref_idx_l0_default_active_minus1),
    FIELD(v4l2_ctrl_hevc_pps, num_ref_idx_l1_default_active_minus1),
    FIELD(v4l2_ctrl_hevc_pps, init_qp_minus26),
    FIELD(v4l2_ctrl_hevc_pps, diff_cu_qp_delta_depth),
    FIELD(v4l2_ctrl_hevc_pps, pps_cb_qp_offset),
    FIELD(v4l2_ctrl_hevc_pps, pps_cr_qp_offset),
    FIELD(v4l2_ctrl_hevc_pps, num_tile_columns_minus1),
    FIELD(v4l2_ctrl_hevc_pps, num_tile_rows_minus1),
    FIELD(v4l2_ctrl_hevc_pps, column_width_minus1),
    FIELD(v4l2_ctrl_hevc_pps, row_height_minus1),
    FIELD(v4l2_ctrl_hevc_pps, pps_beta_offset_div2),
    FIELD(v4l2_ctrl_hevc_pps, pps_tc_offset_div2),
    FIELD(v4l2_ctrl_hevc_pps, log2_parallel_merge_level_minus2),
    FIELD(v4l2_ctrl_hevc_pps, flags),
};

constexpr ControlField kHevcScalingMatrix[] = {
    FIELD(v4l2_ctrl_hevc_scaling_matrix, scaling_list_4x4),
    FIELD(v4l2_ctrl_hevc_scaling_matrix, scaling_list_8x8),
    FIELD(v4l2_ctrl_hevc_scaling_matrix, scaling_list_16x16),
    FIELD(v4l2_ctrl_hevc_scaling_matrix, scaling_list_32x32),
    FIELD(v4l2_ctrl_hevc_scaling_matrix, scaling_list_dc_coef_16x16),
    FIELD(v4l2_ctrl_hevc_scaling_matrix, scaling_list_dc_coef_32x32),
};

constexpr ControlField kHevcDecodeParams[] = {
    FIELD(v4l2_ctrl_hevc_decode_params, pic_order_cnt_val),
    FIELD(v4l2_ctrl_hevc_decode_params, short_term_ref_pic_set_size),
    FIELD(v4l2_ctrl_hevc_decode_params, long_term_ref_pic_set_size),
    FIELD(v4l2_ctrl_hevc_decode_params, num_active_dpb_entries),
    FIELD(v4l2_ctrl_hevc_decode_params, num_poc_st_curr_before),
    FIELD(v4l2_ctrl_hevc_decode_params, num_poc_st_curr_after),
    FIELD(v4l2_ctrl_hevc_decode_params, num_poc_lt_curr),
    FIELD(v4l2_ctrl_hevc_decode_params, poc_st_curr_before),
    FIELD(v4l2_ctrl_hevc_decode_params, poc_st_curr_after),
    FIELD(v4l2_ctrl_hevc_decode_params, poc_lt_curr),
    // Older headers have it in `reserved`.
    {"num_delta_pocs_of_ref_rps_idx",
     offsetof(v4l2_ctrl_hevc_decode_params, poc_lt_curr) + V4L2_HEVC_DPB_ENTRIES_NUM_MAX, 1},
    ELEMENT_FIELD(v4l2_ctrl_hevc_decode_params, dpb, timestamp),
    ELEMENT_FIELD(v4l2_ctrl_hevc_decode_params, dpb, flags),
    ELEMENT_FIELD(v4l2_ctrl_hevc_decode_params, dpb, field_pic),
    ELEMENT_FIELD(v4l2_ctrl_hevc_decode_params, dpb, pic_order_cnt_val),
    FIELD(v4l2_ctrl_hevc_decode_params, flags),
};

constexpr ControlField kVp9Frame[] = {
    FIELD(v4l2_ctrl_vp9_frame, lf.ref_deltas),
    FIELD(v4l2_ctrl_vp9_frame, lf.mode_deltas),
    FIELD(v4l2_ctrl_vp9_frame, lf.level),
    FIELD(v4l2_ctrl_vp9_frame, lf.sharpness),
    FIELD(v4l2_ctrl_vp9_frame, lf.flags),
    FIELD(v4l2_ctrl_vp9_frame, quant.base_q_idx),
    FIELD(v4l2_ctrl_vp9_frame, quant.delta_q_y_dc),
    FIELD(v4l2_ctrl_vp9_frame, quant.delta_q_uv_dc),
    FIELD(v4l2_ctrl_vp9_frame, quant.delta_q_uv_ac),
    FIELD(v4l2_ctrl_vp9_frame, seg.feature_data),
    FIELD(v4l2_ctrl_vp9_frame, seg.feature_enabled),
    FIELD(v4l2_ctrl_vp9_frame, seg.tree_probs),
    FIELD(v4l2_ctrl_vp9_frame, seg.pred_probs),
    FIELD(v4l2_ctrl_vp9_frame, seg.flags),
    FIELD(v4l2_ctrl_vp9_frame, flags),
    FIELD(v4l2_ctrl_vp9_frame, compressed_header_size),
    FIELD(v4l2_ctrl_vp9_frame, uncompressed_header_size),
    FIELD(v4l2_ctrl_vp9_frame, frame_width_minus_1),
    FIELD(v4l2_ctrl_vp9_frame, frame_height_minus_1),
    FIELD(v4l2_ctrl_vp9_frame, render_width_minus_1),
    FIELD(v4l2_ctrl_vp9_frame, render_height_minus_1),
    FIELD(v4l2_ctrl_vp9_frame, last_frame_ts),
    FIELD(v4l2_ctrl_vp9_frame, golden_frame_ts),
    FIELD(v4l2_ctrl_vp9_frame, alt_frame_ts),
    FIELD(v4l2_ctrl_vp9_frame, ref_frame_sign_bias),
    FIELD(v4l2_ctrl_vp9_frame, reset_frame_context),
    FIELD(v4l2_ctrl_vp9_frame, frame_context_idx),
    FIELD(v4l2_ctrl_vp9_frame, profile),
    FIELD(v4l2_ctrl_vp9_frame, bit_depth),
    FIELD(v4l2_ctrl_vp9_frame, interpolation_filter),
    FIELD(v4l2_ctrl_vp9_frame, tile_cols_log2),
    FIELD(v4l2_ctrl_vp9_frame, tile_rows_log2),
    FIELD(v4l2_ctrl_vp9_frame, reference_mode),
};

constexpr ControlField kVp9CompressedHdr[] = {
    FIELD(v4l2_ctrl_vp9_compressed_hdr, tx_mode),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, tx8),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, tx16),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, tx32),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, coef),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, skip),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, inter_mode),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, interp_filter),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, is_inter),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, comp_mode),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, single_ref),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, comp_ref),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, y_mode),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, uv_mode),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, partition),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.joint),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.sign),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.classes),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.class0_bit),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.bits),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.class0_fr),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.fr),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.class0_hp),
    FIELD(v4l2_ctrl_vp9_compressed_hdr, mv.hp),
};

constexpr ControlField kVp8Frame[] = {
    FIELD(v4l2_ctrl_vp8_frame, segment.quant_update),
    FIELD(v4l2_ctrl_vp8_frame, segment.lf_update),
    FIELD(v4l2_ctrl_vp8_frame, segment.segment_probs),
    FIELD(v4l2_ctrl_vp8_frame, segment.flags),
    FIELD(v4l2_ctrl_vp8_frame, lf.ref_frm_delta),
    FIELD(v4l2_ctrl_vp8_frame, lf.mb_mode_delta),
    FIELD(v4l2_ctrl_vp8_frame, lf.sharpness_level),
    FIELD(v4l2_ctrl_vp8_frame, lf.level),
    FIELD(v4l2_ctrl_vp8_frame, lf.flags),
    FIELD(v4l2_ctrl_vp8_frame, quant.y_ac_qi),
    FIELD(v4l2_ctrl_vp8_frame, quant.y_dc_delta),
    FIELD(v4l2_ctrl_vp8_frame, quant.y2_dc_delta),
    FIELD(v4l2_ctrl_vp8_frame, quant.y2_ac_delta),
    FIELD(v4l2_ctrl_vp8_frame, quant.uv_dc_delta),
    FIELD(v4l2_ctrl_vp8_frame, quant.uv_ac_delta),
    FIELD(v4l2_ctrl_vp8_frame, entropy.coeff_probs),
    FIELD(v4l2_ctrl_vp8_frame, entropy.y_mode_probs),
    FIELD(v4l2_ctrl_vp8_frame, entropy.uv_mode_probs),
    FIELD(v4l2_ctrl_vp8_frame, entropy.mv_probs),
    FIELD(v4l2_ctrl_vp8_frame, coder_state.range),
    FIELD(v4l2_ctrl_vp8_frame, coder_state.value),
    FIELD(v4l2_ctrl_vp8_frame, coder_state.bit_count),
    FIELD(v4l2_ctrl_vp8_frame, width),
    FIELD(v4l2_ctrl_vp8_frame, height),
    FIELD(v4l2_ctrl_vp8_frame, horizontal_scale),
    FIELD(v4l2_ctrl_vp8_frame, vertical_scale),
    FIELD(v4l2_ctrl_vp8_frame, version),
    FIELD(v4l2_ctrl_vp8_frame, prob_skip_false),
    FIELD(v4l2_ctrl_vp8_frame, prob_intra),
    FIELD(v4l2_ctrl_vp8_frame, prob_last),
    FIELD(v4l2_ctrl_vp8_frame, prob_gf),
    FIELD(v4l2_ctrl_vp8_frame, num_dct_parts),
    FIELD(v4l2_ctrl_vp8_frame, first_part_size),
    FIELD(v4l2_ctrl_vp8_frame, first_part_header_bits),
    FIELD(v4l2_ctrl_vp8_frame, dct_part_sizes),
    FIELD(v4l2_ctrl_vp8_frame, last_frame_ts),
    FIELD(v4l2_ctrl_vp8_frame, golden_frame_ts),
    FIELD(v4l2_ctrl_vp8_frame, alt_frame_ts),
    FIELD(v4l2_ctrl_vp8_frame, flags),
};

constexpr ControlField kMpeg2Sequence[] = {
    FIELD(v4l2_ctrl_mpeg2_sequence, horizontal_size),
    FIELD(v4l2_ctrl_mpeg2_sequence, vertical_size),
    FIELD(v4l2_ctrl_mpeg2_sequence, vbv_buffer_size),
    FIELD(v4l2_ctrl_mpeg2_sequence, profile_and_level_indication),
    FIELD(v4l2_ctrl_mpeg2_sequence, chroma_format),
    FIELD(v4l2_ctrl_mpeg2_sequence, flags),
};

constexpr ControlField kMpeg2Picture[] = {
    FIELD(v4l2_ctrl_mpeg2_picture, backward_ref_ts),
    FIELD(v4l2_ctrl_mpeg2_picture, forward_ref_ts),
    FIELD(v4l2_ctrl_mpeg2_picture, flags),
    FIELD(v4l2_ctrl_mpeg2_picture, f_code),
    FIELD(v4l2_ctrl_mpeg2_picture, picture_coding_type),
    FIELD(v4l2_ctrl_mpeg2_picture, picture_structure),
    FIELD(v4l2_ctrl_mpeg2_picture, intra_dc_precision),
};

constexpr ControlField kMpeg2Quantisation[] = {
    FIELD(v4l2_ctrl_mpeg2_quantisation, intra_quantiser_matrix),
    FIELD(v4l2_ctrl_mpeg2_quantisation, non_intra_quantiser_matrix),
    FIELD(v4l2_ctrl_mpeg2_quantisation, chroma_intra_quantiser_matrix),
    FIELD(v4l2_ctrl_mpeg2_quantisation, chroma_non_intra_quantiser_matrix),
};

constexpr ControlField kAv1Sequence[] = {
    FIELD(v4l2_ctrl_av1_sequence, flags),
    FIELD(v4l2_ctrl_av1_sequence, seq_profile),
    FIELD(v4l2_ctrl_av1_sequence, order_hint_bits),
    FIELD(v4l2_ctrl_av1_sequence, bit_depth),
    FIELD(v4l2_ctrl_av1_sequence, max_frame_width_minus_1),
    FIELD(v4l2_ctrl_av1_sequence, max_frame_height_minus_1),
};

constexpr ControlField kAv1Frame[] = {
    FIELD(v4l2_ctrl_av1_frame, tile_info.flags),
    FIELD(v4l2_ctrl_av1_frame, tile_info.context_update_tile_id),
    FIELD(v4l2_ctrl_av1_frame, tile_info.tile_cols),
    FIELD(v4l2_ctrl_av1_frame, tile_info.tile_rows),
    FIELD(v4l2_ctrl_av1_frame, tile_info.mi_col_starts),
    FIELD(v4l2_ctrl_av1_frame, tile_info.mi_row_starts),
    FIELD(v4l2_ctrl_av1_frame, tile_info.width_in_sbs_minus_1),
    FIELD(v4l2_ctrl_av1_frame, tile_info.height_in_sbs_minus_1),
    FIELD(v4l2_ctrl_av1_frame, tile_info.tile_size_bytes),
    FIELD(v4l2_ctrl_av1_frame, quantization.flags),
    FIELD(v4l2_ctrl_av1_frame, quantization.base_q_idx),
    FIELD(v4l2_ctrl_av1_frame, quantization.delta_q_y_dc),
    FIELD(v4l2_ctrl_av1_frame, quantization.delta_q_u_dc),
    FIELD(v4l2_ctrl_av1_frame, quantization.delta_q_u_ac),
    FIELD(v4l2_ctrl_av1_frame, quantization.delta_q_v_dc),
    FIELD(v4l2_ctrl_av1_frame, quantization.delta_q_v_ac),
    FIELD(v4l2_ctrl_av1_frame, quantization.qm_y),
    FIELD(v4l2_ctrl_av1_frame, quantization.qm_u),
    FIELD(v4l2_ctrl_av1_frame, quantization.qm_v),
    FIELD(v4l2_ctrl_av1_frame, quantization.delta_q_res),
    FIELD(v4l2_ctrl_av1_frame, superres_denom),
    FIELD(v4l2_ctrl_av1_frame, segmentation.flags),
    FIELD(v4l2_ctrl_av1_frame, segmentation.last_active_seg_id),
    FIELD(v4l2_ctrl_av1_frame, segmentation.feature_enabled),
    FIELD(v4l2_ctrl_av1_frame, segmentation.feature_data),
    FIELD(v4l2_ctrl_av1_frame, loop_filter.flags),
    FIELD(v4l2_ctrl_av1_frame, loop_filter.level),
    FIELD(v4l2_ctrl_av1_frame, loop_filter.sharpness),
    FIELD(v4l2_ctrl_av1_frame, loop_filter.ref_deltas),
    FIELD(v4l2_ctrl_av1_frame, loop_filter.mode_deltas),
    FIELD(v4l2_ctrl_av1_frame, loop_filter.delta_lf_res),
    FIELD(v4l2_ctrl_av1_frame, cdef.damping_minus_3),
    FIELD(v4l2_ctrl_av1_frame, cdef.bits),
    FIELD(v4l2_ctrl_av1_frame, cdef.y_pri_strength),
    FIELD(v4l2_ctrl_av1_frame, cdef.y_sec_strength),
    FIELD(v4l2_ctrl_av1_frame, cdef.uv_pri_strength),
    FIELD(v4l2_ctrl_av1_frame, cdef.uv_sec_strength),
    FIELD(v4l2_ctrl_av1_frame, skip_mode_frame),
    FIELD(v4l2_ctrl_av1_frame, primary_ref_frame),
    FIELD(v4l2_ctrl_av1_frame, loop_restoration.flags),
    FIELD(v4l2_ctrl_av1_frame, loop_restoration.lr_unit_shift),
    FIELD(v4l2_ctrl_av1_frame, loop_restoration.lr_uv_shift),
    FIELD(v4l2_ctrl_av1_frame, loop_restoration.frame_restoration_type),
    FIELD(v4l2_ctrl_av1_frame, loop_restoration.loop_restoration_size),
    FIELD(v4l2_ctrl_av1_frame, global_motion.flags),
    FIELD(v4l2_ctrl_av1_frame, global_motion.type),
    FIELD(v4l2_ctrl_av1_frame, global_motion.params),
    FIELD(v4l2_ctrl_av1_frame, global_motion.invalid),
    FIELD(v4l2_ctrl_av1_frame, flags),
    FIELD(v4l2_ctrl_av1_frame, frame_type),
    FIELD(v4l2_ctrl_av1_frame, order_hint),
    FIELD(v4l2_ctrl_av1_frame, upscaled_width),
    FIELD(v4l2_ctrl_av1_frame, interpolation_filter),
    FIELD(v4l2_ctrl_av1_frame, tx_mode),
    FIELD(v4l2_ctrl_av1_frame, frame_width_minus_1),
    FIELD(v4l2_ctrl_av1_frame, frame_height_minus_1),
    FIELD(v4l2_ctrl_av1_frame, render_width_minus_1),
    FIELD(v4l2_ctrl_av1_frame, render_height_minus_1),
    FIELD(v4l2_ctrl_av1_frame, current_frame_id),
    FIELD(v4l2_ctrl_av1_frame, buffer_removal_time),
    FIELD(v4l2_ctrl_av1_frame, order_hints),
    FIELD(v4l2_ctrl_av1_frame, reference_frame_ts),
    FIELD(v4l2_ctrl_av1_frame, ref_frame_idx),
    FIELD(v4l2_ctrl_av1_frame, refresh_frame_flags),
};

constexpr ControlField kAv1TileGroupEntry[] = {
    FIELD(v4l2_ctrl_av1_tile_group_entry, tile_offset),
    FIELD(v4l2_ctrl_av1_tile_group_entry, tile_size),
    FIELD(v4l2_ctrl_av1_tile_group_entry, tile_row),
    FIELD(v4l2_ctrl_av1_tile_group_entry, tile_col),
};

constexpr ControlField kAv1FilmGrain[] = {
    FIELD(v4l2_ctrl_av1_film_grain, flags),
    FIELD(v4l2_ctrl_av1_film_grain, cr_mult),
    FIELD(v4l2_ctrl_av1_film_grain, grain_seed),
    FIELD(v4l2_ctrl_av1_film_grain, film_grain_params_ref_idx),
    FIELD(v4l2_ctrl_av1_film_grain, num_y_points),
    FIELD(v4l2_ctrl_av1_film_grain, point_y_value),
    FIELD(v4l2_ctrl_av1_film_grain, point_y_scaling),
    FIELD(v4l2_ctrl_av1_film_grain, num_cb_points),
    FIELD(v4l2_ctrl_av1_film_grain, point_cb_value),
    FIELD(v4l2_ctrl_av1_film_grain, point_cb_scaling),
    FIELD(v4l2_ctrl_av1_film_grain, num_cr_points),
    FIELD(v4l2_ctrl_av1_film_grain, point_cr_value),
    FIELD(v4l2_ctrl_av1_film_grain, point_cr_scaling),
    FIELD(v4l2_ctrl_av1_film_grain, grain_scaling_minus_8),
    FIELD(v4l2_ctrl_av1_film_grain, ar_coeff_lag),
    FIELD(v4l2_ctrl_av1_film_grain, ar_coeffs_y_plus_128),
    FIELD(v4l2_ctrl_av1_film_grain, ar_coeffs_cb_plus_128),
    FIELD(v4l2_ctrl_av1_film_grain, ar_coeffs_cr_plus_128),
    FIELD(v4l2_ctrl_av1_film_grain, ar_coeff_shift_minus_6),
    FIELD(v4l2_ctrl_av1_film_grain, grain_scale_shift),
    FIELD(v4l2_ctrl_av1_film_grain, cb_mult),
    FIELD(v4l2_ctrl_av1_film_grain, cb_luma_mult),
    FIELD(v4l2_ctrl_av1_film_grain, cr_luma_mult),
    FIELD(v4l2_ctrl_av1_film_grain, cb_offset),
    FIELD(v4l2_ctrl_av1_film_grain, cr_offset),
};

#undef ELEMENT_FIELD
#undef FIELD
#undef SIZE_OF

constexpr ControlLayout kLayouts[] = {
    {V4L2_CID_STATELESS_H264_SPS, "h264_sps", kH264Sps, sizeof(v4l2_ctrl_h264_sps)},
    {V4L2_CID_STATELESS_H264_PPS, "h264_pps", kH264Pps, sizeof(v4l2_ctrl_h264_pps)},
    {V4L2_CID_STATELESS_H264_SCALING_MATRIX, "h264_scaling_matrix", kH264ScalingMatrix,
     sizeof(v4l2_ctrl_h264_scaling_matrix)},
    {V4L2_CID_STATELESS_H264_DECODE_PARAMS, "h264_decode_params", kH264DecodeParams,
     sizeof(v4l2_ctrl_h264_decode_params)},
    {V4L2_CID_STATELESS_HEVC_SPS, "hevc_sps", kHevcSps, sizeof(v4l2_ctrl_hevc_sps)},
    {V4L2_CID_STATELESS_HEVC_PPS, "hevc_pps", kHevcPps, sizeof(v4l2_ctrl_hevc_pps)},
    {V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, "hevc_scaling_matrix", kHevcScalingMatrix,
     sizeof(v4l2_ctrl_hevc_scaling_matrix)},
    {V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, "hevc_decode_params", kHevcDecodeParams,
     sizeof(v4l2_ctrl_hevc_decode_params)},
    {V4L2_CID_STATELESS_VP9_FRAME, "vp9_frame", kVp9Frame, sizeof(v4l2_ctrl_vp9_frame)},
    {V4L2_CID_STATELESS_VP9_COMPRESSED_HDR, "vp9_compressed_hdr", kVp9CompressedHdr,
     sizeof(v4l2_ctrl_vp9_compressed_hdr)},
    {V4L2_CID_STATELESS_VP8_FRAME, "vp8_frame", kVp8Frame, sizeof(v4l2_ctrl_vp8_frame)},
    {V4L2_CID_STATELESS_MPEG2_SEQUENCE, "mpeg2_sequence", kMpeg2Sequence,
     sizeof(v4l2_ctrl_mpeg2_sequence)},
    {V4L2_CID_STATELESS_MPEG2_PICTURE, "mpeg2_picture", kMpeg2Picture,
     sizeof(v4l2_ctrl_mpeg2_picture)},
    {V4L2_CID_STATELESS_MPEG2_QUANTISATION, "mpeg2_quantisation", kMpeg2Quantisation,
     sizeof(v4l2_ctrl_mpeg2_quantisation)},
    {V4L2_CID_STATELESS_AV1_SEQUENCE, "av1_sequence", kAv1Sequence, sizeof(v4l2_ctrl_av1_sequence)},
    {V4L2_CID_STATELESS_AV1_FRAME, "av1_frame", kAv1Frame, sizeof(v4l2_ctrl_av1_frame)},
    {V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, "av1_tile_group_entry", kAv1TileGroupEntry,
     sizeof(v4l2_ctrl_av1_tile_group_entry)},
    {V4L2_CID_STATELESS_AV1_FILM_GRAIN, "av1_film_grain", kAv1FilmGrain,
     sizeof(v4l2_ctrl_av1_film_grain)},
};

}  // namespace

const ControlLayout* control_layout(uint32_t id) {
  const auto* found = std::ranges::find(kLayouts, id, &ControlLayout::id);
  return found == std::end(kLayouts) ? nullptr : found;
}

}  // namespace daedalus::core::test
