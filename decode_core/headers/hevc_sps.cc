#include "decode_core/headers/hevc_sps.h"

#include <algorithm>
#include <string>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_reference_set.h"
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

Status read_depths_and_order(BitReader& reader, uint32_t max_sub_layers_minus1, HevcSps& sps,
                             unsigned& order_count_bits) {
  const uint32_t luma_minus8 = reader.ue();
  const uint32_t chroma_minus8 = reader.ue();
  if (luma_minus8 > 8 || chroma_minus8 > 8) return corrupt("more than 16 bits a sample");
  sps.bit_depth_luma = static_cast<uint8_t>(8 + luma_minus8);
  sps.bit_depth_chroma = static_cast<uint8_t>(8 + chroma_minus8);
  const uint32_t log2_lsb_minus4 = reader.ue();
  if (log2_lsb_minus4 > 12) return corrupt("log2_max_pic_order_cnt_lsb_minus4 above 12");
  order_count_bits = log2_lsb_minus4 + 4;
  const bool each_sub_layer = reader.flag();
  for (uint32_t i = each_sub_layer ? 0 : max_sub_layers_minus1; i <= max_sub_layers_minus1; ++i) {
    const uint32_t buffering_minus1 = reader.ue();
    const uint32_t reordered = reader.ue();
    reader.ue();  // sps_max_latency_increase_plus1
    if (buffering_minus1 > 15 || reordered > buffering_minus1) {
      return corrupt("bad size of the decoded picture buffer");
    }
    sps.max_dec_pic_buffering = static_cast<uint8_t>(buffering_minus1 + 1);
    sps.max_num_reorder_pics = static_cast<uint8_t>(reordered);
  }
  return {};
}

// The sizes of coding and transform blocks (7.4.3.2.1).
Status read_block_sizes(BitReader& reader, const HevcSps& sps) {
  const uint32_t log2_coding_minus3 = reader.ue();
  const uint32_t log2_coding_difference = reader.ue();
  if (log2_coding_minus3 > 3 || log2_coding_difference > 3 - log2_coding_minus3) {
    return corrupt("coding tree blocks above 64x64");
  }
  const uint32_t smallest = 8u << log2_coding_minus3;
  if (sps.width % smallest != 0 || sps.height % smallest != 0) {
    return corrupt("the size is no multiple of the smallest coding block");
  }
  for (int i = 0; i < 4; ++i) reader.ue();  // transform block sizes and depths
  return {};
}

// scaling_list_data() (7.3.4). False where it is out of range.
bool skip_scaling_lists(BitReader& reader) {
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
      if (!reader.flag()) {
        if (reader.ue() > matrix) return false;  // scaling_list_pred_matrix_id_delta
        continue;
      }
      const unsigned coefficients = std::min(64u, 1u << (4 + (size << 1)));
      if (size > 1) reader.se();
      for (unsigned i = 0; i < coefficients; ++i) reader.se();
    }
  }
  return true;
}

Status skip_tools(BitReader& reader) {
  if (reader.flag() && reader.flag() && !skip_scaling_lists(reader)) {
    return corrupt("bad scaling list");
  }
  reader.skip(2);  // amp_enabled_flag, sample_adaptive_offset_enabled_flag
  if (reader.flag()) {
    reader.skip(8);  // pcm_sample_bit_depth_*_minus1
    reader.ue();
    reader.ue();
    reader.skip(1);
  }
  return {};
}

Status skip_references(BitReader& reader, unsigned order_count_bits) {
  const uint32_t short_term = reader.ue();
  if (short_term > 64) return corrupt("num_short_term_ref_pic_sets above 64");
  std::vector<HevcReferenceSet> sets;
  for (uint32_t i = 0; i < short_term; ++i) {
    auto set = read_hevc_reference_set(reader, sets);
    if (!set) return corrupt("bad reference picture set");
    sets.push_back(std::move(*set));
  }
  if (reader.flag()) {
    const uint32_t long_term = reader.ue();
    if (long_term > 32) return corrupt("num_long_term_ref_pics_sps above 32");
    reader.skip(size_t{long_term} * (order_count_bits + 1));
  }
  return {};
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
  reader.skip(kHevcNalHeaderBytes * 8 + 4);  // sps_video_parameter_set_id
  const uint32_t max_sub_layers_minus1 = reader.u(3);
  if (max_sub_layers_minus1 > 6) return corrupt("more than 7 sub-layers");
  reader.skip(1);  // sps_temporal_id_nesting_flag
  skip_profile_tier_level(reader, max_sub_layers_minus1);

  HevcSps sps;
  const uint32_t id = reader.ue();
  if (id > 15) return corrupt("sps_seq_parameter_set_id above 15");
  sps.id = static_cast<uint8_t>(id);
  unsigned order_count_bits = 0;
  if (Status status = read_picture_size(reader, sps); !status) return status.error();
  if (Status status = read_depths_and_order(reader, max_sub_layers_minus1, sps, order_count_bits);
      !status) {
    return status.error();
  }
  if (Status status = read_block_sizes(reader, sps); !status) return status.error();
  if (Status status = skip_tools(reader); !status) return status.error();
  if (Status status = skip_references(reader, order_count_bits); !status) return status.error();
  reader.skip(2);  // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
  const bool vui_present = reader.flag();
  if (reader.overrun()) return corrupt("it ends too early");
  if (!vui_present) return sps;
  read_colour(reader, sps.colour);
  if (reader.overrun()) sps.colour = {};
  return sps;
}

}  // namespace daedalus::headers
