#include "test/clients/parsers/h264_parameter_sets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "test/clients/parsers/bit_reader.h"
#include "test/clients/parsers/h264_scaling_lists.h"

namespace daedalus::clients {
namespace {

constexpr uint32_t kMaxMbs = 1024;  // 16384 luma samples

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("H.264 parameter set: ") + what};
}

// MaxDpbMbs (table A-1).
uint32_t max_dpb_mbs(const v4l2_ctrl_h264_sps& sps) {
  const bool level_1b = sps.level_idc == 11 &&
                        (sps.constraint_set_flags & V4L2_H264_SPS_CONSTRAINT_SET3_FLAG) &&
                        (sps.profile_idc == 66 || sps.profile_idc == 77 || sps.profile_idc == 88);
  if (level_1b) return 396;
  struct Row {
    uint8_t level;
    uint32_t mbs;
  };
  constexpr Row kRows[] = {{10, 396},   {11, 900},    {20, 2376},   {21, 4752},
                           {30, 8100},  {31, 18000},  {32, 20480},  {41, 32768},
                           {42, 34816}, {50, 110400}, {52, 184320}, {62, 696320}};
  for (const Row& row : kRows) {
    if (sps.level_idc <= row.level) return row.mbs;
  }
  return 696320;
}

void skip_hrd(BitReader& reader) {
  const uint32_t count = std::min<uint32_t>(reader.unsigned_golomb(), 31) + 1;
  reader.bits(8);
  for (uint32_t i = 0; i < count; ++i) {
    reader.unsigned_golomb();
    reader.unsigned_golomb();
    reader.bits(1);
  }
  reader.bits(20);
}

// vui_parameters() (E.1.1), for bitstream_restriction alone.
void read_vui(BitReader& reader, H264Sps& sps) {
  if (reader.flag() && reader.bits(8) == 255) reader.bits(32);  // aspect_ratio
  if (reader.flag()) reader.bits(1);                            // overscan
  if (reader.flag()) {                                          // video_signal_type
    reader.bits(4);
    if (reader.flag()) reader.bits(24);
  }
  if (reader.flag()) {  // chroma_loc_info
    reader.unsigned_golomb();
    reader.unsigned_golomb();
  }
  if (reader.flag()) {  // timing_info
    reader.bits(32);
    reader.bits(33);
  }
  const bool nal_hrd = reader.flag();
  if (nal_hrd) skip_hrd(reader);
  const bool vcl_hrd = reader.flag();
  if (vcl_hrd) skip_hrd(reader);
  if (nal_hrd || vcl_hrd) reader.bits(1);
  reader.bits(1);  // pic_struct_present_flag
  if (!reader.flag()) return;
  reader.bits(1);
  for (int i = 0; i < 4; ++i) reader.unsigned_golomb();
  const uint32_t reorder = reader.unsigned_golomb();
  const uint32_t buffering = reader.unsigned_golomb();
  if (reader.exhausted() || buffering > 16 || reorder > buffering) return;
  sps.dpb_frames = buffering;
  sps.reorders = reorder > 0;
}

void set(uint32_t& flags, uint32_t flag, bool value) {
  if (value) flags |= flag;
}

bool has_chroma_format(uint8_t profile) {
  constexpr uint8_t kProfiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::ranges::find(kProfiles, profile) != std::end(kProfiles);
}

Status read_chroma_format(BitReader& reader, H264Sps& sps) {
  v4l2_ctrl_h264_sps& c = sps.control;
  const uint32_t chroma = reader.unsigned_golomb();
  if (chroma > 3) return corrupt("chroma_format_idc");
  c.chroma_format_idc = static_cast<uint8_t>(chroma);
  if (chroma == 3) set(c.flags, V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE, reader.flag());
  const uint32_t luma_depth = reader.unsigned_golomb(), chroma_depth = reader.unsigned_golomb();
  if (luma_depth > 6 || chroma_depth > 6) return corrupt("bit depth");
  c.bit_depth_luma_minus8 = static_cast<uint8_t>(luma_depth);
  c.bit_depth_chroma_minus8 = static_cast<uint8_t>(chroma_depth);
  set(c.flags, V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS, reader.flag());
  if (reader.flag()) sps.scaling = read_h264_scaling_lists(reader, chroma == 3 ? 12 : 8, nullptr);
  return {};
}

Status read_order_counts(BitReader& reader, v4l2_ctrl_h264_sps& c) {
  const uint32_t type = reader.unsigned_golomb();
  if (type > 2) return corrupt("pic_order_cnt_type");
  c.pic_order_cnt_type = static_cast<uint8_t>(type);
  if (type == 0) {
    const uint32_t log2 = reader.unsigned_golomb();
    if (log2 > 12) return corrupt("log2_max_pic_order_cnt_lsb_minus4");
    c.log2_max_pic_order_cnt_lsb_minus4 = static_cast<uint8_t>(log2);
  }
  if (type != 1) return {};
  set(c.flags, V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO, reader.flag());
  c.offset_for_non_ref_pic = reader.signed_golomb();
  c.offset_for_top_to_bottom_field = reader.signed_golomb();
  const uint32_t count = reader.unsigned_golomb();
  if (count > 255) return corrupt("num_ref_frames_in_pic_order_cnt_cycle");
  c.num_ref_frames_in_pic_order_cnt_cycle = static_cast<uint8_t>(count);
  for (uint32_t i = 0; i < count; ++i) c.offset_for_ref_frame[i] = reader.signed_golomb();
  return {};
}

