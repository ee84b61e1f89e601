#include <algorithm>
#include <cstring>

#include "test/clients/parsers/h264_reference_lists.h"
#include "test/clients/parsers/h264_slice_header.h"
#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {
namespace {

VAPictureH264 invalid_picture() {
  VAPictureH264 picture{};
  picture.picture_id = VA_INVALID_SURFACE;
  picture.flags = VA_PICTURE_H264_INVALID;
  return picture;
}

uint32_t field_flags(uint8_t fields) {
  if (fields == V4L2_H264_TOP_FIELD_REF) return VA_PICTURE_H264_TOP_FIELD;
  if (fields == V4L2_H264_BOTTOM_FIELD_REF) return VA_PICTURE_H264_BOTTOM_FIELD;
  return 0;
}

class H264Translation {
 public:
  H264Translation(const core::DecodeJob& job, const SurfaceOf& surface_of)
      : job_(job), p_(std::get<core::H264Parameters>(job.parameters)), surface_of_(surface_of) {}

  Result<PictureBuffers> run() {
    PictureBuffers buffers;
    buffers.picture.push_back(
        ParameterBuffer::of(VAPictureParameterBufferType, picture_parameters()));
    buffers.picture.push_back(ParameterBuffer::of(VAIQMatrixBufferType, matrices()));
    for (size_t i = 0; i < job_.slices.size(); ++i) {
      Result<clients::H264SliceHeader> header = read_header(i);
      if (!header) return header.error();
      buffers.slices.push_back(
          ParameterBuffer::of(VASliceParameterBufferType, slice_parameters(*header, i)));
      buffers.slices.push_back(ParameterBuffer::of_data(job_.bytes_of(job_.slices[i])));
    }
    return buffers;
  }

 private:
  bool sps(uint32_t flag) const { return (p_.sps.flags & flag) != 0; }
  bool pps(uint32_t flag) const { return (p_.pps.flags & flag) != 0; }
  bool decode(uint32_t flag) const { return (p_.decode.flags & flag) != 0; }

  Result<clients::H264SliceHeader> read_header(size_t index) const {
    v4l2_ctrl_h264_pps in_force = p_.pps;
    const auto& counts = p_.slice_reference_counts_minus1;
    if (!p_.default_reference_counts_known && index < counts.size()) {
      in_force.num_ref_idx_l0_default_active_minus1 = counts[index][0];
      in_force.num_ref_idx_l1_default_active_minus1 = counts[index][1];
    }
    return clients::read_h264_slice_header(job_.bytes_of(job_.slices[index]), p_.sps, in_force, 0);
  }

  VAPictureH264 current_picture() const {
    VAPictureH264 picture{};
    picture.picture_id = surface_of_(job_.target);
    picture.frame_idx = p_.decode.frame_num;
    if (decode(V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC)) {
      picture.flags = decode(V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD)
                          ? VA_PICTURE_H264_BOTTOM_FIELD
                          : VA_PICTURE_H264_TOP_FIELD;
    }
    if (p_.decode.nal_ref_idc != 0) picture.flags |= VA_PICTURE_H264_SHORT_TERM_REFERENCE;
    picture.TopFieldOrderCnt = p_.decode.top_field_order_cnt;
    picture.BottomFieldOrderCnt = p_.decode.bottom_field_order_cnt;
    return picture;
  }

  VAPictureH264 reference(size_t index, uint8_t fields) const {
    const v4l2_h264_dpb_entry& entry = p_.decode.dpb[index];
    if (!job_.references[index]) return invalid_picture();
    VAPictureH264 picture{};
    picture.picture_id = surface_of_(job_.references[index]);
    picture.frame_idx = entry.frame_num;
    picture.flags = field_flags(fields);
    picture.flags |= (entry.flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM)
                         ? VA_PICTURE_H264_LONG_TERM_REFERENCE
                         : VA_PICTURE_H264_SHORT_TERM_REFERENCE;
    picture.TopFieldOrderCnt = entry.top_field_order_cnt;
    picture.BottomFieldOrderCnt = entry.bottom_field_order_cnt;
    return picture;
  }

