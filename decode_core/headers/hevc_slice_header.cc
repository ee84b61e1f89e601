#include "decode_core/headers/hevc_slice_header.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::headers {
namespace {

// Nearly every header is in the first; entry points of the largest picture are in the second with
// room to spare.
constexpr size_t kUsualHeaderBytes = 256;
constexpr size_t kMaxHeaderBytes = 64 << 10;
constexpr uint32_t kMaxPpsId = 63;
constexpr uint32_t kMaxReferences = 15;  // num_ref_idx_lX_active_minus1 is 0 to 14
constexpr uint32_t kMaxLongTerm = 33;    // 32 of the SPS (7.4.3.2.1) among them

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("HEVC slice segment header: ") + what};
}

// Ceil(Log2(count)).
unsigned bits_for(uint32_t count) {
  return count <= 1 ? 0 : static_cast<unsigned>(std::bit_width(count - 1));
}

uint32_t picture_size_in_ctbs(const v4l2_ctrl_hevc_sps& sps) {
  const unsigned log2_size = std::min(6u, sps.log2_min_luma_coding_block_size_minus3 + 3u +
                                              sps.log2_diff_max_min_luma_coding_block_size);
  const auto ctbs = [&](uint32_t samples) {
    return (samples + (1u << log2_size) - 1) >> log2_size;
  };
  return ctbs(sps.pic_width_in_luma_samples) * ctbs(sps.pic_height_in_luma_samples);
}

// Where the byte `offset` of the RBSP stands in the NAL unit.
size_t offset_in_nal(std::span<const uint8_t> nal, size_t offset) {
  int zeros = 0;
  size_t at = 0;
  for (size_t i = 0; i < nal.size(); ++i) {
    if (zeros >= 2 && nal[i] == 3) {
      zeros = 0;
      continue;
    }
    if (at++ == offset) return i;
    zeros = nal[i] == 0 ? zeros + 1 : 0;
  }
  return nal.size();
}

// What the field of a control holds of it.
template <typename Field>
Field fitting(int64_t value) {
  using Limits = std::numeric_limits<Field>;
  return static_cast<Field>(std::clamp<int64_t>(value, Limits::min(), Limits::max()));
}

class Reader {
 public:
  Reader(std::span<const uint8_t> rbsp, HevcNalType type, const HevcSliceContext& context)
      : bits_(rbsp),
        sps_(context.sps),
        pps_(context.pps),
        context_(context),
        irap_(hevc_is_irap(type)) {
    header_.nal_type = type;
    slice_.nal_unit_type = static_cast<uint8_t>(type);
    slice_.slice_type = V4L2_HEVC_SLICE_TYPE_I;
  }

  Result<HevcSliceHeader> read() {
    bits_.skip(8 * kHevcNalHeaderBytes);
    header_.first_in_picture = bits_.flag();
    if (irap_) header_.no_output_of_prior_pics = bits_.flag();
    const uint32_t pps_id = bits_.ue();
    if (pps_id > kMaxPpsId) return corrupt("slice_pic_parameter_set_id above 63");
    header_.pps_id = static_cast<uint8_t>(pps_id);
    if (!header_.first_in_picture) {
      const uint32_t size = picture_size_in_ctbs(sps_);
      header_.dependent = has(V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED) && bits_.flag();
      slice_.slice_segment_addr = bits_.u(bits_for(size));
      if (slice_.slice_segment_addr >= size) return corrupt("it begins outside the picture");
    }
    set(V4L2_HEVC_SLICE_PARAMS_FLAG_DEPENDENT_SLICE_SEGMENT, header_.dependent);
    if (!header_.dependent) {
      if (Status status = read_independent(); !status) return status.error();
    }
    if (Status status = read_end(); !status) return status.error();
    if (bits_.overrun()) return corrupt("it ends too early");
    return header_;
  }

 private:
  bool has(uint64_t flag) const { return (pps_.flags & flag) != 0; }
  bool sps_has(uint64_t flag) const { return (sps_.flags & flag) != 0; }
  void set(uint64_t flag, bool value) {
    if (value) slice_.flags |= flag;
  }
  int8_t small() { return fitting<int8_t>(bits_.se()); }
  // ChromaArrayType is not 0.
  bool has_chroma() const {
    return sps_.chroma_format_idc != 0 && !sps_has(V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE);
  }

