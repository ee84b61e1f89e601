#include "test/clients/parsers/h264_slice_controls.h"

#include <algorithm>

namespace daedalus::clients {
namespace {

using ReferenceArray = v4l2_h264_reference[V4L2_H264_REF_LIST_LEN];

// An entry without a picture names one beyond the dpb.
void fill_list(const std::vector<H264Reference>& list, ReferenceArray& array) {
  for (size_t i = 0; i < std::min<size_t>(list.size(), V4L2_H264_REF_LIST_LEN); ++i) {
    array[i].fields = list[i].fields;
    array[i].index =
        list[i].none() ? V4L2_H264_NUM_DPB_ENTRIES : static_cast<uint8_t>(list[i].dpb_index);
  }
}

void fill_weights(const H264Weights& from, v4l2_h264_weight_factors& to) {
  std::ranges::copy(from.luma_weight, to.luma_weight);
  std::ranges::copy(from.luma_offset, to.luma_offset);
  for (size_t i = 0; i < from.chroma_weight.size(); ++i) {
    std::ranges::copy(from.chroma_weight[i], to.chroma_weight[i]);
    std::ranges::copy(from.chroma_offset[i], to.chroma_offset[i]);
  }
}

}  // namespace

H264SliceControls h264_slice_controls(const H264SliceHeader& header, const v4l2_ctrl_h264_pps& pps,
                                      const H264ListContext& context) {
  H264SliceControls controls;
  v4l2_ctrl_h264_slice_params& slice = controls.slice;
  slice.header_bit_size = header.header_bits;
  slice.first_mb_in_slice = header.first_mb_in_slice;
  slice.slice_type = static_cast<uint8_t>(header.type);
  slice.colour_plane_id = header.colour_plane_id;
  slice.redundant_pic_cnt = static_cast<uint8_t>(header.redundant_pic_cnt);
  slice.cabac_init_idc = header.cabac_init_idc;
  slice.slice_qp_delta = header.slice_qp_delta;
  slice.slice_qs_delta = header.slice_qs_delta;
  slice.disable_deblocking_filter_idc = header.disable_deblocking_filter_idc;
  slice.slice_alpha_c0_offset_div2 = header.slice_alpha_c0_offset_div2;
  slice.slice_beta_offset_div2 = header.slice_beta_offset_div2;
  if (header.uses_list(0))
    slice.num_ref_idx_l0_active_minus1 = static_cast<uint8_t>(header.reference_count[0] - 1);
  if (header.uses_list(1))
    slice.num_ref_idx_l1_active_minus1 = static_cast<uint8_t>(header.reference_count[1] - 1);
  if (header.direct_spatial_mv_pred) slice.flags |= V4L2_H264_SLICE_FLAG_DIRECT_SPATIAL_MV_PRED;
  if (header.sp_for_switch) slice.flags |= V4L2_H264_SLICE_FLAG_SP_FOR_SWITCH;
  const auto lists = h264_reference_lists(context, header);
  fill_list(lists[0], slice.ref_pic_list0);
  fill_list(lists[1], slice.ref_pic_list1);
  controls.weighted = V4L2_H264_CTRL_PRED_WEIGHTS_REQUIRED(&pps, &slice);
  controls.weights.luma_log2_weight_denom = header.luma_log2_weight_denom;
  controls.weights.chroma_log2_weight_denom = header.chroma_log2_weight_denom;
  fill_weights(header.weights[0], controls.weights.weight_factors[0]);
  fill_weights(header.weights[1], controls.weights.weight_factors[1]);
  return controls;
}

}  // namespace daedalus::clients