  // Short-term references first, then long-term ones.
  void fill_references(VAPictureH264 (&pictures)[16]) const {
    std::fill(std::begin(pictures), std::end(pictures), invalid_picture());
    size_t count = 0;
    for (const bool long_term : {false, true}) {
      for (size_t i = 0; i < job_.references.size() && count < std::size(pictures); ++i) {
        const v4l2_h264_dpb_entry& entry = p_.decode.dpb[i];
        const bool is_long = (entry.flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM) != 0;
        if (!(entry.flags & V4L2_H264_DPB_ENTRY_FLAG_ACTIVE) || is_long != long_term) continue;
        if (job_.references[i]) pictures[count++] = reference(i, entry.fields);
      }
    }
  }

  VAPictureParameterBufferH264 picture_parameters() const {
    VAPictureParameterBufferH264 v{};
    v.CurrPic = current_picture();
    fill_references(v.ReferenceFrames);
    const uint32_t rows_per_map_unit = sps(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) ? 1 : 2;
    v.picture_width_in_mbs_minus1 = p_.sps.pic_width_in_mbs_minus1;
    v.picture_height_in_mbs_minus1 =
        static_cast<uint16_t>((p_.sps.pic_height_in_map_units_minus1 + 1U) * rows_per_map_unit - 1);
    v.bit_depth_luma_minus8 = p_.sps.bit_depth_luma_minus8;
    v.bit_depth_chroma_minus8 = p_.sps.bit_depth_chroma_minus8;
    v.num_ref_frames = p_.sps.max_num_ref_frames;
    fill_sequence_fields(v);
    v.pic_init_qp_minus26 = p_.pps.pic_init_qp_minus26;
    v.pic_init_qs_minus26 = p_.pps.pic_init_qs_minus26;
    v.chroma_qp_index_offset = p_.pps.chroma_qp_index_offset;
    v.second_chroma_qp_index_offset = p_.pps.second_chroma_qp_index_offset;
    fill_picture_fields(v);
    v.frame_num = p_.decode.frame_num;
    return v;
  }

  void fill_sequence_fields(VAPictureParameterBufferH264& v) const {
    auto& s = v.seq_fields.bits;
    s.chroma_format_idc = p_.sps.chroma_format_idc;
    s.residual_colour_transform_flag = sps(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE);
    s.gaps_in_frame_num_value_allowed_flag =
        sps(V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED);
    s.frame_mbs_only_flag = sps(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY);
    s.mb_adaptive_frame_field_flag = sps(V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD);
    s.direct_8x8_inference_flag = sps(V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE);
    s.MinLumaBiPredSize8x8 = p_.sps.level_idc >= 31;  // A.3.3.2
    s.log2_max_frame_num_minus4 = p_.sps.log2_max_frame_num_minus4;
    s.pic_order_cnt_type = p_.sps.pic_order_cnt_type;
    s.log2_max_pic_order_cnt_lsb_minus4 = p_.sps.log2_max_pic_order_cnt_lsb_minus4;
    s.delta_pic_order_always_zero_flag = sps(V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO);
  }

