#include "decode_core/headers/h264_pps.h"

#include <bit>
#include <string>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/h264_nal.h"
#include "decode_core/headers/h264_scaling.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("H.264 picture parameter set: ") + what};
}

Result<H264PpsIds> read_ids(BitReader& reader) {
  const uint32_t pps_id = reader.ue();
  const uint32_t sps_id = reader.ue();
  if (reader.overrun()) return corrupt("it ends too early");
  if (pps_id > 255) return corrupt("pic_parameter_set_id above 255");
  if (sps_id > 31) return corrupt("seq_parameter_set_id above 31");
  return H264PpsIds{static_cast<uint8_t>(pps_id), static_cast<uint8_t>(sps_id)};
}

Status read_explicit_map(BitReader& reader, uint32_t group_count, uint32_t map_units,
                         H264SliceGroups& groups) {
  if (reader.ue() != map_units - 1) return corrupt("pic_size_in_map_units_minus1 is not the SPS's");
  const unsigned bits = static_cast<unsigned>(std::bit_width(group_count - 1));
  if (reader.overrun() || reader.bits_left() < size_t{map_units} * bits) {
    return corrupt("it ends too early");
  }
  groups.slice_group_id.resize(map_units);
  for (uint8_t& id : groups.slice_group_id) {
    id = static_cast<uint8_t>(reader.u(bits));
    if (id >= group_count) return corrupt("slice_group_id above num_slice_groups_minus1");
  }
  return {};
}

Status read_slice_groups(BitReader& reader, uint32_t group_count, const v4l2_ctrl_h264_sps& sps,
                         H264SliceGroups& groups) {
  const uint32_t map_units = h264_map_units(sps);
  const uint32_t type = reader.ue();
  if (type > 6) return corrupt("slice_group_map_type above 6");
  groups.map_type = static_cast<uint8_t>(type);
  if (type == 0) {
    for (uint32_t i = 0; i < group_count; ++i) {
      groups.run_length_minus1[i] = reader.ue();
      if (groups.run_length_minus1[i] >= map_units) return corrupt("run_length_minus1 too large");
    }
  } else if (type == 2) {
    const uint32_t width = h264_width_in_mbs(sps);
    for (uint32_t i = 0; i + 1 < group_count; ++i) {
      const uint32_t top_left = groups.top_left[i] = reader.ue();
      const uint32_t bottom_right = groups.bottom_right[i] = reader.ue();
      if (top_left > bottom_right || bottom_right >= map_units ||
          top_left % width > bottom_right % width) {
        return corrupt("a slice group's rectangle is upside down or outside the picture");
      }
    }
  } else if (type >= 3 && type <= 5) {
    if (group_count != 2) return corrupt("slice_group_map_type 3 to 5 needs two slice groups");
    groups.change_direction = reader.flag();
    groups.change_rate_minus1 = reader.ue();
    if (groups.change_rate_minus1 >= map_units) return corrupt("slice_group_change_rate too large");
  } else if (type == 6) {
    return read_explicit_map(reader, group_count, map_units, groups);
  }
  return {};
}

Status read_quantiser(BitReader& reader, const v4l2_ctrl_h264_sps& sps,
                      v4l2_ctrl_h264_pps& control) {
  const int32_t qp_bd_offset = 6 * sps.bit_depth_luma_minus8;
  const int32_t qp = reader.se();
  const int32_t qs = reader.se();
  const int32_t chroma = reader.se();
  if (qp < -26 - qp_bd_offset || qp > 25) return corrupt("pic_init_qp_minus26 out of range");
  // The range of the standard is that of 8 bits; streams of more depth repeat the first value here.
  if (qs < -26 - qp_bd_offset || qs > 25) return corrupt("pic_init_qs_minus26 out of range");
  if (chroma < -12 || chroma > 12) return corrupt("chroma_qp_index_offset out of range");
  control.pic_init_qp_minus26 = static_cast<int8_t>(qp);
  control.pic_init_qs_minus26 = static_cast<int8_t>(qs);
  control.chroma_qp_index_offset = static_cast<int8_t>(chroma);
  control.second_chroma_qp_index_offset = static_cast<int8_t>(chroma);
  return {};
}

