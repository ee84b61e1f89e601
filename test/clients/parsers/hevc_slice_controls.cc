#include "test/clients/parsers/hevc_slice_controls.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "test/clients/parsers/bit_reader.h"

namespace daedalus::clients {
namespace {

constexpr uint8_t kFirstIrap = 16;  // nal_unit_type, table 7-1
constexpr uint8_t kLastIrap = 23;
constexpr uint8_t kIdrWRadl = 19;
constexpr uint8_t kIdrNLp = 20;
constexpr uint32_t kMostEntryPoints = 1 << 16;

// Ceil(Log2(count))
int bits_to_name(uint32_t count) { return count <= 1 ? 0 : std::bit_width(count - 1); }

uint32_t coding_tree_blocks(const v4l2_ctrl_hevc_sps& sps) {
  const int log2_size =
      sps.log2_min_luma_coding_block_size_minus3 + 3 + sps.log2_diff_max_min_luma_coding_block_size;
  const auto across = [&](uint32_t samples) {
    return (samples + (1U << log2_size) - 1) >> log2_size;
  };
  return across(sps.pic_width_in_luma_samples) * across(sps.pic_height_in_luma_samples);
}

// Bytes of the NAL unit that hold its first `bytes` bytes without emulation prevention.
uint32_t raw_bytes(std::span<const uint8_t> nal, uint32_t bytes) {
  int zeros = 0;
  uint32_t at = 0;
  for (uint32_t plain = 0; plain < bytes && at < nal.size(); ++at) {
    const bool prevention = zeros >= 2 && nal[at] == 3;
    zeros = nal[at] == 0 ? zeros + 1 : 0;
    if (!prevention) ++plain;
  }
  return at;
}

class SliceReader {
 public:
  SliceReader(std::span<const uint8_t> nal, const core::HevcParameters& picture,
              const core::HevcSliceParameters& lists, HevcSliceControls* controls)
      : nal_(nal),
        reader_(nal, true),
        picture_(picture),
        lists_(lists),
        controls_(*controls),
        slice_(controls->slice) {}

  bool read(const v4l2_ctrl_hevc_slice_params* before) {
    reader_.bits(1);
    const auto type = static_cast<uint8_t>(reader_.bits(6));
    reader_.bits(6);
    const auto temporal_id_plus1 = static_cast<uint8_t>(reader_.bits(3));
    const bool first = reader_.flag();
    if (type >= kFirstIrap && type <= kLastIrap) reader_.flag();
    reader_.unsigned_golomb();  // slice_pic_parameter_set_id
    bool dependent = false;
    uint32_t address = 0;
    if (!first) {
      dependent = pps_has(V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED) && reader_.flag();
      address = reader_.bits(bits_to_name(coding_tree_blocks(picture_.sps)));
    }
    if (dependent && before != nullptr) slice_ = *before;
    slice_.nal_unit_type = type;
    slice_.nuh_temporal_id_plus1 = temporal_id_plus1;
    slice_.slice_segment_addr = address;
    slice_.slice_pic_order_cnt = picture_.decode.pic_order_cnt_val;
    if (!dependent) read_slice();
    flag(dependent, V4L2_HEVC_SLICE_PARAMS_FLAG_DEPENDENT_SLICE_SEGMENT);
    read_entry_points();
    if (pps_has(V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT)) {
      for (uint32_t i = std::min(reader_.unsigned_golomb(), 256U); i > 0; --i) reader_.bits(8);
    }
    slice_.data_byte_offset = raw_bytes(nal_, reader_.position() / 8 + 1);
    slice_.bit_size = static_cast<uint32_t>(8 * nal_.size());
    return !reader_.exhausted();
  }

 private:
  bool pps_has(uint64_t flag) const { return (picture_.pps.flags & flag) != 0; }
  bool sps_has(uint64_t flag) const { return (picture_.sps.flags & flag) != 0; }
  bool is_b() const { return slice_.slice_type == V4L2_HEVC_SLICE_TYPE_B; }
  void flag(bool set, uint64_t value) {
    slice_.flags = set ? slice_.flags | value : slice_.flags & ~value;
  }

