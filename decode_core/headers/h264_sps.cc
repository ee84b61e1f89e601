#include "decode_core/headers/h264_sps.h"

#include <algorithm>
#include <string>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/h264_nal.h"
#include "decode_core/headers/h264_scaling.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("H.264 sequence parameter set: ") + what};
}

// Profiles whose parameter set carries chroma format, depth and scaling lists (7.3.2.1.1).
bool has_chroma_syntax(uint32_t profile_idc) {
  constexpr uint8_t kProfiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::ranges::find(kProfiles, profile_idc) != std::end(kProfiles);
}

Status read_chroma_syntax(BitReader& reader, H264Sps& sps) {
  v4l2_ctrl_h264_sps& control = sps.control;
  const uint32_t chroma_format_idc = reader.ue();
  if (chroma_format_idc > 3) return corrupt("chroma_format_idc above 3");
  control.chroma_format_idc = static_cast<uint8_t>(chroma_format_idc);
  if (chroma_format_idc == 3 && reader.flag()) {
    control.flags |= V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE;
  }
  const uint32_t luma_depth = reader.ue();
  const uint32_t chroma_depth = reader.ue();
  if (luma_depth > 6 || chroma_depth > 6) return corrupt("more than 14 bits a sample");
  control.bit_depth_luma_minus8 = static_cast<uint8_t>(luma_depth);
  control.bit_depth_chroma_minus8 = static_cast<uint8_t>(chroma_depth);
  if (reader.flag()) control.flags |= V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS;
  sps.scaling_matrix_present = reader.flag();
  if (sps.scaling_matrix_present &&
      !read_h264_scaling_matrix(reader, chroma_format_idc == 3 ? 6 : 2, nullptr,
                                sps.scaling_matrix)) {
    return corrupt("bad scaling list");
  }
  return {};
}

Status read_picture_order(BitReader& reader, v4l2_ctrl_h264_sps& control) {
  const uint32_t type = reader.ue();
  if (type > 2) return corrupt("pic_order_cnt_type above 2");
  control.pic_order_cnt_type = static_cast<uint8_t>(type);
  if (type == 0) {
    const uint32_t log2_lsb_minus4 = reader.ue();
    if (log2_lsb_minus4 > 12) return corrupt("log2_max_pic_order_cnt_lsb_minus4 above 12");
    control.log2_max_pic_order_cnt_lsb_minus4 = static_cast<uint8_t>(log2_lsb_minus4);
  } else if (type == 1) {
    if (reader.flag()) control.flags |= V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO;
    control.offset_for_non_ref_pic = reader.se();
    control.offset_for_top_to_bottom_field = reader.se();
    const uint32_t cycle = reader.ue();
    if (cycle > 255) return corrupt("num_ref_frames_in_pic_order_cnt_cycle above 255");
    control.num_ref_frames_in_pic_order_cnt_cycle = static_cast<uint8_t>(cycle);
    for (uint32_t i = 0; i < cycle; ++i) control.offset_for_ref_frame[i] = reader.se();
  }
  return {};
}

Status read_frame_size(BitReader& reader, v4l2_ctrl_h264_sps& control) {
  constexpr uint32_t kMaxMbs = core::kMaxDimension / 16;
  const uint32_t width_minus1 = reader.ue();
  const uint32_t map_units_minus1 = reader.ue();
  const bool frame_mbs_only = reader.flag();
  const uint32_t rows = frame_mbs_only ? 1 : 2;
  if (width_minus1 >= kMaxMbs || map_units_minus1 >= kMaxMbs / rows) {
    return {Error{ErrorCode::kUnsupported,
                  "H.264 sequence parameter set: frames above 8192 samples each way"}};
  }
  control.pic_width_in_mbs_minus1 = static_cast<uint16_t>(width_minus1);
  control.pic_height_in_map_units_minus1 = static_cast<uint16_t>(map_units_minus1);
  if (frame_mbs_only) {
    control.flags |= V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY;
  } else if (reader.flag()) {
    control.flags |= V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD;
  }
  if (reader.flag()) control.flags |= V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
  return {};
}