// What follows redundant_pic_cnt_present_flag where there is more data.
Status read_high_profile_part(BitReader& reader, const H264Sps& sps, H264Pps& pps) {
  v4l2_ctrl_h264_pps& control = pps.control;
  const bool transform_8x8 = reader.flag();
  if (transform_8x8) control.flags |= V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE;
  if (reader.flag()) {
    control.flags |= V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT;
    const int count_8x8 = !transform_8x8 ? 0 : sps.control.chroma_format_idc == 3 ? 6 : 2;
    const v4l2_ctrl_h264_scaling_matrix* fall_back =
        sps.scaling_matrix_present ? &sps.scaling_matrix : nullptr;
    if (!read_h264_scaling_matrix(reader, count_8x8, fall_back, pps.scaling_matrix)) {
      return corrupt("bad scaling list");
    }
  }
  const int32_t second = reader.se();
  if (second < -12 || second > 12) return corrupt("second_chroma_qp_index_offset out of range");
  control.second_chroma_qp_index_offset = static_cast<int8_t>(second);
  return {};
}

}  // namespace

Result<H264PpsIds> parse_h264_pps_ids(std::span<const uint8_t> nal) {
  const H264NalHeader header = h264_nal_header(nal);
  if (!header.valid || header.type != H264NalType::kPps) return corrupt("not of NAL unit type 8");
  constexpr size_t kLongestIds = 32;  // bytes; two codes and room for damaged ones
  const std::vector<uint8_t> rbsp = extract_rbsp(nal, kLongestIds);
  BitReader reader(rbsp);
  reader.skip(8);
  return read_ids(reader);
}

Result<H264Pps> parse_h264_pps(std::span<const uint8_t> nal, const H264Sps& sps) {
  const H264NalHeader header = h264_nal_header(nal);
  if (!header.valid || header.type != H264NalType::kPps) return corrupt("not of NAL unit type 8");
  const std::vector<uint8_t> rbsp = extract_rbsp(nal);
  BitReader reader(rbsp);
  reader.skip(8);
  const Result<H264PpsIds> ids = read_ids(reader);
  if (!ids) return ids.error();
  if (ids->sps_id != sps.control.seq_parameter_set_id) return corrupt("it names another SPS");

  H264Pps pps;
  pps.scaling_matrix = sps.scaling_matrix;
  v4l2_ctrl_h264_pps& control = pps.control;
  control.pic_parameter_set_id = ids->pps_id;
  control.seq_parameter_set_id = ids->sps_id;
  if (sps.scaling_matrix_present) control.flags |= V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT;
  if (reader.flag()) control.flags |= V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE;
  if (reader.flag()) control.flags |= V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT;
  const uint32_t groups_minus1 = reader.ue();
  if (groups_minus1 > 7) return corrupt("num_slice_groups_minus1 above 7");
  control.num_slice_groups_minus1 = static_cast<uint8_t>(groups_minus1);
  if (groups_minus1 > 0) {
    const Status status =
        read_slice_groups(reader, groups_minus1 + 1, sps.control, pps.slice_groups);
    if (!status) return status.error();
  }
  const uint32_t l0 = reader.ue();
  const uint32_t l1 = reader.ue();
  if (l0 > 31 || l1 > 31) return corrupt("num_ref_idx_default_active_minus1 above 31");
  control.num_ref_idx_l0_default_active_minus1 = static_cast<uint8_t>(l0);
  control.num_ref_idx_l1_default_active_minus1 = static_cast<uint8_t>(l1);
  if (reader.flag()) control.flags |= V4L2_H264_PPS_FLAG_WEIGHTED_PRED;
  control.weighted_bipred_idc = static_cast<uint8_t>(reader.u(2));
  if (control.weighted_bipred_idc > 2) return corrupt("weighted_bipred_idc is 3");
  if (Status status = read_quantiser(reader, sps.control, control); !status) return status.error();
  if (reader.flag()) control.flags |= V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT;
  if (reader.flag()) control.flags |= V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED;
  if (reader.flag()) control.flags |= V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT;
  if (more_rbsp_data(reader)) {
    if (Status status = read_high_profile_part(reader, sps, pps); !status) return status.error();
  }
  if (reader.overrun()) return corrupt("it ends too early");
  return pps;
}

unsigned h264_slice_group_change_cycle_bits(const v4l2_ctrl_h264_sps& sps, const H264Pps& pps) {
  const uint8_t type = pps.slice_groups.map_type;
  if (pps.control.num_slice_groups_minus1 == 0 || type < 3 || type > 5) return 0;
  // Ceil(Log2(PicSizeInMapUnits / SliceGroupChangeRate + 1)), the division exact.
  const uint32_t rate = pps.slice_groups.change_rate_minus1 + 1;
  const uint32_t cycles = (h264_map_units(sps) + rate - 1) / rate;
  return static_cast<unsigned>(std::bit_width(cycles));
}

}  // namespace daedalus::headers