  Status read_independent() {
    bits_.skip(pps_.num_extra_slice_header_bits);
    const uint32_t slice_type = bits_.ue();
    if (slice_type > V4L2_HEVC_SLICE_TYPE_I) return corrupt("slice_type above 2");
    slice_.slice_type = static_cast<uint8_t>(slice_type);
    if (has(V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT)) header_.pic_output = bits_.flag();
    if (sps_has(V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE)) {
      slice_.colour_plane_id = static_cast<uint8_t>(bits_.u(2));
    }
    if (!hevc_is_idr(header_.nal_type)) {
      header_.reference_sets.begin = bits_.position();
      if (Status status = read_reference_sets(); !status) return status;
      header_.reference_sets.end = bits_.position();
      set(V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_TEMPORAL_MVP_ENABLED,
          sps_has(V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED) && bits_.flag());
    }
    if (sps_has(V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET)) {
      set(V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_SAO_LUMA, bits_.flag());
      set(V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_SAO_CHROMA, has_chroma() && bits_.flag());
    }
    if (slice_type != V4L2_HEVC_SLICE_TYPE_I) {
      if (Status status = read_prediction(); !status) return status;
    }
    slice_.slice_qp_delta = small();
    if (has(V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT)) {
      slice_.slice_cb_qp_offset = small();
      slice_.slice_cr_qp_offset = small();
    }
    read_deblocking();
    read_loop_filter();
    return {};
  }

  Status read_reference_sets() {
    const unsigned order_count_bits = sps_.log2_max_pic_order_cnt_lsb_minus4 + 4u;
    header_.order_count_lsb = bits_.u(order_count_bits);
    if (Status status = read_short_term(); !status) return status;
    if (!sps_has(V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT)) return {};
    const size_t begin = bits_.position();
    if (Status status = read_long_term(order_count_bits); !status) return status;
    slice_.long_term_ref_pic_set_size = static_cast<uint16_t>(bits_.position() - begin);
    return {};
  }

  Status read_long_term(unsigned order_count_bits) {
    const uint32_t of_sps = sps_.num_long_term_ref_pics_sps > 0 ? bits_.ue() : 0;
    const uint32_t own = bits_.ue();
    if (of_sps > kMaxLongTerm || own > kMaxLongTerm) return corrupt("too many long-term pictures");
    for (uint32_t i = 0; i < of_sps + own; ++i) {
      HevcLongTermReference reference;
      if (i < of_sps) {
        const uint32_t index = bits_.u(bits_for(sps_.num_long_term_ref_pics_sps));
        if (index >= sps_.num_long_term_ref_pics_sps) return corrupt("lt_idx_sps is out of range");
        if (context_.stream != nullptr) {
          const HevcLongTermCandidate& candidate = context_.stream->long_term_candidates[index];
          reference.order_count_lsb = candidate.order_count_lsb;
          reference.used = candidate.used;
        }
      } else {
        reference.order_count_lsb = bits_.u(order_count_bits);
        reference.used = bits_.flag();
      }
      reference.msb_present = bits_.flag();
      if (reference.msb_present) reference.msb_cycle = bits_.ue();
      // 7-52
      if (i != 0 && i != of_sps) reference.msb_cycle += header_.long_term.back().msb_cycle;
      header_.long_term.push_back(reference);
    }
    return {};
  }

  Status read_short_term() {
    const uint8_t sets = sps_.num_short_term_ref_pic_sets;
    if (bits_.flag()) {
      const uint32_t index = bits_.u(bits_for(sets));
      if (index >= sets) return corrupt("short_term_ref_pic_set_idx is out of range");
      if (context_.stream != nullptr) header_.short_term = context_.stream->reference_sets[index];
      return {};
    }
    if (context_.stream == nullptr) {
      if (context_.reference_set_bits == 0) {
        return corrupt("the size of its reference set is unknown");
      }
      bits_.skip(context_.reference_set_bits);
      slice_.short_term_ref_pic_set_size = fitting<uint16_t>(context_.reference_set_bits);
      return {};
    }
    const size_t begin = bits_.position();
    auto set =
        read_hevc_reference_set(bits_, context_.stream->reference_sets, HevcSetPlace::kSlice);
    if (!set) return corrupt("bad reference picture set");
    header_.short_term = std::move(*set);
    slice_.short_term_ref_pic_set_size = static_cast<uint16_t>(bits_.position() - begin);
    return {};
  }

  // NumPicTotalCurr
  uint32_t total_references() const {
    if (context_.stream == nullptr) return context_.total_references;
    const auto used = [](const auto& list) {
      return std::count_if(list.begin(), list.end(), [](const auto& entry) { return entry.used; });
    };
    return static_cast<uint32_t>(used(header_.short_term.negative) +
                                 used(header_.short_term.positive) + used(header_.long_term));
  }