// CropUnitX and CropUnitY: equations 7-19 to 7-22.
Status read_cropping(BitReader& reader, H264Sps& sps) {
  if (!reader.flag()) return {};
  const int chroma = h264_chroma_array_type(sps.control);
  const bool frame_mbs_only = h264_has_flag(sps.control, V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY);
  const uint64_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  const uint64_t unit_y = (chroma == 1 ? 2 : 1) * (frame_mbs_only ? 1 : 2);
  const uint64_t left = reader.ue() * unit_x;
  const uint64_t right = reader.ue() * unit_x;
  const uint64_t top = reader.ue() * unit_y;
  const uint64_t bottom = reader.ue() * unit_y;
  if (left + right >= h264_width_in_mbs(sps.control) * 16 ||
      top + bottom >= h264_frame_height_in_mbs(sps.control) * 16) {
    return corrupt("the cropping window is empty");
  }
  sps.cropping = {static_cast<uint32_t>(left), static_cast<uint32_t>(right),
                  static_cast<uint32_t>(top), static_cast<uint32_t>(bottom)};
  return {};
}

// hrd_parameters() (E.1.2). False where it is out of range.
bool skip_hrd(BitReader& reader) {
  const uint32_t count_minus1 = reader.ue();
  if (count_minus1 > 31) return false;
  reader.skip(8);
  for (uint32_t i = 0; i <= count_minus1; ++i) {
    reader.ue();
    reader.ue();
    reader.skip(1);
  }
  reader.skip(20);
  return true;
}

// The colour of vui_parameters() (E.1.1) and what stands before it.
void read_colour(BitReader& reader, H264Colour& colour) {
  constexpr uint32_t kExtendedSar = 255;
  if (reader.flag() && reader.u(8) == kExtendedSar) reader.skip(32);
  if (reader.flag()) reader.skip(1);  // overscan
  if (!reader.flag()) return;         // video_signal_type
  reader.skip(3);
  colour.full_range = reader.flag();
  if (!reader.flag()) return;
  colour.primaries = static_cast<uint8_t>(reader.u(8));
  colour.transfer = static_cast<uint8_t>(reader.u(8));
  colour.matrix = static_cast<uint8_t>(reader.u(8));
}

// The rest of vui_parameters(), for the bitstream restriction at its end.
std::optional<H264BitstreamRestriction> read_restriction(BitReader& reader) {
  if (reader.flag()) {  // chroma_loc_info
    reader.ue();
    reader.ue();
  }
  if (reader.flag()) reader.skip(65);  // timing_info
  const bool nal_hrd = reader.flag();
  if (nal_hrd && !skip_hrd(reader)) return std::nullopt;
  const bool vcl_hrd = reader.flag();
  if (vcl_hrd && !skip_hrd(reader)) return std::nullopt;
  if (nal_hrd || vcl_hrd) reader.skip(1);
  reader.skip(1);  // pic_struct_present_flag
  if (!reader.flag()) return std::nullopt;
  reader.skip(1);
  for (int i = 0; i < 4; ++i) reader.ue();
  H264BitstreamRestriction restriction;
  restriction.max_num_reorder_frames = reader.ue();
  restriction.max_dec_frame_buffering = reader.ue();
  if (reader.overrun() || restriction.max_dec_frame_buffering > 16 ||
      restriction.max_num_reorder_frames > restriction.max_dec_frame_buffering) {
    return std::nullopt;
  }
  return restriction;
}

// constraint_set0_flag comes first in the bitstream and is bit 0 of the control.
uint8_t constraint_flags(uint32_t bits) {
  uint8_t flags = 0;
  for (unsigned i = 0; i < 6; ++i) {
    if ((bits & 0x80u >> i) != 0) flags |= static_cast<uint8_t>(1u << i);
  }
  return flags;
}

}  // namespace

int h264_chroma_array_type(const v4l2_ctrl_h264_sps& sps) {
  return h264_has_flag(sps, V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE) ? 0 : sps.chroma_format_idc;
}

uint32_t h264_width_in_mbs(const v4l2_ctrl_h264_sps& sps) {
  return sps.pic_width_in_mbs_minus1 + 1u;
}