  void read_slice() {
    reader_.bits(picture_.pps.num_extra_slice_header_bits);
    slice_.slice_type = static_cast<uint8_t>(std::min(reader_.unsigned_golomb(), 2U));
    if (pps_has(V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT)) reader_.flag();
    if (sps_has(V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE))
      slice_.colour_plane_id = static_cast<uint8_t>(reader_.bits(2));
    if (slice_.nal_unit_type != kIdrWRadl && slice_.nal_unit_type != kIdrNLp) read_reference_sets();
    bool filtered = false;
    if (sps_has(V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET)) {
      const bool luma = reader_.flag();
      const bool chroma = picture_.sps.chroma_format_idc != 0 && reader_.flag();
      flag(luma, V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_SAO_LUMA);
      flag(chroma, V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_SAO_CHROMA);
      filtered = luma || chroma;
    }
    if (slice_.slice_type != V4L2_HEVC_SLICE_TYPE_I) read_prediction();
    slice_.slice_qp_delta = static_cast<int8_t>(reader_.signed_golomb());
    if (pps_has(V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT)) {
      slice_.slice_cb_qp_offset = static_cast<int8_t>(reader_.signed_golomb());
      slice_.slice_cr_qp_offset = static_cast<int8_t>(reader_.signed_golomb());
    }
    filtered |= read_deblocking();
    bool across = pps_has(V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
    if (across && filtered) across = reader_.flag();
    flag(across, V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_LOOP_FILTER_ACROSS_SLICES_ENABLED);
  }

  void read_reference_sets() {
    const int order_count_bits = picture_.sps.log2_max_pic_order_cnt_lsb_minus4 + 4;
    reader_.bits(order_count_bits);
    if (reader_.flag()) {
      reader_.bits(bits_to_name(picture_.sps.num_short_term_ref_pic_sets));
    } else {
      for (uint32_t i = 0; i < lists_.reference_set_bits; ++i) reader_.bits(1);
    }
    slice_.short_term_ref_pic_set_size = static_cast<uint16_t>(lists_.reference_set_bits);
    const uint32_t begin = reader_.position();
    if (sps_has(V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT)) {
      const uint32_t candidates = picture_.sps.num_long_term_ref_pics_sps;
      const uint32_t of_sps = candidates > 0 ? std::min(reader_.unsigned_golomb(), 32U) : 0;
      const uint32_t own = std::min(reader_.unsigned_golomb(), 32U);
      for (uint32_t i = 0; i < of_sps + own; ++i) {
        reader_.bits(i < of_sps ? bits_to_name(candidates) : order_count_bits + 1);
        if (reader_.flag()) reader_.unsigned_golomb();
      }
    }
    slice_.long_term_ref_pic_set_size = static_cast<uint16_t>(reader_.position() - begin);
    const bool vectors = sps_has(V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED) && reader_.flag();
    flag(vectors, V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_TEMPORAL_MVP_ENABLED);
  }

  // Of P and B slices.
  void read_prediction() {
    uint32_t active[2] = {picture_.pps.num_ref_idx_l0_default_active_minus1,
                          picture_.pps.num_ref_idx_l1_default_active_minus1};
    if (reader_.flag()) {
      active[0] = reader_.unsigned_golomb();
      if (is_b()) active[1] = reader_.unsigned_golomb();
    }
    for (uint32_t& count : active) count = std::min(count, 14U);
    slice_.num_ref_idx_l0_active_minus1 = static_cast<uint8_t>(active[0]);
    slice_.num_ref_idx_l1_active_minus1 = static_cast<uint8_t>(is_b() ? active[1] : 0);
    std::ranges::copy(lists_.lists[0], slice_.ref_idx_l0);
    std::ranges::copy(lists_.lists[1], slice_.ref_idx_l1);
    skip_modifications();
    if (is_b()) flag(reader_.flag(), V4L2_HEVC_SLICE_PARAMS_FLAG_MVD_L1_ZERO);
    if (pps_has(V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT))
      flag(reader_.flag(), V4L2_HEVC_SLICE_PARAMS_FLAG_CABAC_INIT);
    if (slice_.flags & V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_TEMPORAL_MVP_ENABLED) {
      const bool from_l0 = !is_b() || reader_.flag();
      flag(from_l0, V4L2_HEVC_SLICE_PARAMS_FLAG_COLLOCATED_FROM_L0);
      if (active[from_l0 ? 0 : 1] > 0)
        slice_.collocated_ref_idx = static_cast<uint8_t>(reader_.unsigned_golomb());
    }
    if (pps_has(is_b() ? V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED : V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED))
      read_weights();
    slice_.five_minus_max_num_merge_cand = static_cast<uint8_t>(reader_.unsigned_golomb());
  }

  // ref_pic_lists_modification() (7.3.6.2); `lists_` has what it makes.
  void skip_modifications() {
    const v4l2_ctrl_hevc_decode_params& decode = picture_.decode;
    const uint32_t total = uint32_t{decode.num_poc_st_curr_before} + decode.num_poc_st_curr_after +
                           decode.num_poc_lt_curr;
    if (!pps_has(V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT) || total <= 1) return;
    const auto skip = [&](int active_minus1) {
      if (!reader_.flag()) return;
      for (int i = 0; i <= active_minus1; ++i) reader_.bits(bits_to_name(total));
    };
    skip(slice_.num_ref_idx_l0_active_minus1);
    if (is_b()) skip(slice_.num_ref_idx_l1_active_minus1);
  }

  // pred_weight_table() (7.3.6.3).
  void read_weights() {
    v4l2_hevc_pred_weight_table& table = slice_.pred_weight_table;
    table.luma_log2_weight_denom = static_cast<uint8_t>(std::min(reader_.unsigned_golomb(), 7U));
    if (picture_.sps.chroma_format_idc != 0)
      table.delta_chroma_log2_weight_denom = static_cast<int8_t>(reader_.signed_golomb());
    read_weights(slice_.num_ref_idx_l0_active_minus1, table.delta_luma_weight_l0,
                 table.luma_offset_l0, table.delta_chroma_weight_l0, table.chroma_offset_l0);
    if (!is_b()) return;
    read_weights(slice_.num_ref_idx_l1_active_minus1, table.delta_luma_weight_l1,
                 table.luma_offset_l1, table.delta_chroma_weight_l1, table.chroma_offset_l1);
  }

  using Luma = int8_t[V4L2_HEVC_DPB_ENTRIES_NUM_MAX];
  using Chroma = int8_t[V4L2_HEVC_DPB_ENTRIES_NUM_MAX][2];
  void read_weights(int last, Luma& luma_weight, Luma& luma_offset, Chroma& chroma_weight,
                    Chroma& chroma_offset) {
    bool luma[V4L2_HEVC_DPB_ENTRIES_NUM_MAX]{};
    bool chroma[V4L2_HEVC_DPB_ENTRIES_NUM_MAX]{};
    for (int i = 0; i <= last; ++i) luma[i] = reader_.flag();
    for (int i = 0; i <= last && picture_.sps.chroma_format_idc != 0; ++i)
      chroma[i] = reader_.flag();
    for (int i = 0; i <= last; ++i) {
      if (luma[i]) {
        luma_weight[i] = static_cast<int8_t>(reader_.signed_golomb());
        luma_offset[i] = static_cast<int8_t>(reader_.signed_golomb());
      }
      for (int plane = 0; plane < 2 && chroma[i]; ++plane) {
        const int weight = reader_.signed_golomb();
        chroma_weight[i][plane] = static_cast<int8_t>(weight);
        chroma_offset[i][plane] = chroma_offset_of(weight, reader_.signed_golomb());
      }
    }
  }

  // 7-56
  int8_t chroma_offset_of(int delta_weight, int delta_offset) const {
    const v4l2_hevc_pred_weight_table& table = slice_.pred_weight_table;
    const int denominator =
        std::clamp(table.luma_log2_weight_denom + table.delta_chroma_log2_weight_denom, 0, 7);
    const int64_t weight = (int64_t{1} << denominator) + delta_weight;
    const int64_t offset = 128 + int64_t{delta_offset} - ((128 * weight) >> denominator);
    return static_cast<int8_t>(std::clamp<int64_t>(offset, -128, 127));
  }

  // True where the filter is on.
  bool read_deblocking() {
    slice_.slice_beta_offset_div2 = picture_.pps.pps_beta_offset_div2;
    slice_.slice_tc_offset_div2 = picture_.pps.pps_tc_offset_div2;
    bool disabled = pps_has(V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
    if (pps_has(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED) && reader_.flag()) {
      disabled = reader_.flag();
      if (!disabled) {
        slice_.slice_beta_offset_div2 = static_cast<int8_t>(reader_.signed_golomb());
        slice_.slice_tc_offset_div2 = static_cast<int8_t>(reader_.signed_golomb());
      }
    }
    flag(disabled, V4L2_HEVC_SLICE_PARAMS_FLAG_SLICE_DEBLOCKING_FILTER_DISABLED);
    return !disabled;
  }

  void read_entry_points() {
    slice_.num_entry_point_offsets = 0;
    if (!pps_has(V4L2_HEVC_PPS_FLAG_TILES_ENABLED) &&
        !pps_has(V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED)) {
      return;
    }
    const uint32_t count = std::min(reader_.unsigned_golomb(), kMostEntryPoints);
    if (count == 0) return;
    const int bits = static_cast<int>(std::min(reader_.unsigned_golomb(), 31U)) + 1;
    for (uint32_t i = 0; i < count && !reader_.exhausted(); ++i)
      controls_.entry_point_offsets.push_back(reader_.bits(bits) + 1);
    slice_.num_entry_point_offsets = static_cast<uint32_t>(controls_.entry_point_offsets.size());
  }

  const std::span<const uint8_t> nal_;
  BitReader reader_;
  const core::HevcParameters& picture_;
  const core::HevcSliceParameters& lists_;
  HevcSliceControls& controls_;
  v4l2_ctrl_hevc_slice_params& slice_;
};

}  // namespace

bool read_hevc_slice_controls(std::span<const uint8_t> nal, const core::HevcParameters& picture,
                              const core::HevcSliceParameters& lists,
                              const v4l2_ctrl_hevc_slice_params* before,
                              HevcSliceControls* controls) {
  return SliceReader(nal, picture, lists, controls).read(before);
}

}  // namespace daedalus::clients
