#include <algorithm>
#include <cstring>
#include <iterator>

#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {
namespace {

constexpr size_t kReferences = 15;

VAPictureHEVC invalid_picture() {
  VAPictureHEVC picture{};
  picture.picture_id = VA_INVALID_SURFACE;
  picture.flags = VA_PICTURE_HEVC_INVALID;
  return picture;
}

class HevcTranslation {
 public:
  HevcTranslation(const core::DecodeJob& job, const SurfaceOf& surface_of)
      : job_(job), p_(std::get<core::HevcParameters>(job.parameters)), surface_of_(surface_of) {}

  PictureBuffers run() const {
    PictureBuffers buffers;
    buffers.picture.push_back(
        ParameterBuffer::of(VAPictureParameterBufferType, picture_parameters()));
    if (sps(V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED)) {
      buffers.picture.push_back(ParameterBuffer::of(VAIQMatrixBufferType, matrices()));
    }
    for (size_t i = 0; i < job_.slices.size(); ++i) {
      buffers.slices.push_back(
          ParameterBuffer::of(VASliceParameterBufferType, slice_parameters(i)));
      buffers.slices.push_back(ParameterBuffer::of_data(job_.bytes_of(job_.slices[i])));
    }
    return buffers;
  }

 private:
  bool sps(uint64_t flag) const { return (p_.sps.flags & flag) != 0; }
  bool pps(uint64_t flag) const { return (p_.pps.flags & flag) != 0; }
  bool decode(uint64_t flag) const { return (p_.decode.flags & flag) != 0; }

  // VA gives ReferenceFrames no order, and clients list them as their own buffers lie: here the
  // other way round than the sets. Index into ReferenceFrames or into dpb; other values stay.
  uint8_t turned(uint8_t index) const {
    const uint8_t count = p_.decode.num_active_dpb_entries;
    return index < count ? static_cast<uint8_t>(count - 1 - index) : index;
  }

  VAPictureHEVC reference(uint8_t index) const {
    if (index >= p_.decode.num_active_dpb_entries || index >= job_.references.size() ||
        job_.references[index] == nullptr) {
      return invalid_picture();
    }
    const auto is_in = [&](const uint8_t* list, uint8_t count) {
      return std::find(list, list + count, index) != list + count;
    };
    const v4l2_ctrl_hevc_decode_params& d = p_.decode;
    VAPictureHEVC picture{};
    picture.picture_id = surface_of_(job_.references[index]);
    picture.pic_order_cnt = d.dpb[index].pic_order_cnt_val;
    if (d.dpb[index].flags & V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE) {
      picture.flags |= VA_PICTURE_HEVC_LONG_TERM_REFERENCE;
    }
    if (is_in(d.poc_st_curr_before, d.num_poc_st_curr_before)) {
      picture.flags |= VA_PICTURE_HEVC_RPS_ST_CURR_BEFORE;
    }
    if (is_in(d.poc_st_curr_after, d.num_poc_st_curr_after)) {
      picture.flags |= VA_PICTURE_HEVC_RPS_ST_CURR_AFTER;
    }
    if (is_in(d.poc_lt_curr, d.num_poc_lt_curr)) picture.flags |= VA_PICTURE_HEVC_RPS_LT_CURR;
    return picture;
  }

  VAPictureParameterBufferHEVC picture_parameters() const {
    VAPictureParameterBufferHEVC v{};
    v.CurrPic.picture_id = surface_of_(job_.target);
    v.CurrPic.pic_order_cnt = p_.decode.pic_order_cnt_val;
    for (uint8_t i = 0; i < kReferences; ++i) v.ReferenceFrames[i] = reference(turned(i));
    v.pic_width_in_luma_samples = p_.sps.pic_width_in_luma_samples;
    v.pic_height_in_luma_samples = p_.sps.pic_height_in_luma_samples;
    v.sps_max_dec_pic_buffering_minus1 = p_.sps.sps_max_dec_pic_buffering_minus1;
    v.bit_depth_luma_minus8 = p_.sps.bit_depth_luma_minus8;
    v.bit_depth_chroma_minus8 = p_.sps.bit_depth_chroma_minus8;
    fill_blocks(v);
    fill_picture_set(v);
    fill_picture_fields(v);
    fill_parsing_fields(v);
    v.log2_max_pic_order_cnt_lsb_minus4 = p_.sps.log2_max_pic_order_cnt_lsb_minus4;
    v.num_short_term_ref_pic_sets = p_.sps.num_short_term_ref_pic_sets;
    v.num_long_term_ref_pic_sps = p_.sps.num_long_term_ref_pics_sps;
    v.st_rps_bits = p_.slices.front().reference_set_bits;
    return v;
  }