  void fill_picture_fields(VAPictureParameterBufferH264& v) const {
    auto& f = v.pic_fields.bits;
    f.entropy_coding_mode_flag = pps(V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE);
    f.weighted_pred_flag = pps(V4L2_H264_PPS_FLAG_WEIGHTED_PRED);
    f.weighted_bipred_idc = p_.pps.weighted_bipred_idc;
    f.transform_8x8_mode_flag = pps(V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
    f.field_pic_flag = decode(V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC);
    f.constrained_intra_pred_flag = pps(V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED);
    f.pic_order_present_flag = pps(V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT);
    f.deblocking_filter_control_present_flag =
        pps(V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
    f.redundant_pic_cnt_present_flag = pps(V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT);
    f.reference_pic_flag = p_.decode.nal_ref_idc != 0;
  }

  // Flat 16 where the stream has none.
  VAIQMatrixBufferH264 matrices() const {
    VAIQMatrixBufferH264 v{};
    if (!pps(V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT)) {
      std::memset(v.ScalingList4x4, 16, sizeof(v.ScalingList4x4));
      std::memset(v.ScalingList8x8, 16, sizeof(v.ScalingList8x8));
      return v;
    }
    std::memcpy(v.ScalingList4x4, p_.scaling_matrix.scaling_list_4x4, sizeof(v.ScalingList4x4));
    std::memcpy(v.ScalingList8x8, p_.scaling_matrix.scaling_list_8x8, sizeof(v.ScalingList8x8));
    return v;
  }

  clients::H264ListContext list_context() const {
    clients::H264ListContext context{p_.sps, p_.decode};
    for (size_t i = 0; i < context.order_counts.size(); ++i) {
      const v4l2_h264_dpb_entry& entry = p_.decode.dpb[i];
      const int32_t top = entry.top_field_order_cnt, bottom = entry.bottom_field_order_cnt;
      context.order_counts[i] = std::min(top, bottom);
      // The first field of this very frame.
      if (i < job_.references.size() && job_.references[i] == job_.target)
        context.order_counts[i] = entry.fields == V4L2_H264_BOTTOM_FIELD_REF ? bottom : top;
    }
    return context;
  }

  VASliceParameterBufferH264 slice_parameters(const clients::H264SliceHeader& slice,
                                              size_t index) const {
    VASliceParameterBufferH264 v{};
    v.slice_data_size = job_.slices[index].size;
    v.slice_data_flag = VA_SLICE_DATA_FLAG_ALL;
    v.slice_data_bit_offset = static_cast<uint16_t>(slice.header_bits);
    v.first_mb_in_slice = static_cast<uint16_t>(slice.first_mb_in_slice);
    v.slice_type = static_cast<uint8_t>(slice.type);
    v.direct_spatial_mv_pred_flag = slice.direct_spatial_mv_pred;
    if (slice.uses_list(0))
      v.num_ref_idx_l0_active_minus1 = static_cast<uint8_t>(slice.reference_count[0] - 1);
    if (slice.uses_list(1))
      v.num_ref_idx_l1_active_minus1 = static_cast<uint8_t>(slice.reference_count[1] - 1);
    v.cabac_init_idc = slice.cabac_init_idc;
    v.slice_qp_delta = slice.slice_qp_delta;
    v.disable_deblocking_filter_idc = slice.disable_deblocking_filter_idc;
    v.slice_alpha_c0_offset_div2 = slice.slice_alpha_c0_offset_div2;
    v.slice_beta_offset_div2 = slice.slice_beta_offset_div2;
    const auto lists = clients::h264_reference_lists(list_context(), slice);
    fill_list(lists[0], v.RefPicList0);
    fill_list(lists[1], v.RefPicList1);
    v.luma_log2_weight_denom = slice.luma_log2_weight_denom;
    v.chroma_log2_weight_denom = slice.chroma_log2_weight_denom;
    fill_weights(slice.weights[0], v.luma_weight_l0_flag, v.luma_weight_l0, v.luma_offset_l0,
                 v.chroma_weight_l0_flag, v.chroma_weight_l0, v.chroma_offset_l0);
    fill_weights(slice.weights[1], v.luma_weight_l1_flag, v.luma_weight_l1, v.luma_offset_l1,
                 v.chroma_weight_l1_flag, v.chroma_weight_l1, v.chroma_offset_l1);
    return v;
  }

  void fill_list(const std::vector<clients::H264Reference>& list,
                 VAPictureH264 (&pictures)[32]) const {
    std::fill(std::begin(pictures), std::end(pictures), invalid_picture());
    for (size_t i = 0; i < list.size() && i < std::size(pictures); ++i) {
      if (list[i].dpb_index < job_.references.size())
        pictures[i] = reference(list[i].dpb_index, list[i].fields);
    }
  }

  static void fill_weights(const clients::H264Weights& weights, uint8_t& luma_flag,
                           int16_t (&luma)[32], int16_t (&luma_offset)[32], uint8_t& chroma_flag,
                           int16_t (&chroma)[32][2], int16_t (&chroma_offset)[32][2]) {
    luma_flag = weights.luma_present;
    chroma_flag = weights.chroma_present;
    for (size_t i = 0; i < 32; ++i) {
      luma[i] = weights.luma_weight[i];
      luma_offset[i] = weights.luma_offset[i];
      for (size_t plane = 0; plane < 2; ++plane) {
        chroma[i][plane] = weights.chroma_weight[i][plane];
        chroma_offset[i][plane] = weights.chroma_offset[i][plane];
      }
    }
  }

  const core::DecodeJob& job_;
  const core::H264Parameters& p_;
  const SurfaceOf& surface_of_;
};

}  // namespace

Result<PictureBuffers> h264_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of) {
  return H264Translation(job, surface_of).run();
}

}  // namespace daedalus::va_client
