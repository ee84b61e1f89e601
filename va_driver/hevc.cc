// HEVC: VAPictureParameterBufferHEVC and its kin as the kernel's control structures. The slices are
// whole NAL units, so what VA does not carry is still in them; the SPS's reference picture sets are
// not needed, for VA names all references and the lists of each slice.
#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include "decode_core/headers/hevc_scaling.h"
#include "va_driver/hevc_reference_sets.h"
#include "va_driver/job_builder.h"
#include "va_driver/nal_unit.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

constexpr size_t kReferences = std::size(VAPictureParameterBufferHEVC{}.ReferenceFrames);
constexpr uint8_t kNoReference = 0xff;

// By index into ReferenceFrames: the index into decode.dpb.
using DpbIndices = std::array<uint8_t, kReferences>;

class HevcBuilder : public JobBuilder {
 public:
  explicit HevcBuilder(core::Profile profile)
      : JobBuilder({sizeof(VAPictureParameterBufferHEVC), sizeof(VAIQMatrixBufferHEVC), 0,
                    sizeof(VASliceParameterBufferHEVC)}),
        bit_depth_(profile == core::Profile::kHevcMain10 ? 10 : 8) {}

 private:
  // RefPicList of one slice.
  using Lists = std::array<std::array<uint8_t, kReferences>, 2>;

  void reset() override {
    has_matrix_ = false;
    lists_.clear();
  }
  void take_picture(const uint8_t* parameters) override {
    std::memcpy(&picture_, parameters, sizeof picture_);
  }
  void take_iq_matrix(const uint8_t* parameters) override {
    std::memcpy(&matrix_, parameters, sizeof matrix_);
    has_matrix_ = true;
  }
  void take_probability(const uint8_t*) override {}
  void take_slice(const uint8_t* parameters) override {
    VASliceParameterBufferHEVC slice;
    std::memcpy(&slice, parameters, sizeof slice);
    Lists lists;
    static_assert(sizeof lists == sizeof slice.RefPicList);
    std::memcpy(&lists, slice.RefPicList, sizeof lists);
    lists_.push_back(lists);
  }

  VAStatus build(References& references, std::span<const Slice> slices,
                 std::vector<uint8_t>& bitstream, BuiltJob* out) override;

  VAStatus check_picture() const;
  v4l2_ctrl_hevc_sps sequence() const;
  v4l2_ctrl_hevc_pps picture_set() const;
  v4l2_ctrl_hevc_scaling_matrix scaling_matrix() const;
  DpbIndices resolve(References& references, v4l2_ctrl_hevc_decode_params* decode,
                     core::DecodeJob* job) const;
  core::HevcSliceParameters slice_parameters(const Lists& lists, const DpbIndices& indices) const;

  const int bit_depth_;
  VAPictureParameterBufferHEVC picture_{};
  VAIQMatrixBufferHEVC matrix_{};
  bool has_matrix_ = false;
  std::vector<Lists> lists_;  // by slice
};

VAStatus HevcBuilder::check_picture() const {
  const auto& fields = picture_.pic_fields.bits;
  if (picture_.bit_depth_luma_minus8 != bit_depth_ - 8 ||
      picture_.bit_depth_chroma_minus8 != bit_depth_ - 8 || fields.chroma_format_idc != 1 ||
      fields.separate_colour_plane_flag) {
    return refuse(VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT,
                  "HEVC of %d and %d bits, chroma_format_idc %u: the profile is %d bits, 4:2:0",
                  picture_.bit_depth_luma_minus8 + 8, picture_.bit_depth_chroma_minus8 + 8,
                  fields.chroma_format_idc, bit_depth_);
  }
  if (picture_.num_tile_columns_minus1 > std::size(picture_.column_width_minus1) ||
      picture_.num_tile_rows_minus1 > std::size(picture_.row_height_minus1)) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "HEVC of %dx%d tiles",
                  picture_.num_tile_columns_minus1 + 1, picture_.num_tile_rows_minus1 + 1);
  }
  return VA_STATUS_SUCCESS;
}

