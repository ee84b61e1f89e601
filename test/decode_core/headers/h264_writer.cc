#include "test/decode_core/headers/h264_writer.h"

#include <algorithm>
#include <bit>

#include "decode_core/headers/h264_scaling.h"

namespace daedalus::test {

using headers::H264Pps;
using headers::H264SliceContext;
using headers::H264SliceHeader;
using headers::H264Sps;

void BitWriter::u(uint64_t value, unsigned count) {
  for (unsigned i = count; i-- > 0;) {
    if (size_ % 8 == 0) bytes_.push_back(0);
    if ((value >> i & 1) != 0) bytes_.back() |= static_cast<uint8_t>(0x80u >> size_ % 8);
    ++size_;
  }
}

void BitWriter::ue(uint64_t value) {
  const unsigned bits = static_cast<unsigned>(std::bit_width(value + 1));
  u(0, bits - 1);
  u(value + 1, bits);
}

void BitWriter::se(int64_t value) {
  ue(value > 0 ? static_cast<uint64_t>(2 * value - 1) : static_cast<uint64_t>(-2 * value));
}

std::vector<uint8_t> BitWriter::finish() {
  u(1, 1);
  return bytes_;
}

std::vector<uint8_t> make_nal(int ref_idc, int type, std::span<const uint8_t> rbsp) {
  std::vector<uint8_t> nal = {static_cast<uint8_t>(ref_idc << 5 | type)};
  int zeros = 0;
  for (const uint8_t byte : rbsp) {
    if (zeros == 2 && byte <= 3) {
      nal.push_back(3);
      zeros = 0;
    }
    nal.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return nal;
}

namespace {

bool has_chroma_syntax(const H264Sps& sps) {
  return sps.control.profile_idc >= 100 || sps.control.profile_idc == 44;
}

void write_hrd(BitWriter& out) {
  out.ue(1);
  out.u(0x12, 8);
  for (int i = 0; i < 2; ++i) {
    out.ue(1000);
    out.ue(77);
    out.flag(true);
  }
  out.u(0xabcde, 20);
}

void write_vui(BitWriter& out, const headers::H264BitstreamRestriction& restriction) {
  out.flag(true);  // aspect_ratio_info
  out.u(255, 8);
  out.u(40, 16);
  out.u(33, 16);
  out.flag(true);  // overscan_info
  out.flag(false);
  out.flag(true);  // video_signal_type
  out.u(5, 3);
  out.flag(true);
  out.flag(true);
  out.u(0x010d06, 24);
  out.flag(true);  // chroma_loc_info
  out.ue(2);
  out.ue(3);
  out.flag(true);  // timing_info
  out.u(1001, 32);
  out.u(60000, 32);
  out.flag(true);
  out.flag(true);  // nal_hrd
  write_hrd(out);
  out.flag(true);  // vcl_hrd
  write_hrd(out);
  out.flag(true);  // low_delay_hrd
  out.flag(false);
  out.flag(true);  // bitstream_restriction
  out.flag(true);
  out.ue(2);
  out.ue(1);
  out.ue(15);
  out.ue(14);
  out.ue(restriction.max_num_reorder_frames);
  out.ue(restriction.max_dec_frame_buffering);
}

}  // namespace

std::vector<uint8_t> write_sps(const H264Sps& sps) {
  const v4l2_ctrl_h264_sps& control = sps.control;
  const auto has = [&](uint32_t flag) { return (control.flags & flag) != 0; };
  BitWriter out;
  out.u(control.profile_idc, 8);
  for (int i = 0; i < 6; ++i) out.flag((control.constraint_set_flags >> i & 1) != 0);
  out.u(0, 2);
  out.u(control.level_idc, 8);
  out.ue(control.seq_parameter_set_id);
  if (has_chroma_syntax(sps)) {
    out.ue(control.chroma_format_idc);
    if (control.chroma_format_idc == 3) out.flag(has(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE));
    out.ue(control.bit_depth_luma_minus8);
    out.ue(control.bit_depth_chroma_minus8);
    out.flag(has(V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS));
    out.flag(false);
  }
  out.ue(control.log2_max_frame_num_minus4);
  out.ue(control.pic_order_cnt_type);
  if (control.pic_order_cnt_type == 0) out.ue(control.log2_max_pic_order_cnt_lsb_minus4);
  if (control.pic_order_cnt_type == 1) {
    out.flag(has(V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO));
    out.se(control.offset_for_non_ref_pic);
    out.se(control.offset_for_top_to_bottom_field);
    out.ue(control.num_ref_frames_in_pic_order_cnt_cycle);
    for (int i = 0; i < control.num_ref_frames_in_pic_order_cnt_cycle; ++i) {
      out.se(control.offset_for_ref_frame[i]);
    }
  }
  out.ue(control.max_num_ref_frames);
  out.flag(has(V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED));
  out.ue(control.pic_width_in_mbs_minus1);
  out.ue(control.pic_height_in_map_units_minus1);
  out.flag(has(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY));
  if (!has(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY)) {
    out.flag(has(V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD));
  }
  out.flag(has(V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE));
  const headers::H264Cropping& crop = sps.cropping;
  const bool cropped = (crop.left | crop.right | crop.top | crop.bottom) != 0;
  out.flag(cropped);
  if (cropped) {
    const int chroma = headers::h264_chroma_array_type(control);
    const uint32_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
    const uint32_t unit_y =
        (chroma == 1 ? 2 : 1) * (has(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) ? 1 : 2);
    out.ue(crop.left / unit_x);
    out.ue(crop.right / unit_x);
    out.ue(crop.top / unit_y);
    out.ue(crop.bottom / unit_y);
  }
  out.flag(sps.restriction.has_value());
  if (sps.restriction) write_vui(out, *sps.restriction);
  return make_nal(3, 7, out.finish());
}

namespace {

void write_slice_groups(BitWriter& out, const H264Sps& sps, const H264Pps& pps) {
  const headers::H264SliceGroups& groups = pps.slice_groups;
  const unsigned count = pps.control.num_slice_groups_minus1 + 1u;
  out.ue(groups.map_type);
  if (groups.map_type == 0) {
    for (unsigned i = 0; i < count; ++i) out.ue(groups.run_length_minus1[i]);
  } else if (groups.map_type == 2) {
    for (unsigned i = 0; i + 1 < count; ++i) {
      out.ue(groups.top_left[i]);
      out.ue(groups.bottom_right[i]);
    }
  } else if (groups.map_type >= 3 && groups.map_type <= 5) {
    out.flag(groups.change_direction);
    out.ue(groups.change_rate_minus1);
  } else if (groups.map_type == 6) {
    out.ue(headers::h264_map_units(sps.control) - 1);
    const unsigned bits = count > 4 ? 3 : count > 2 ? 2 : 1;
    for (const uint8_t id : groups.slice_group_id) out.u(id, bits);
  }
}

}  // namespace

std::vector<uint8_t> write_pps(const H264Sps& sps, const H264Pps& pps) {
  const v4l2_ctrl_h264_pps& control = pps.control;
  const auto has = [&](uint32_t flag) { return (control.flags & flag) != 0; };
  BitWriter out;
  out.ue(control.pic_parameter_set_id);
  out.ue(control.seq_parameter_set_id);
  out.flag(has(V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE));
  out.flag(has(V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT));
  out.ue(control.num_slice_groups_minus1);
  if (control.num_slice_groups_minus1 > 0) write_slice_groups(out, sps, pps);
  out.ue(control.num_ref_idx_l0_default_active_minus1);
  out.ue(control.num_ref_idx_l1_default_active_minus1);
  out.flag(has(V4L2_H264_PPS_FLAG_WEIGHTED_PRED));
  out.u(control.weighted_bipred_idc, 2);
  out.se(control.pic_init_qp_minus26);
  out.se(control.pic_init_qs_minus26);
  out.se(control.chroma_qp_index_offset);
  out.flag(has(V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT));
  out.flag(has(V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED));
  out.flag(has(V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT));
  if (has(V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE) ||
      control.second_chroma_qp_index_offset != control.chroma_qp_index_offset) {
    out.flag(has(V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE));
    out.flag(false);
    out.se(control.second_chroma_qp_index_offset);
  }
  return make_nal(3, 8, out.finish());
}

namespace {

void write_modifications(BitWriter& out, const std::vector<headers::H264ListModification>& list) {
  out.flag(!list.empty());
  if (list.empty()) return;
  for (const headers::H264ListModification& entry : list) {
    out.ue(entry.idc);
    out.ue(entry.value);
  }
  out.ue(3);
}

void write_weights(BitWriter& out, const H264SliceHeader& header, bool has_chroma) {
  const v4l2_ctrl_h264_pred_weights& weights = header.weights;
  out.ue(weights.luma_log2_weight_denom);
  if (has_chroma) out.ue(weights.chroma_log2_weight_denom);
  for (int list = 0; list < (header.is_b() ? 2 : 1); ++list) {
    const int count = 1 + (list == 0 ? header.slice.num_ref_idx_l0_active_minus1
                                     : header.slice.num_ref_idx_l1_active_minus1);
    const v4l2_h264_weight_factors& factors = weights.weight_factors[list];
    // A count out of range is written, its weights are not.
    for (int i = 0; i < std::min(count, V4L2_H264_REF_LIST_LEN); ++i) {
      out.flag(true);
      out.se(factors.luma_weight[i]);
      out.se(factors.luma_offset[i]);
      if (!has_chroma) continue;
      out.flag(true);
      for (int c = 0; c < 2; ++c) {
        out.se(factors.chroma_weight[i][c]);
        out.se(factors.chroma_offset[i][c]);
      }
    }
  }
}

void write_marking(BitWriter& out, const H264SliceHeader& header) {
  if (header.idr()) {
    out.flag(header.no_output_of_prior_pics);
    out.flag(header.long_term_reference);
    return;
  }
  out.flag(header.adaptive_marking);
  if (!header.adaptive_marking) return;
  for (const headers::H264MarkingOperation& entry : header.marking) {
    const int operation = entry.operation;
    out.ue(entry.operation);
    if (operation == 1 || operation == 3) out.ue(entry.difference_of_pic_nums_minus1);
    if (operation == 2) out.ue(entry.long_term_pic_num);
    if (operation == 3 || operation == 6) out.ue(entry.long_term_frame_idx);
    if (operation == 4) out.ue(entry.max_long_term_frame_idx_plus1);
  }
  out.ue(0);
}

void write_picture_order(BitWriter& out, const H264SliceHeader& header,
                         const H264SliceContext& context) {
  const v4l2_ctrl_h264_sps& sps = context.sps;
  const v4l2_ctrl_h264_decode_params& decode = header.decode;
  const bool bottom =
      !header.field_pic &&
      (context.pps.flags & V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT) != 0;
  if (sps.pic_order_cnt_type == 0) {
    out.u(decode.pic_order_cnt_lsb, sps.log2_max_pic_order_cnt_lsb_minus4 + 4u);
    if (bottom) out.se(decode.delta_pic_order_cnt_bottom);
  } else if (sps.pic_order_cnt_type == 1 &&
             (sps.flags & V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO) == 0) {
    out.se(decode.delta_pic_order_cnt0);
    if (bottom) out.se(decode.delta_pic_order_cnt1);
  }
}

}  // namespace

std::vector<uint8_t> write_slice(const H264SliceHeader& header, const H264SliceContext& context) {
  const v4l2_ctrl_h264_sps& sps = context.sps;
  const v4l2_ctrl_h264_pps& pps = context.pps;
  const v4l2_ctrl_h264_slice_params& slice = header.slice;
  BitWriter out;
  out.ue(slice.first_mb_in_slice);
  out.ue(slice.slice_type);
  out.ue(header.pps_id);
  if ((sps.flags & V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE) != 0) out.u(slice.colour_plane_id, 2);
  out.u(header.decode.frame_num, sps.log2_max_frame_num_minus4 + 4u);
  if ((sps.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) == 0) {
    out.flag(header.field_pic);
    if (header.field_pic) out.flag(header.bottom_field);
  }
  if (header.idr()) out.ue(header.decode.idr_pic_id);
  write_picture_order(out, header, context);
  if ((pps.flags & V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT) != 0) {
    out.ue(slice.redundant_pic_cnt);
  }
  if (header.is_b()) out.flag((slice.flags & V4L2_H264_SLICE_FLAG_DIRECT_SPATIAL_MV_PRED) != 0);
  if (!header.is_intra()) {
    out.flag(header.num_ref_idx_override);
    if (header.num_ref_idx_override) {
      out.ue(slice.num_ref_idx_l0_active_minus1);
      if (header.is_b()) out.ue(slice.num_ref_idx_l1_active_minus1);
    }
    write_modifications(out, header.list_modifications[0]);
    if (header.is_b()) write_modifications(out, header.list_modifications[1]);
  }
  if (headers::h264_has_explicit_weights(pps, slice.slice_type)) {
    write_weights(out, header, headers::h264_chroma_array_type(sps) != 0);
  }
  if (header.nal.ref_idc != 0) write_marking(out, header);
  if ((pps.flags & V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE) != 0 && !header.is_intra()) {
    out.ue(slice.cabac_init_idc);
  }
  out.se(slice.slice_qp_delta);
  const bool sp = slice.slice_type == V4L2_H264_SLICE_TYPE_SP;
  if (sp) out.flag((slice.flags & V4L2_H264_SLICE_FLAG_SP_FOR_SWITCH) != 0);
  if (sp || slice.slice_type == V4L2_H264_SLICE_TYPE_SI) out.se(slice.slice_qs_delta);
  if ((pps.flags & V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT) != 0) {
    out.ue(slice.disable_deblocking_filter_idc);
    if (slice.disable_deblocking_filter_idc != 1) {
      out.se(slice.slice_alpha_c0_offset_div2);
      out.se(slice.slice_beta_offset_div2);
    }
  }
  out.u(header.decode.slice_group_change_cycle, context.slice_group_change_cycle_bits);
  out.u(0xdeadbeef, 32);
  return make_nal(header.nal.ref_idc, static_cast<int>(header.nal.type), out.finish());
}

H264Sps simple_sps(uint16_t width_mbs, uint16_t height_map_units) {
  H264Sps sps;
  sps.control.profile_idc = 77;
  sps.control.level_idc = 40;
  sps.control.chroma_format_idc = 1;
  sps.control.log2_max_pic_order_cnt_lsb_minus4 = 4;
  sps.control.max_num_ref_frames = 4;
  sps.control.pic_width_in_mbs_minus1 = static_cast<uint16_t>(width_mbs - 1);
  sps.control.pic_height_in_map_units_minus1 = static_cast<uint16_t>(height_map_units - 1);
  sps.control.flags = V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY | V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
  sps.scaling_matrix = headers::h264_flat_scaling_matrix();
  return sps;
}

H264Pps simple_pps() {
  H264Pps pps;
  pps.scaling_matrix = headers::h264_flat_scaling_matrix();
  return pps;
}

}  // namespace daedalus::test
