#include "decode_core/headers/hevc_sps.h"

#include <algorithm>
#include <string>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_reference_set.h"
#include "decode_core/headers/hevc_scaling.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("HEVC sequence parameter set: ") + what};
}

// profile_tier_level(1, max_sub_layers_minus1) (7.3.3), of which nothing is needed.
void skip_profile_tier_level(BitReader& reader, uint32_t max_sub_layers_minus1) {
  constexpr size_t kProfileBits = 88;
  constexpr size_t kLevelBits = 8;
  reader.skip(kProfileBits + kLevelBits);
  if (max_sub_layers_minus1 == 0) return;
  size_t bits = 0;
  for (uint32_t i = 0; i < max_sub_layers_minus1; ++i) {
    if (reader.flag()) bits += kProfileBits;
    if (reader.flag()) bits += kLevelBits;
  }
  reader.skip((8 - max_sub_layers_minus1) * 2 + bits);
}

Status read_picture_size(BitReader& reader, HevcSps& sps) {
  const uint32_t chroma_format_idc = reader.ue();
  if (chroma_format_idc > 3) return corrupt("chroma_format_idc above 3");
  sps.chroma_format_idc = static_cast<uint8_t>(chroma_format_idc);
  const bool separate_planes = chroma_format_idc == 3 && reader.flag();
  if (separate_planes) sps.control.flags |= V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE;
  sps.width = reader.ue();
  sps.height = reader.ue();
  if (sps.width > core::kMaxDimension || sps.height > core::kMaxDimension) {
    return {Error{ErrorCode::kUnsupported,
                  "HEVC sequence parameter set: pictures above 8192 samples each way"}};
  }
  if (sps.width == 0 || sps.height == 0) return corrupt("pictures without samples");
  if (!reader.flag()) return {};
  // SubWidthC and SubHeightC: table 6-1.
  const bool halved_width = !separate_planes && (chroma_format_idc == 1 || chroma_format_idc == 2);
  const bool halved_height = !separate_planes && chroma_format_idc == 1;
  const uint64_t unit_x = halved_width ? 2 : 1;
  const uint64_t unit_y = halved_height ? 2 : 1;
  const uint64_t left = reader.ue() * unit_x;
  const uint64_t right = reader.ue() * unit_x;
  const uint64_t top = reader.ue() * unit_y;
  const uint64_t bottom = reader.ue() * unit_y;
  if (left + right >= sps.width || top + bottom >= sps.height) {
    return corrupt("the conformance window is empty");
  }
  sps.window = {static_cast<uint32_t>(left), static_cast<uint32_t>(right),
                static_cast<uint32_t>(top), static_cast<uint32_t>(bottom)};
  return {};
}

Status read_depths_and_order(BitReader& reader, uint32_t max_sub_layers_minus1, HevcSps& sps) {
  const uint32_t luma_minus8 = reader.ue();
  const uint32_t chroma_minus8 = reader.ue();
  if (luma_minus8 > 8 || chroma_minus8 > 8) return corrupt("more than 16 bits a sample");
  sps.bit_depth_luma = static_cast<uint8_t>(8 + luma_minus8);
  sps.bit_depth_chroma = static_cast<uint8_t>(8 + chroma_minus8);
  const uint32_t log2_lsb_minus4 = reader.ue();
  if (log2_lsb_minus4 > 12) return corrupt("log2_max_pic_order_cnt_lsb_minus4 above 12");
  sps.control.log2_max_pic_order_cnt_lsb_minus4 = static_cast<uint8_t>(log2_lsb_minus4);
  const bool each_sub_layer = reader.flag();
  for (uint32_t i = each_sub_layer ? 0 : max_sub_layers_minus1; i <= max_sub_layers_minus1; ++i) {
    const uint32_t buffering_minus1 = reader.ue();
    const uint32_t reordered = reader.ue();
    const uint32_t latency_plus1 = reader.ue();
    if (buffering_minus1 > 15 || reordered > buffering_minus1) {
      return corrupt("bad size of the decoded picture buffer");
    }
    sps.max_dec_pic_buffering = static_cast<uint8_t>(buffering_minus1 + 1);
    sps.max_num_reorder_pics = static_cast<uint8_t>(reordered);
    const bool bounded = latency_plus1 != 0 && latency_plus1 < (1u << 16);
    sps.max_latency_pictures = bounded ? reordered + latency_plus1 - 1 : 0;  // 7-9
    sps.control.sps_max_latency_increase_plus1 =
        static_cast<uint8_t>(std::min(latency_plus1, 255u));
  }
  return {};
}