  void fill_blocks(VAPictureParameterBufferHEVC& v) const {
    v.pcm_sample_bit_depth_luma_minus1 = p_.sps.pcm_sample_bit_depth_luma_minus1;
    v.pcm_sample_bit_depth_chroma_minus1 = p_.sps.pcm_sample_bit_depth_chroma_minus1;
    v.log2_min_luma_coding_block_size_minus3 = p_.sps.log2_min_luma_coding_block_size_minus3;
    v.log2_diff_max_min_luma_coding_block_size = p_.sps.log2_diff_max_min_luma_coding_block_size;
    v.log2_min_transform_block_size_minus2 = p_.sps.log2_min_luma_transform_block_size_minus2;
    v.log2_diff_max_min_transform_block_size = p_.sps.log2_diff_max_min_luma_transform_block_size;
    v.log2_min_pcm_luma_coding_block_size_minus3 =
        p_.sps.log2_min_pcm_luma_coding_block_size_minus3;
    v.log2_diff_max_min_pcm_luma_coding_block_size =
        p_.sps.log2_diff_max_min_pcm_luma_coding_block_size;
    v.max_transform_hierarchy_depth_intra = p_.sps.max_transform_hierarchy_depth_intra;
    v.max_transform_hierarchy_depth_inter = p_.sps.max_transform_hierarchy_depth_inter;
  }

  void fill_picture_set(VAPictureParameterBufferHEVC& v) const {
    v.init_qp_minus26 = p_.pps.init_qp_minus26;
    v.diff_cu_qp_delta_depth = p_.pps.diff_cu_qp_delta_depth;
    v.pps_cb_qp_offset = p_.pps.pps_cb_qp_offset;
    v.pps_cr_qp_offset = p_.pps.pps_cr_qp_offset;
    v.log2_parallel_merge_level_minus2 = p_.pps.log2_parallel_merge_level_minus2;
    v.num_ref_idx_l0_default_active_minus1 = p_.pps.num_ref_idx_l0_default_active_minus1;
    v.num_ref_idx_l1_default_active_minus1 = p_.pps.num_ref_idx_l1_default_active_minus1;
    v.pps_beta_offset_div2 = p_.pps.pps_beta_offset_div2;
    v.pps_tc_offset_div2 = p_.pps.pps_tc_offset_div2;
    v.num_extra_slice_header_bits = p_.pps.num_extra_slice_header_bits;
    if (!pps(V4L2_HEVC_PPS_FLAG_TILES_ENABLED)) return;
    v.num_tile_columns_minus1 = p_.pps.num_tile_columns_minus1;
    v.num_tile_rows_minus1 = p_.pps.num_tile_rows_minus1;
    const unsigned log2_ctb = p_.sps.log2_min_luma_coding_block_size_minus3 + 3u +
                              p_.sps.log2_diff_max_min_luma_coding_block_size;
    fill_sizes(p_.sps.pic_width_in_luma_samples, log2_ctb, p_.pps.num_tile_columns_minus1,
               p_.pps.column_width_minus1, v.column_width_minus1);
    fill_sizes(p_.sps.pic_height_in_luma_samples, log2_ctb, p_.pps.num_tile_rows_minus1,
               p_.pps.row_height_minus1, v.row_height_minus1);
  }

  // All but the last; uniform ones by 6-3 and 6-4.
  void fill_sizes(uint32_t samples, unsigned log2_ctb, uint32_t count_minus1,
                  const uint8_t* sizes_minus1, uint16_t* out) const {
    const uint32_t ctbs = (samples + (1u << log2_ctb) - 1) >> log2_ctb;
    const uint32_t count = count_minus1 + 1;
    for (uint32_t i = 0; i < count_minus1; ++i) {
      out[i] = pps(V4L2_HEVC_PPS_FLAG_UNIFORM_SPACING)
                   ? static_cast<uint16_t>((i + 1) * ctbs / count - i * ctbs / count - 1)
                   : sizes_minus1[i];
    }
  }