  // Of P and B slices.
  Status read_prediction() {
    auto& active = header_.active_references;
    active[0] = static_cast<uint8_t>(pps_.num_ref_idx_l0_default_active_minus1 + 1);
    active[1] = static_cast<uint8_t>(pps_.num_ref_idx_l1_default_active_minus1 + 1);
    if (!header_.is_b()) active[1] = 0;
    if (bits_.flag()) {
      for (size_t list = 0; list < (header_.is_b() ? 2 : 1); ++list) {
        const uint32_t minus1 = bits_.ue();
        if (minus1 >= kMaxReferences) return corrupt("more than 15 active references");
        active[list] = static_cast<uint8_t>(minus1 + 1);
      }
    }
    slice_.num_ref_idx_l0_active_minus1 = static_cast<uint8_t>(active[0] - 1);
    if (header_.is_b()) slice_.num_ref_idx_l1_active_minus1 = static_cast<uint8_t>(active[1] - 1);
    header_.lists_modification.begin = bits_.position();
    const uint32_t total = total_references();
    for (size_t list = 0; list < 2 && total > 1; ++list) {
      if (!has(V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT)) break;
      if (active[list] == 0 || !bits_.flag()) continue;
      for (size_t i = 0; i < active[list]; ++i) {
        const uint32_t entry = bits_.u(bits_for(total));
        if (entry >= total) return corrupt("list_entry is out of range");
        header_.list_entries[list].push_back(static_cast<uint8_t>(entry));
      }
    }
    header_.lists_modification.end = bits_.position();
    set(V4L2_HEVC_SLICE_PARAMS_FLAG_MVD_L1_ZERO, header_.is_b() && bits_.flag());
    set(V4L2_HEVC_SLICE_PARAMS_FLAG_CABAC_INIT,
        has(V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT) && bits_.flag());
    if ((slice_.flags & V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_TEMPORAL_MVP_ENABLED) != 0) {
      const bool from_l0 = !header_.is_b() || bits_.flag();
      set(V4L2_HEVC_SLICE_PARAMS_FLAG_COLLOCATED_FROM_L0, from_l0);
      const uint8_t count = active[from_l0 ? 0 : 1];
      if (count > 1)
        slice_.collocated_ref_idx = static_cast<uint8_t>(std::min(bits_.ue(), count - 1u));
    }
    const bool weighted = header_.is_p() ? has(V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED)
                                         : has(V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED);
    if (weighted) read_weights();
    slice_.five_minus_max_num_merge_cand = static_cast<uint8_t>(std::min(bits_.ue(), 4u));
    return {};
  }

  // pred_weight_table() (7.3.6.3) of a stream with one layer.
  void read_weights() {
    v4l2_hevc_pred_weight_table& table = slice_.pred_weight_table;
    table.luma_log2_weight_denom = static_cast<uint8_t>(std::min(bits_.ue(), 7u));
    if (has_chroma()) table.delta_chroma_log2_weight_denom = small();
    read_weights(header_.active_references[0], table.delta_luma_weight_l0, table.luma_offset_l0,
                 table.delta_chroma_weight_l0, table.chroma_offset_l0);
    read_weights(header_.active_references[1], table.delta_luma_weight_l1, table.luma_offset_l1,
                 table.delta_chroma_weight_l1, table.chroma_offset_l1);
  }

  using LumaTable = int8_t[V4L2_HEVC_DPB_ENTRIES_NUM_MAX];
  using ChromaTable = int8_t[V4L2_HEVC_DPB_ENTRIES_NUM_MAX][2];
  void read_weights(size_t count, LumaTable& luma_weights, LumaTable& luma_offsets,
                    ChromaTable& chroma_weights, ChromaTable& chroma_offsets) {
    std::array<bool, V4L2_HEVC_DPB_ENTRIES_NUM_MAX> luma{};
    std::array<bool, V4L2_HEVC_DPB_ENTRIES_NUM_MAX> chroma{};
    for (size_t i = 0; i < count; ++i) luma[i] = bits_.flag();
    for (size_t i = 0; has_chroma() && i < count; ++i) chroma[i] = bits_.flag();
    for (size_t i = 0; i < count; ++i) {
      if (luma[i]) {
        luma_weights[i] = small();
        luma_offsets[i] = small();
      }
      for (size_t plane = 0; chroma[i] && plane < 2; ++plane) {
        chroma_weights[i][plane] = small();
        chroma_offsets[i][plane] = chroma_offset(chroma_weights[i][plane], bits_.se());
      }
    }
  }

  // delta_chroma_offset_lX to ChromaOffsetLX (7-56), without high_precision_offsets_enabled_flag.
  int8_t chroma_offset(int delta_weight, int64_t delta_offset) const {
    constexpr int kHalfRange = 128;
    const v4l2_hevc_pred_weight_table& table = slice_.pred_weight_table;
    const int denominator =
        std::clamp(table.luma_log2_weight_denom + table.delta_chroma_log2_weight_denom, 0, 7);
    const int weight = (1 << denominator) + delta_weight;
    return fitting<int8_t>(kHalfRange + delta_offset - ((kHalfRange * weight) >> denominator));
  }