// The sizes of coding and transform blocks (7.4.3.2.1).
Status read_block_sizes(BitReader& reader, HevcSps& sps) {
  const uint32_t log2_coding_minus3 = reader.ue();
  const uint32_t log2_coding_difference = reader.ue();
  if (log2_coding_minus3 > 3 || log2_coding_difference > 3 - log2_coding_minus3) {
    return corrupt("coding tree blocks above 64x64");
  }
  const uint32_t smallest = 8u << log2_coding_minus3;
  if (sps.width % smallest != 0 || sps.height % smallest != 0) {
    return corrupt("the size is no multiple of the smallest coding block");
  }
  sps.control.log2_min_luma_coding_block_size_minus3 = static_cast<uint8_t>(log2_coding_minus3);
  sps.control.log2_diff_max_min_luma_coding_block_size =
      static_cast<uint8_t>(log2_coding_difference);
  const uint32_t log2_transform_minus2 = reader.ue();
  const uint32_t log2_transform_difference = reader.ue();
  const uint32_t depth_inter = reader.ue();
  const uint32_t depth_intra = reader.ue();
  if (log2_transform_minus2 > 3 || log2_transform_difference > 3 - log2_transform_minus2) {
    return corrupt("transform blocks above 32x32");
  }
  if (depth_inter > 4 || depth_intra > 4) return corrupt("transform hierarchy above 4");
  sps.control.log2_min_luma_transform_block_size_minus2 =
      static_cast<uint8_t>(log2_transform_minus2);
  sps.control.log2_diff_max_min_luma_transform_block_size =
      static_cast<uint8_t>(log2_transform_difference);
  sps.control.max_transform_hierarchy_depth_inter = static_cast<uint8_t>(depth_inter);
  sps.control.max_transform_hierarchy_depth_intra = static_cast<uint8_t>(depth_intra);
  return {};
}

Status read_tools(BitReader& reader, HevcSps& sps) {
  auto& flags = sps.control.flags;
  sps.scaling_matrix = hevc_default_scaling_matrix();
  if (reader.flag()) {
    flags |= V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED;
    if (reader.flag() && !read_hevc_scaling_matrix(reader, sps.scaling_matrix)) {
      return corrupt("bad scaling list");
    }
  }
  if (reader.flag()) flags |= V4L2_HEVC_SPS_FLAG_AMP_ENABLED;
  if (reader.flag()) flags |= V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET;
  if (!reader.flag()) return {};
  flags |= V4L2_HEVC_SPS_FLAG_PCM_ENABLED;
  sps.control.pcm_sample_bit_depth_luma_minus1 = static_cast<uint8_t>(reader.u(4));
  sps.control.pcm_sample_bit_depth_chroma_minus1 = static_cast<uint8_t>(reader.u(4));
  const uint32_t log2_pcm_minus3 = reader.ue();
  const uint32_t log2_pcm_difference = reader.ue();
  if (log2_pcm_minus3 > 2 || log2_pcm_difference > 2 - log2_pcm_minus3) {
    return corrupt("PCM blocks above 32x32");
  }
  sps.control.log2_min_pcm_luma_coding_block_size_minus3 = static_cast<uint8_t>(log2_pcm_minus3);
  sps.control.log2_diff_max_min_pcm_luma_coding_block_size =
      static_cast<uint8_t>(log2_pcm_difference);
  if (reader.flag()) flags |= V4L2_HEVC_SPS_FLAG_PCM_LOOP_FILTER_DISABLED;
  return {};
}