uint32_t h264_map_units(const v4l2_ctrl_h264_sps& sps) {
  return h264_width_in_mbs(sps) * (sps.pic_height_in_map_units_minus1 + 1u);
}

uint32_t h264_frame_height_in_mbs(const v4l2_ctrl_h264_sps& sps) {
  const uint32_t rows = h264_has_flag(sps, V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) ? 1 : 2;
  return (sps.pic_height_in_map_units_minus1 + 1u) * rows;
}

uint32_t h264_max_dpb_frames(const v4l2_ctrl_h264_sps& sps) {
  struct Level {
    uint8_t idc;
    uint32_t max_dpb_mbs;
  };
  constexpr Level kLevels[] = {{9, 396},     {10, 396},    {11, 900},    {12, 2376},
                               {13, 2376},   {20, 2376},   {21, 4752},   {22, 8100},
                               {30, 8100},   {31, 18000},  {32, 20480},  {40, 32768},
                               {41, 32768},  {42, 34816},  {50, 110400}, {51, 184320},
                               {52, 184320}, {60, 696320}, {61, 696320}, {62, 696320}};
  uint32_t max_dpb_mbs = 696320;
  for (const Level& level : kLevels) {
    if (level.idc == sps.level_idc) max_dpb_mbs = level.max_dpb_mbs;
  }
  // Level 1b of the older profiles is level_idc 11 with constraint_set3_flag.
  const bool older = sps.profile_idc == 66 || sps.profile_idc == 77 || sps.profile_idc == 88;
  if (older && sps.level_idc == 11 &&
      (sps.constraint_set_flags & V4L2_H264_SPS_CONSTRAINT_SET3_FLAG) != 0) {
    max_dpb_mbs = 396;
  }
  const uint32_t frame_mbs = h264_width_in_mbs(sps) * h264_frame_height_in_mbs(sps);
  return std::clamp(max_dpb_mbs / frame_mbs, 1u, 16u);
}

Result<H264Sps> parse_h264_sps(std::span<const uint8_t> nal) {
  const H264NalHeader header = h264_nal_header(nal);
  if (!header.valid || header.type != H264NalType::kSps) return corrupt("not of NAL unit type 7");
  const std::vector<uint8_t> rbsp = extract_rbsp(nal);
  BitReader reader(rbsp);
  reader.skip(8);

  H264Sps sps;
  sps.scaling_matrix = h264_flat_scaling_matrix();
  v4l2_ctrl_h264_sps& control = sps.control;
  control.profile_idc = static_cast<uint8_t>(reader.u(8));
  control.constraint_set_flags = constraint_flags(reader.u(8));
  control.level_idc = static_cast<uint8_t>(reader.u(8));
  const uint32_t id = reader.ue();
  if (id > 31) return corrupt("seq_parameter_set_id above 31");
  control.seq_parameter_set_id = static_cast<uint8_t>(id);
  control.chroma_format_idc = 1;
  if (has_chroma_syntax(control.profile_idc)) {
    if (Status status = read_chroma_syntax(reader, sps); !status) return status.error();
  }
  const uint32_t log2_frame_num_minus4 = reader.ue();
  if (log2_frame_num_minus4 > 12) return corrupt("log2_max_frame_num_minus4 above 12");
  control.log2_max_frame_num_minus4 = static_cast<uint8_t>(log2_frame_num_minus4);
  if (Status status = read_picture_order(reader, control); !status) return status.error();
  const uint32_t num_ref_frames = reader.ue();
  if (num_ref_frames > 16) return corrupt("max_num_ref_frames above 16");
  control.max_num_ref_frames = static_cast<uint8_t>(num_ref_frames);
  if (reader.flag()) control.flags |= V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED;
  if (Status status = read_frame_size(reader, control); !status) return status.error();
  if (Status status = read_cropping(reader, sps); !status) return status.error();
  const bool vui_present = reader.flag();
  if (reader.overrun()) return corrupt("it ends too early");
  if (!vui_present) return sps;
  read_colour(reader, sps.colour);
  if (reader.overrun()) sps.colour = {};
  sps.restriction = read_restriction(reader);
  return sps;
}

}  // namespace daedalus::headers