v4l2_ctrl_hevc_sps HevcBuilder::sequence() const {
  const auto& fields = picture_.pic_fields.bits;
  const auto& parsing = picture_.slice_parsing_fields.bits;
  v4l2_ctrl_hevc_sps sps{};
  // VA does not tell, and with fewer the Raspberry Pi's driver drops motion vectors that pictures
  // of higher sub-layers are predicted from (of NAL unit types that no picture of their own refers
  // to).
  constexpr uint8_t kMostSubLayers = 7;
  sps.sps_max_sub_layers_minus1 = kMostSubLayers - 1;
  sps.pic_width_in_luma_samples = picture_.pic_width_in_luma_samples;
  sps.pic_height_in_luma_samples = picture_.pic_height_in_luma_samples;
  sps.bit_depth_luma_minus8 = picture_.bit_depth_luma_minus8;
  sps.bit_depth_chroma_minus8 = picture_.bit_depth_chroma_minus8;
  sps.log2_max_pic_order_cnt_lsb_minus4 = picture_.log2_max_pic_order_cnt_lsb_minus4;
  sps.sps_max_dec_pic_buffering_minus1 = picture_.sps_max_dec_pic_buffering_minus1;
  sps.log2_min_luma_coding_block_size_minus3 = picture_.log2_min_luma_coding_block_size_minus3;
  sps.log2_diff_max_min_luma_coding_block_size = picture_.log2_diff_max_min_luma_coding_block_size;
  sps.log2_min_luma_transform_block_size_minus2 = picture_.log2_min_transform_block_size_minus2;
  sps.log2_diff_max_min_luma_transform_block_size = picture_.log2_diff_max_min_transform_block_size;
  sps.max_transform_hierarchy_depth_inter = picture_.max_transform_hierarchy_depth_inter;
  sps.max_transform_hierarchy_depth_intra = picture_.max_transform_hierarchy_depth_intra;
  // What follows from pcm_enabled_flag alone is whatever the client likes without it: ffmpeg sends
  // depths of 256, which the Raspberry Pi's driver would shift into other fields.
  if (fields.pcm_enabled_flag) {
    sps.pcm_sample_bit_depth_luma_minus1 = picture_.pcm_sample_bit_depth_luma_minus1;
    sps.pcm_sample_bit_depth_chroma_minus1 = picture_.pcm_sample_bit_depth_chroma_minus1;
    sps.log2_min_pcm_luma_coding_block_size_minus3 =
        picture_.log2_min_pcm_luma_coding_block_size_minus3;
    sps.log2_diff_max_min_pcm_luma_coding_block_size =
        picture_.log2_diff_max_min_pcm_luma_coding_block_size;
  }
  sps.num_short_term_ref_pic_sets = picture_.num_short_term_ref_pic_sets;
  sps.num_long_term_ref_pics_sps = picture_.num_long_term_ref_pic_sps;
  sps.chroma_format_idc = fields.chroma_format_idc;
  const auto flag = [&](bool set, uint64_t value) {
    if (set) sps.flags |= value;
  };
  flag(fields.scaling_list_enabled_flag, V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED);
  flag(fields.amp_enabled_flag, V4L2_HEVC_SPS_FLAG_AMP_ENABLED);
  flag(parsing.sample_adaptive_offset_enabled_flag, V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET);
  flag(fields.pcm_enabled_flag, V4L2_HEVC_SPS_FLAG_PCM_ENABLED);
  flag(fields.pcm_loop_filter_disabled_flag, V4L2_HEVC_SPS_FLAG_PCM_LOOP_FILTER_DISABLED);
  flag(parsing.long_term_ref_pics_present_flag, V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT);
  flag(parsing.sps_temporal_mvp_enabled_flag, V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED);
  flag(fields.strong_intra_smoothing_enabled_flag,
       V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED);
  return sps;
}