Status read_references(BitReader& reader, HevcSps& sps) {
  const uint32_t short_term = reader.ue();
  if (short_term > 64) return corrupt("num_short_term_ref_pic_sets above 64");
  for (uint32_t i = 0; i < short_term; ++i) {
    auto set = read_hevc_reference_set(reader, sps.reference_sets);
    if (!set) return corrupt("bad reference picture set");
    sps.reference_sets.push_back(std::move(*set));
  }
  sps.control.num_short_term_ref_pic_sets = static_cast<uint8_t>(short_term);
  if (!reader.flag()) return {};
  sps.control.flags |= V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT;
  const uint32_t long_term = reader.ue();
  if (long_term > 32) return corrupt("num_long_term_ref_pics_sps above 32");
  const unsigned order_count_bits = sps.control.log2_max_pic_order_cnt_lsb_minus4 + 4u;
  for (uint32_t i = 0; i < long_term; ++i) {
    const auto lsb = static_cast<uint16_t>(reader.u(order_count_bits));
    sps.long_term_candidates.push_back({lsb, reader.flag()});
  }
  sps.control.num_long_term_ref_pics_sps = static_cast<uint8_t>(long_term);
  return {};
}

// What the interfaces' structure says that is also said beside it.
void complete_control(HevcSps& sps) {
  v4l2_ctrl_hevc_sps& control = sps.control;
  control.seq_parameter_set_id = sps.id;
  control.pic_width_in_luma_samples = static_cast<uint16_t>(sps.width);
  control.pic_height_in_luma_samples = static_cast<uint16_t>(sps.height);
  control.bit_depth_luma_minus8 = static_cast<uint8_t>(sps.bit_depth_luma - 8);
  control.bit_depth_chroma_minus8 = static_cast<uint8_t>(sps.bit_depth_chroma - 8);
  control.sps_max_dec_pic_buffering_minus1 = static_cast<uint8_t>(sps.max_dec_pic_buffering - 1);
  control.sps_max_num_reorder_pics = sps.max_num_reorder_pics;
  control.chroma_format_idc = sps.chroma_format_idc;
}

// The colour of vui_parameters() (E.2.1) and what stands before it.
void read_colour(BitReader& reader, HevcColour& colour) {
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

}  // namespace

Result<HevcSps> parse_hevc_sps(std::span<const uint8_t> nal) {
  const HevcNalHeader header = hevc_nal_header(nal);
  if (!header.valid || header.type != HevcNalType::kSps || header.layer_id != 0) {
    return corrupt("not of NAL unit type 33 and layer 0");
  }
  const std::vector<uint8_t> rbsp = extract_rbsp(nal);
  BitReader reader(rbsp);
  reader.skip(kHevcNalHeaderBytes * 8);
  HevcSps sps;
  sps.control.video_parameter_set_id = static_cast<uint8_t>(reader.u(4));
  const uint32_t max_sub_layers_minus1 = reader.u(3);
  if (max_sub_layers_minus1 > 6) return corrupt("more than 7 sub-layers");
  reader.skip(1);  // sps_temporal_id_nesting_flag
  skip_profile_tier_level(reader, max_sub_layers_minus1);

  sps.control.sps_max_sub_layers_minus1 = static_cast<uint8_t>(max_sub_layers_minus1);
  const uint32_t id = reader.ue();
  if (id > 15) return corrupt("sps_seq_parameter_set_id above 15");
  sps.id = static_cast<uint8_t>(id);
  if (Status status = read_picture_size(reader, sps); !status) return status.error();
  if (Status status = read_depths_and_order(reader, max_sub_layers_minus1, sps); !status) {
    return status.error();
  }
  if (Status status = read_block_sizes(reader, sps); !status) return status.error();
  if (Status status = read_tools(reader, sps); !status) return status.error();
  if (Status status = read_references(reader, sps); !status) return status.error();
  if (reader.flag()) sps.control.flags |= V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED;
  if (reader.flag()) sps.control.flags |= V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED;
  complete_control(sps);
  const bool vui_present = reader.flag();
  if (reader.overrun()) return corrupt("it ends too early");
  if (!vui_present) return sps;
  read_colour(reader, sps.colour);
  if (reader.overrun()) sps.colour = {};
  return sps;
}

}  // namespace daedalus::headers