Status read_size(BitReader& reader, H264Sps& sps) {
  v4l2_ctrl_h264_sps& c = sps.control;
  const uint32_t width = reader.unsigned_golomb(), height = reader.unsigned_golomb();
  if (width >= kMaxMbs || height >= kMaxMbs) return corrupt("picture size");
  c.pic_width_in_mbs_minus1 = static_cast<uint16_t>(width);
  c.pic_height_in_map_units_minus1 = static_cast<uint16_t>(height);
  const bool frames_only = reader.flag();
  set(c.flags, V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY, frames_only);
  if (!frames_only) set(c.flags, V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD, reader.flag());
  set(c.flags, V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE, reader.flag());
  const PictureFormat format = sps.format();
  sps.visible = {0, 0, format.width, format.height};
  if (!reader.flag()) return {};
  // CropUnitX, CropUnitY (7-19 to 7-22)
  const bool array =
      c.chroma_format_idc != 0 && !sps.flag(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE);
  const uint64_t unit_x = array && c.chroma_format_idc != 3 ? 2 : 1;
  const uint64_t unit_y = (array && c.chroma_format_idc == 1 ? 2 : 1) * (frames_only ? 1 : 2);
  std::array<uint64_t, 4> crop{};  // left, right, top, bottom
  for (size_t i = 0; i < 4; ++i) crop[i] = reader.unsigned_golomb() * (i < 2 ? unit_x : unit_y);
  if (crop[0] + crop[1] >= format.width || crop[2] + crop[3] >= format.height)
    return corrupt("cropping leaves nothing");
  sps.visible = {static_cast<uint32_t>(crop[0]), static_cast<uint32_t>(crop[2]),
                 static_cast<uint32_t>(format.width - crop[0] - crop[1]),
                 static_cast<uint32_t>(format.height - crop[2] - crop[3])};
  return {};
}

// slice_group_id syntax of a PPS (7.3.2.2); only the size of slice_group_change_cycle is kept.
void read_slice_groups(BitReader& reader, const H264Sps& sps, H264Pps& pps) {
  const uint32_t type = reader.unsigned_golomb();
  const uint32_t groups = pps.control.num_slice_groups_minus1;
  if (type == 0) {
    for (uint32_t i = 0; i <= groups; ++i) reader.unsigned_golomb();
  } else if (type == 2) {
    for (uint32_t i = 0; i < 2 * groups; ++i) reader.unsigned_golomb();
  } else if (type >= 3 && type <= 5) {
    reader.bits(1);
    const uint64_t rate = uint64_t{reader.unsigned_golomb()} + 1;
    const uint64_t units = (sps.control.pic_width_in_mbs_minus1 + 1ULL) *
                           (sps.control.pic_height_in_map_units_minus1 + 1ULL);
    // Ceil(Log2(PicSizeInMapUnits / SliceGroupChangeRate + 1)) (7.4.3)
    pps.slice_group_change_cycle_bits =
        static_cast<uint32_t>(std::bit_width((units + rate - 1) / rate));
  } else if (type == 6) {
    const uint32_t count = reader.unsigned_golomb();
    const int bits = std::bit_width(groups);
    for (uint32_t i = 0; i <= count && !reader.exhausted(); ++i) reader.bits(bits);
  }
}

// more_rbsp_data() (7.2)
bool more_data(std::span<const uint8_t> nal, const BitReader& reader) {
  while (!nal.empty() && nal.back() == 0) nal = nal.first(nal.size() - 1);
  if (nal.empty()) return false;
  size_t removed = 0;  // emulation prevention bytes
  for (size_t i = 2; i < nal.size(); ++i) {
    if (nal[i] == 3 && nal[i - 1] == 0 && nal[i - 2] == 0) ++removed;
  }
  const size_t bits =
      (nal.size() - removed) * 8 - static_cast<size_t>(std::countr_zero(nal.back())) - 1;
  return reader.position() < bits;
}

}  // namespace

PictureFormat H264Sps::format() const {
  const uint32_t rows = flag(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) ? 1 : 2;
  return {(control.pic_width_in_mbs_minus1 + 1U) * 16,
          (control.pic_height_in_map_units_minus1 + 1U) * 16 * rows,
          control.bit_depth_luma_minus8 + 8, control.chroma_format_idc};
}