v4l2_ctrl_hevc_pps HevcBuilder::picture_set() const {
  const auto& fields = picture_.pic_fields.bits;
  const auto& parsing = picture_.slice_parsing_fields.bits;
  v4l2_ctrl_hevc_pps pps{};
  pps.num_extra_slice_header_bits = picture_.num_extra_slice_header_bits;
  pps.num_ref_idx_l0_default_active_minus1 = picture_.num_ref_idx_l0_default_active_minus1;
  pps.num_ref_idx_l1_default_active_minus1 = picture_.num_ref_idx_l1_default_active_minus1;
  pps.init_qp_minus26 = picture_.init_qp_minus26;
  pps.diff_cu_qp_delta_depth = picture_.diff_cu_qp_delta_depth;
  pps.pps_cb_qp_offset = picture_.pps_cb_qp_offset;
  pps.pps_cr_qp_offset = picture_.pps_cr_qp_offset;
  pps.pps_beta_offset_div2 = picture_.pps_beta_offset_div2;
  pps.pps_tc_offset_div2 = picture_.pps_tc_offset_div2;
  pps.log2_parallel_merge_level_minus2 = picture_.log2_parallel_merge_level_minus2;
  pps.num_tile_columns_minus1 = picture_.num_tile_columns_minus1;
  pps.num_tile_rows_minus1 = picture_.num_tile_rows_minus1;
  // VA spells uniform tiles out.
  for (size_t i = 0; i < picture_.num_tile_columns_minus1; ++i) {
    pps.column_width_minus1[i] = static_cast<uint8_t>(picture_.column_width_minus1[i]);
  }
  for (size_t i = 0; i < picture_.num_tile_rows_minus1; ++i) {
    pps.row_height_minus1[i] = static_cast<uint8_t>(picture_.row_height_minus1[i]);
  }
  const auto flag = [&](bool set, uint64_t value) {
    if (set) pps.flags |= value;
  };
  // VA does not tell; absent, all that it controls is 0 (7.4.3.3.1).
  flag(parsing.deblocking_filter_override_enabled_flag ||
           parsing.pps_disable_deblocking_filter_flag || pps.pps_beta_offset_div2 != 0 ||
           pps.pps_tc_offset_div2 != 0,
       V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
  flag(parsing.dependent_slice_segments_enabled_flag,
       V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED);
  flag(parsing.output_flag_present_flag, V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT);
  flag(fields.sign_data_hiding_enabled_flag, V4L2_HEVC_PPS_FLAG_SIGN_DATA_HIDING_ENABLED);
  flag(parsing.cabac_init_present_flag, V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT);
  flag(fields.constrained_intra_pred_flag, V4L2_HEVC_PPS_FLAG_CONSTRAINED_INTRA_PRED);
  flag(fields.transform_skip_enabled_flag, V4L2_HEVC_PPS_FLAG_TRANSFORM_SKIP_ENABLED);
  flag(fields.cu_qp_delta_enabled_flag, V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED);
  flag(parsing.pps_slice_chroma_qp_offsets_present_flag,
       V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT);
  flag(fields.weighted_pred_flag, V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED);
  flag(fields.weighted_bipred_flag, V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED);
  flag(fields.transquant_bypass_enabled_flag, V4L2_HEVC_PPS_FLAG_TRANSQUANT_BYPASS_ENABLED);
  flag(fields.tiles_enabled_flag, V4L2_HEVC_PPS_FLAG_TILES_ENABLED);
  flag(fields.entropy_coding_sync_enabled_flag, V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED);
  flag(fields.loop_filter_across_tiles_enabled_flag,
       V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED);
  flag(fields.pps_loop_filter_across_slices_enabled_flag,
       V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
  flag(parsing.deblocking_filter_override_enabled_flag,
       V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED);
  flag(parsing.pps_disable_deblocking_filter_flag,
       V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
  flag(parsing.lists_modification_present_flag, V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT);
  flag(parsing.slice_segment_header_extension_present_flag,
       V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT);
  return pps;
}

// The lists stand in raster order, whatever va.h calls it: ffmpeg and GStreamer agree.
v4l2_ctrl_hevc_scaling_matrix HevcBuilder::scaling_matrix() const {
  if (!has_matrix_) return headers::hevc_default_scaling_matrix();
  v4l2_ctrl_hevc_scaling_matrix out{};
  const auto copy = [](auto& to, const auto& from) {
    static_assert(sizeof to == sizeof from);
    std::memcpy(&to, &from, sizeof to);
  };
  copy(out.scaling_list_4x4, matrix_.ScalingList4x4);
  copy(out.scaling_list_8x8, matrix_.ScalingList8x8);
  copy(out.scaling_list_16x16, matrix_.ScalingList16x16);
  copy(out.scaling_list_32x32, matrix_.ScalingList32x32);
  copy(out.scaling_list_dc_coef_16x16, matrix_.ScalingListDC16x16);
  copy(out.scaling_list_dc_coef_32x32, matrix_.ScalingListDC32x32);
  return out;
}

DpbIndices HevcBuilder::resolve(References& references, v4l2_ctrl_hevc_decode_params* decode,
                                core::DecodeJob* job) const {
  DpbIndices indices;
  indices.fill(kNoReference);
  for (size_t i = 0; i < kReferences; ++i) {
    const VAPictureHEVC& reference = picture_.ReferenceFrames[i];
    if ((reference.flags & VA_PICTURE_HEVC_INVALID) || reference.picture_id == VA_INVALID_SURFACE) {
      continue;
    }
    const uint8_t index = decode->num_active_dpb_entries++;
    indices[i] = index;
    decode->dpb[index].pic_order_cnt_val = reference.pic_order_cnt;
    if (reference.flags & VA_PICTURE_HEVC_LONG_TERM_REFERENCE) {
      decode->dpb[index].flags = V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE;
    }
    if (reference.flags & VA_PICTURE_HEVC_RPS_ST_CURR_BEFORE) {
      decode->poc_st_curr_before[decode->num_poc_st_curr_before++] = index;
    } else if (reference.flags & VA_PICTURE_HEVC_RPS_ST_CURR_AFTER) {
      decode->poc_st_curr_after[decode->num_poc_st_curr_after++] = index;
    } else if (reference.flags & VA_PICTURE_HEVC_RPS_LT_CURR) {
      decode->poc_lt_curr[decode->num_poc_lt_curr++] = index;
    }
    job->references.push_back(references.resolve(reference.picture_id).picture);
  }
  return indices;
}

core::HevcSliceParameters HevcBuilder::slice_parameters(const Lists& lists,
                                                        const DpbIndices& indices) const {
  core::HevcSliceParameters slice;
  slice.reference_set_bits = picture_.st_rps_bits;
  for (size_t list = 0; list < 2; ++list) {
    for (size_t i = 0; i < kReferences; ++i) {
      const uint8_t named = lists[list][i];
      slice.lists[list][i] = named < kReferences ? indices[named] : kNoReference;
    }
  }
  return slice;
}

VAStatus HevcBuilder::build(References& references, std::span<const Slice> slices,
                            std::vector<uint8_t>& bitstream, BuiltJob* out) {
  if (VAStatus status = check_picture()) return status;
  core::DecodeJob& job = out->job;
  core::HevcParameters parameters;
  parameters.sps = sequence();
  parameters.pps = picture_set();
  parameters.scaling_matrix = scaling_matrix();
  parameters.decode.pic_order_cnt_val = picture_.CurrPic.pic_order_cnt;
  const auto& parsing = picture_.slice_parsing_fields.bits;
  if (parsing.RapPicFlag) parameters.decode.flags |= V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC;
  if (parsing.IdrPicFlag) parameters.decode.flags |= V4L2_HEVC_DECODE_PARAM_FLAG_IDR_PIC;
  const DpbIndices indices = resolve(references, &parameters.decode, &job);
  for (const Slice& slice : slices) {
    const core::ByteRange nal = without_start_code(bitstream, slice.range);
    if (nal.size == 0) continue;
    job.slices.push_back(nal);
    parameters.slices.push_back(slice_parameters(lists_[slice.parameters], indices));
  }
  if (job.slices.empty()) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "no slice of the picture holds a NAL unit");
  }
  job.bitstream = std::move(bitstream);
  order_reference_sets(job, &parameters);
  job.parameters = std::move(parameters);
  return VA_STATUS_SUCCESS;
}

}  // namespace

std::unique_ptr<JobBuilder> create_hevc_builder(core::Profile profile) {
  return std::make_unique<HevcBuilder>(profile);
}

}  // namespace daedalus::va