  void read_deblocking() {
    slice_.slice_beta_offset_div2 = pps_.pps_beta_offset_div2;
    slice_.slice_tc_offset_div2 = pps_.pps_tc_offset_div2;
    bool disabled = has(V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
    if (has(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED) && bits_.flag()) {
      disabled = bits_.flag();
      if (!disabled) {
        slice_.slice_beta_offset_div2 = small();
        slice_.slice_tc_offset_div2 = small();
      }
    }
    set(V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_DEBLOCKING_FILTER_DISABLED, disabled);
  }

  void read_loop_filter() {
    constexpr uint64_t kSao =
        V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_SAO_LUMA | V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_SAO_CHROMA;
    const bool filtered =
        (slice_.flags & kSao) != 0 ||
        (slice_.flags & V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_DEBLOCKING_FILTER_DISABLED) == 0;
    bool across = has(V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
    if (across && filtered) across = bits_.flag();
    set(V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_LOOP_FILTER_ACROSS_SLICES_ENABLED, across);
  }

  Status read_end() {
    if (has(V4L2_HEVC_PPS_FLAG_TILES_ENABLED) ||
        has(V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED)) {
      const uint32_t count = bits_.ue();
      if (count > bits_.bits_left()) return corrupt("more entry points than bits");
      if (count != 0) {
        if (Status status = read_entry_points(count); !status) return status;
      }
    }
    if (has(V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT)) {
      const uint32_t length = bits_.ue();
      if (length > 256) return corrupt("slice_segment_header_extension_length above 256");
      bits_.skip(size_t{8} * length);
    }
    header_.end_bit = bits_.position();
    if (!bits_.flag()) return corrupt("no byte_alignment() at its end");
    while (bits_.position() % 8 != 0 && !bits_.overrun()) {
      if (bits_.flag()) return corrupt("no byte_alignment() at its end");
    }
    return {};
  }

  Status read_entry_points(uint32_t count) {
    const uint32_t length_minus1 = bits_.ue();
    if (length_minus1 > 31) return corrupt("offset_len_minus1 above 31");
    if (bits_.bits_left() / (length_minus1 + 1) < count) return corrupt("it ends too early");
    slice_.num_entry_point_offsets = count;
    header_.entry_point_offsets.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      header_.entry_point_offsets.push_back(
          fitting<uint32_t>(int64_t{bits_.u(length_minus1 + 1)} + 1));
    }
    return {};
  }

  BitReader bits_;
  const v4l2_ctrl_hevc_sps& sps_;
  const v4l2_ctrl_hevc_pps& pps_;
  const HevcSliceContext& context_;
  const bool irap_;
  HevcSliceHeader header_;
  v4l2_ctrl_hevc_slice_params& slice_ = header_.slice;
};

}  // namespace

Result<uint8_t> parse_hevc_pps_id(std::span<const uint8_t> nal) {
  const HevcNalHeader unit = hevc_nal_header(nal);
  if (!unit.valid) return corrupt("no NAL unit header");
  constexpr size_t kBytes = 8;
  const std::vector<uint8_t> rbsp = extract_rbsp(nal, kHevcNalHeaderBytes + kBytes);
  BitReader bits(rbsp);
  bits.skip(8 * kHevcNalHeaderBytes + (hevc_is_irap(unit.type) ? 2 : 1));
  const uint32_t id = bits.ue();
  if (bits.overrun() || id > kMaxPpsId) return corrupt("no slice_pic_parameter_set_id");
  return static_cast<uint8_t>(id);
}

Result<HevcSliceHeader> parse_hevc_slice_header(std::span<const uint8_t> nal,
                                                const HevcSliceContext& context) {
  const HevcNalHeader unit = hevc_nal_header(nal);
  if (!unit.valid) return corrupt("no NAL unit header");
  if (context.pps.num_ref_idx_l0_default_active_minus1 >= kMaxReferences ||
      context.pps.num_ref_idx_l1_default_active_minus1 >= kMaxReferences) {
    return corrupt("more than 15 references by default");
  }
  const auto read = [&](size_t most_bytes) {
    const std::vector<uint8_t> rbsp = extract_rbsp(nal, most_bytes);
    return Reader(rbsp, unit.type, context).read();
  };
  auto header = read(kUsualHeaderBytes);
  if (!header && nal.size() > kUsualHeaderBytes) header = read(kMaxHeaderBytes);
  if (!header) return header;
  header->temporal_id = static_cast<uint8_t>((nal[1] & 7) - 1);
  header->slice.nuh_temporal_id_plus1 = nal[1] & 7;
  header->slice.data_byte_offset =
      static_cast<uint32_t>(offset_in_nal(nal, header->end_bit / 8 + 1));
  return header;
}

}  // namespace daedalus::headers