Result<H264Sps> read_h264_sps(std::span<const uint8_t> nal) {
  BitReader reader(nal, true);
  H264Sps sps;
  v4l2_ctrl_h264_sps& c = sps.control;
  reader.bits(8);
  c.profile_idc = static_cast<uint8_t>(reader.bits(8));
  for (int i = 0; i < 6; ++i) {
    if (reader.flag()) c.constraint_set_flags |= static_cast<uint8_t>(1 << i);
  }
  reader.bits(2);
  c.level_idc = static_cast<uint8_t>(reader.bits(8));
  const uint32_t id = reader.unsigned_golomb();
  if (id > 31) return corrupt("seq_parameter_set_id");
  c.seq_parameter_set_id = static_cast<uint8_t>(id);
  c.chroma_format_idc = 1;
  if (has_chroma_format(c.profile_idc)) {
    if (Status status = read_chroma_format(reader, sps); !status) return status.error();
  }
  const uint32_t log2 = reader.unsigned_golomb();
  if (log2 > 12) return corrupt("log2_max_frame_num_minus4");
  c.log2_max_frame_num_minus4 = static_cast<uint8_t>(log2);
  if (Status status = read_order_counts(reader, c); !status) return status.error();
  const uint32_t references = reader.unsigned_golomb();
  if (references > 16) return corrupt("max_num_ref_frames");
  c.max_num_ref_frames = static_cast<uint8_t>(references);
  set(c.flags, V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED, reader.flag());
  if (Status status = read_size(reader, sps); !status) return status.error();
  if (reader.exhausted()) return corrupt("truncated");
  const PictureFormat format = sps.format();
  const uint32_t mbs = format.width / 16 * (format.height / 16);
  sps.dpb_frames = std::clamp<uint32_t>(max_dpb_mbs(c) / mbs, 1, 16);
  if (reader.flag()) read_vui(reader, sps);
  sps.dpb_frames = std::max({sps.dpb_frames, references, 1U});
  return sps;
}

H264PpsIds read_h264_pps_ids(std::span<const uint8_t> nal) {
  BitReader reader(nal, true);
  reader.bits(8);
  const uint32_t pps = reader.unsigned_golomb();
  return {pps, reader.unsigned_golomb()};
}

Result<H264Pps> read_h264_pps(std::span<const uint8_t> nal, const H264Sps& sps) {
  BitReader reader(nal, true);
  H264Pps pps;
  v4l2_ctrl_h264_pps& c = pps.control;
  uint32_t flags = 0;
  reader.bits(8);
  c.pic_parameter_set_id = static_cast<uint8_t>(reader.unsigned_golomb());
  c.seq_parameter_set_id = static_cast<uint8_t>(reader.unsigned_golomb());
  set(flags, V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE, reader.flag());
  set(flags, V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT, reader.flag());
  const uint32_t groups = reader.unsigned_golomb();
  if (groups > 7) return corrupt("num_slice_groups_minus1");
  c.num_slice_groups_minus1 = static_cast<uint8_t>(groups);
  if (groups > 0) read_slice_groups(reader, sps, pps);
  const uint32_t l0 = reader.unsigned_golomb(), l1 = reader.unsigned_golomb();
  if (l0 > 31 || l1 > 31) return corrupt("num_ref_idx_default_active_minus1");
  c.num_ref_idx_l0_default_active_minus1 = static_cast<uint8_t>(l0);
  c.num_ref_idx_l1_default_active_minus1 = static_cast<uint8_t>(l1);
  set(flags, V4L2_H264_PPS_FLAG_WEIGHTED_PRED, reader.flag());
  c.weighted_bipred_idc = static_cast<uint8_t>(reader.bits(2));
  c.pic_init_qp_minus26 = static_cast<int8_t>(reader.signed_golomb());
  c.pic_init_qs_minus26 = static_cast<int8_t>(reader.signed_golomb());
  c.chroma_qp_index_offset = static_cast<int8_t>(reader.signed_golomb());
  c.second_chroma_qp_index_offset = c.chroma_qp_index_offset;
  set(flags, V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT, reader.flag());
  set(flags, V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED, reader.flag());
  set(flags, V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT, reader.flag());
  if (reader.exhausted()) return corrupt("truncated");
  std::memset(&pps.scaling, 16, sizeof pps.scaling);
  if (sps.scaling) pps.scaling = *sps.scaling;
  bool scaled = sps.scaling.has_value();
  if (more_data(nal, reader)) {
    const bool transform_8x8 = reader.flag();
    set(flags, V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE, transform_8x8);
    if (reader.flag()) {
      const int large = sps.control.chroma_format_idc == 3 ? 6 : 2;
      pps.scaling = read_h264_scaling_lists(reader, 6 + (transform_8x8 ? large : 0),
                                            sps.scaling ? &*sps.scaling : nullptr);
      scaled = true;
    }
    c.second_chroma_qp_index_offset = static_cast<int8_t>(reader.signed_golomb());
  }
  set(flags, V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT, scaled);
  c.flags = static_cast<uint16_t>(flags);
  return pps;
}

}  // namespace daedalus::clients