  void fill_picture_fields(VAPictureParameterBufferHEVC& v) const {
    auto& f = v.pic_fields.bits;
    f.chroma_format_idc = p_.sps.chroma_format_idc;
    f.pcm_enabled_flag = sps(V4L2_HEVC_SPS_FLAG_PCM_ENABLED);
    f.scaling_list_enabled_flag = sps(V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED);
    f.transform_skip_enabled_flag = pps(V4L2_HEVC_PPS_FLAG_TRANSFORM_SKIP_ENABLED);
    f.amp_enabled_flag = sps(V4L2_HEVC_SPS_FLAG_AMP_ENABLED);
    f.strong_intra_smoothing_enabled_flag = sps(V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED);
    f.sign_data_hiding_enabled_flag = pps(V4L2_HEVC_PPS_FLAG_SIGN_DATA_HIDING_ENABLED);
    f.constrained_intra_pred_flag = pps(V4L2_HEVC_PPS_FLAG_CONSTRAINED_INTRA_PRED);
    f.cu_qp_delta_enabled_flag = pps(V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED);
    f.weighted_pred_flag = pps(V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED);
    f.weighted_bipred_flag = pps(V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED);
    f.transquant_bypass_enabled_flag = pps(V4L2_HEVC_PPS_FLAG_TRANSQUANT_BYPASS_ENABLED);
    f.tiles_enabled_flag = pps(V4L2_HEVC_PPS_FLAG_TILES_ENABLED);
    f.entropy_coding_sync_enabled_flag = pps(V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED);
    f.pps_loop_filter_across_slices_enabled_flag =
        pps(V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
    f.loop_filter_across_tiles_enabled_flag =
        pps(V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED);
    f.pcm_loop_filter_disabled_flag = sps(V4L2_HEVC_SPS_FLAG_PCM_LOOP_FILTER_DISABLED);
  }

  void fill_parsing_fields(VAPictureParameterBufferHEVC& v) const {
    auto& f = v.slice_parsing_fields.bits;
    f.lists_modification_present_flag = pps(V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT);
    f.long_term_ref_pics_present_flag = sps(V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT);
    f.sps_temporal_mvp_enabled_flag = sps(V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED);
    f.cabac_init_present_flag = pps(V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT);
    f.output_flag_present_flag = pps(V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT);
    f.dependent_slice_segments_enabled_flag =
        pps(V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED);
    f.pps_slice_chroma_qp_offsets_present_flag =
        pps(V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT);
    f.sample_adaptive_offset_enabled_flag = sps(V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET);
    f.deblocking_filter_override_enabled_flag =
        pps(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED);
    f.pps_disable_deblocking_filter_flag = pps(V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
    f.slice_segment_header_extension_present_flag =
        pps(V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT);
    f.RapPicFlag = decode(V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC);
    f.IdrPicFlag = decode(V4L2_HEVC_DECODE_PARAM_FLAG_IDR_PIC);
  }

  // In raster order, as clients in use send them.
  VAIQMatrixBufferHEVC matrices() const {
    const v4l2_ctrl_hevc_scaling_matrix& m = p_.scaling_matrix;
    VAIQMatrixBufferHEVC v{};
    std::memcpy(v.ScalingList4x4, m.scaling_list_4x4, sizeof v.ScalingList4x4);
    std::memcpy(v.ScalingList8x8, m.scaling_list_8x8, sizeof v.ScalingList8x8);
    std::memcpy(v.ScalingList16x16, m.scaling_list_16x16, sizeof v.ScalingList16x16);
    std::memcpy(v.ScalingList32x32, m.scaling_list_32x32, sizeof v.ScalingList32x32);
    std::memcpy(v.ScalingListDC16x16, m.scaling_list_dc_coef_16x16, sizeof v.ScalingListDC16x16);
    std::memcpy(v.ScalingListDC32x32, m.scaling_list_dc_coef_32x32, sizeof v.ScalingListDC32x32);
    return v;
  }

  // What only hardware reads of the slice header stays 0.
  VASliceParameterBufferHEVC slice_parameters(size_t index) const {
    VASliceParameterBufferHEVC v{};
    v.slice_data_size = job_.slices[index].size;
    v.slice_data_flag = VA_SLICE_DATA_FLAG_ALL;
    v.LongSliceFlags.fields.LastSliceOfPic = index + 1 == job_.slices.size();
    for (size_t list = 0; list < 2; ++list) {
      const auto& from = p_.slices[index].lists[list];
      for (size_t k = 0; k < std::size(v.RefPicList[list]); ++k) {
        v.RefPicList[list][k] = turned(from[k]);
      }
    }
    return v;
  }

  const core::DecodeJob& job_;
  const core::HevcParameters& p_;
  const SurfaceOf& surface_of_;
};

}  // namespace

PictureBuffers hevc_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of) {
  return HevcTranslation(job, surface_of).run();
}

}  // namespace daedalus::va_client
