#include "test/decode_core/hevc_slices.h"

#include <map>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::core::rewrite::test {
namespace {

constexpr uint64_t kSpsFlags =
    V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED | V4L2_HEVC_SPS_FLAG_AMP_ENABLED |
    V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET | V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT |
    V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED | V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED;
constexpr uint64_t kPpsFlags = (1u << 21) - 1;

// References of distinct order counts on both sides, long-term ones perhaps far away.
void choose_references(Random& random, Slice& slice) {
  auto& decode = slice.decode;
  decode.pic_order_cnt_val = static_cast<int32_t>(random.in(-100, 300000));
  const auto count = static_cast<uint8_t>(random.in(0, 15));
  std::map<int64_t, bool> taken = {{decode.pic_order_cnt_val, true}};
  decode.num_active_dpb_entries = count;
  for (uint8_t i = 0; i < count; ++i) {
    v4l2_hevc_dpb_entry& entry = decode.dpb[i];
    const bool long_term =
        slice.sps_has(V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT) && random.in(0, 3) == 0;
    int64_t delta = 0;
    do {
      delta = long_term         ? random.in(-250000, 0)
              : random.in(0, 1) ? random.in(-40, 40)
                                : random.in(-30000, 30000);
    } while (!taken.emplace(decode.pic_order_cnt_val + delta, true).second);
    entry.pic_order_cnt_val = static_cast<int32_t>(decode.pic_order_cnt_val + delta);
    if (long_term) entry.flags = V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE;
    if (random.in(0, 2) == 0) continue;  // for later pictures only
    if (long_term) {
      decode.poc_lt_curr[decode.num_poc_lt_curr++] = i;
    } else if (delta < 0) {
      decode.poc_st_curr_before[decode.num_poc_st_curr_before++] = i;
    } else {
      decode.poc_st_curr_after[decode.num_poc_st_curr_after++] = i;
    }
  }
}

// Writes what is not about references, and notes it.
class Writer {
 public:
  Writer(BitWriter& bits, Elements& elements) : bits_(bits), elements_(elements) {}
  void u(unsigned count, int64_t value) {
    bits_.u(count, static_cast<uint32_t>(value));
    elements_.push_back(value);
  }
  void ue(int64_t value) {
    bits_.ue(static_cast<uint32_t>(value));
    elements_.push_back(value);
  }
  void se(int64_t value) {
    bits_.se(static_cast<int32_t>(value));
    elements_.push_back(value);
  }

 private:
  BitWriter& bits_;
  Elements& elements_;
};

// The sets as the stream has them; the rewriter must not need to understand them.
void write_original_sets(Random& random, Slice& slice, BitWriter& bits) {
  const unsigned order_bits = slice.sps.log2_max_pic_order_cnt_lsb_minus4 + 4u;
  bits.u(order_bits,
         static_cast<uint32_t>(slice.decode.pic_order_cnt_val) & ((1u << order_bits) - 1));
  const bool of_sps = slice.sps.num_short_term_ref_pic_sets > 0 && random.coin();
  bits.flag(of_sps);
  if (of_sps) {
    bits.u(bits_for(slice.sps.num_short_term_ref_pic_sets), 0);
  } else {
    slice.reference_set_bits = static_cast<uint32_t>(random.in(1, 90));
    for (uint32_t i = 0; i < slice.reference_set_bits; ++i) bits.flag(random.coin());
  }
  if (!slice.sps_has(V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT)) return;
  const auto from_sps = slice.sps.num_long_term_ref_pics_sps > 0 ? random.in(0, 4) : 0;
  const auto own = random.in(0, 4);
  if (slice.sps.num_long_term_ref_pics_sps > 0) bits.ue(static_cast<uint32_t>(from_sps));
  bits.ue(static_cast<uint32_t>(own));
  for (int64_t i = 0; i < from_sps + own; ++i) {
    if (i < from_sps) {
      bits.u(bits_for(slice.sps.num_long_term_ref_pics_sps),
             static_cast<uint32_t>(random.in(0, slice.sps.num_long_term_ref_pics_sps - 1)));
    } else {
      bits.u(order_bits, static_cast<uint32_t>(random.in(0, (1 << order_bits) - 1)));
      bits.flag(random.coin());
    }
    const bool msb = random.coin();
    bits.flag(msb);
    if (msb) bits.ue(static_cast<uint32_t>(random.in(0, 20)));
  }
}

void write_weights(Random& random, const Slice& slice, Writer& out) {
  const bool chroma = slice.sps.chroma_format_idc != 0;
  out.ue(random.in(0, 7));
  if (chroma) out.se(random.in(-3, 3));
  for (const uint8_t count : slice.active) {
    std::vector<int> codes(count);
    for (auto& code : codes) out.u(1, (code = random.coin() ? 2 : 0) / 2);
    for (size_t i = 0; chroma && i < count; ++i) {
      const bool set = random.coin();
      out.u(1, set);
      codes[i] += set ? 4 : 0;
    }
    for (const int code : codes) {
      for (int i = 0; i < code; ++i) out.se(random.in(-128, 127));
    }
  }
}

void write_inter(Random& random, Slice& slice, bool temporal_vectors, BitWriter& bits,
                 Writer& out) {
  const bool b = slice.slice_type == V4L2_HEVC_SLICE_TYPE_B;
  const bool overrides = random.coin();
  out.u(1, overrides);
  slice.active = {static_cast<uint8_t>(slice.pps.num_ref_idx_l0_default_active_minus1 + 1),
                  static_cast<uint8_t>(b ? slice.pps.num_ref_idx_l1_default_active_minus1 + 1 : 0)};
  for (uint8_t& count : slice.active) {
    if (!overrides || count == 0) continue;
    count = static_cast<uint8_t>(random.in(1, 15));
    out.ue(count - 1);
  }
  if (slice.has(V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT) && slice.total() > 1) {
    for (const uint8_t count : slice.active) {
      if (count == 0) continue;
      const bool modified = random.coin();
      bits.flag(modified);
      for (size_t i = 0; modified && i < count; ++i) bits.u(bits_for(slice.total()), 0);
    }
  }
  std::vector<uint8_t> used;
  const auto& decode = slice.decode;
  used.insert(used.end(), decode.poc_st_curr_before,
              decode.poc_st_curr_before + decode.num_poc_st_curr_before);
  used.insert(used.end(), decode.poc_st_curr_after,
              decode.poc_st_curr_after + decode.num_poc_st_curr_after);
  used.insert(used.end(), decode.poc_lt_curr, decode.poc_lt_curr + decode.num_poc_lt_curr);
  for (auto& list : slice.lists) {
    for (uint8_t& entry : list)
      entry = used[static_cast<size_t>(random.in(0, static_cast<int64_t>(used.size()) - 1))];
  }
  if (b) out.u(1, random.coin());  // mvd_l1_zero_flag
  if (slice.has(V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT)) out.u(1, random.coin());
  if (temporal_vectors) {
    const bool from_l0 = !b || random.coin();
    if (b) out.u(1, from_l0);
    const uint8_t count = slice.active[from_l0 ? 0 : 1];
    if (count > 1) out.ue(random.in(0, count - 1));
  }
  if (slice.has(b ? V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED : V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED)) {
    write_weights(random, slice, out);
  }
  out.ue(random.in(0, 4));
}

void write_independent(Random& random, Slice& slice, BitWriter& bits, Writer& out) {
  out.u(slice.pps.num_extra_slice_header_bits, 0);
  out.ue(slice.slice_type);
  if (slice.has(V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT)) out.u(1, random.coin());
  bool temporal_vectors = false;
  if (!slice.idr()) {
    write_original_sets(random, slice, bits);
    if (slice.sps_has(V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED)) {
      temporal_vectors = random.coin();
      out.u(1, temporal_vectors);
    }
  }
  bool filtered = false;
  if (slice.sps_has(V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET)) {
    for (int i = 0; i < (slice.sps.chroma_format_idc != 0 ? 2 : 1); ++i) {
      const bool on = random.coin();
      out.u(1, on);
      filtered |= on;
    }
  }
  if (slice.inter()) write_inter(random, slice, temporal_vectors, bits, out);
  out.se(random.in(-26, 25));
  if (slice.has(V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT)) {
    out.se(random.in(-12, 12));
    out.se(random.in(-12, 12));
  }
  bool disabled = slice.has(V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
  if (slice.has(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED)) {
    const bool overrides = random.coin();
    out.u(1, overrides);
    if (overrides) {
      disabled = random.coin();
      out.u(1, disabled);
      for (int i = 0; !disabled && i < 2; ++i) out.se(random.in(-6, 6));
    }
  }
  if (slice.has(V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED) &&
      (filtered || !disabled)) {
    out.u(1, random.coin());
  }
}

}  // namespace

Slice choose_slice(Random& random) {
  Slice slice;
  slice.sps.pic_width_in_luma_samples = static_cast<uint16_t>(8 * random.in(1, 500));
  slice.sps.pic_height_in_luma_samples = static_cast<uint16_t>(8 * random.in(1, 500));
  slice.sps.chroma_format_idc = random.in(0, 4) != 0;
  slice.sps.log2_max_pic_order_cnt_lsb_minus4 = static_cast<uint8_t>(random.in(0, 12));
  slice.sps.log2_diff_max_min_luma_coding_block_size = static_cast<uint8_t>(random.in(0, 3));
  slice.sps.num_short_term_ref_pic_sets = static_cast<uint8_t>(random.in(0, 64));
  slice.sps.num_long_term_ref_pics_sps = static_cast<uint8_t>(random.in(0, 32));
  slice.sps.flags = random.flags(kSpsFlags);
  slice.pps.flags = random.flags(kPpsFlags);
  slice.pps.num_extra_slice_header_bits = static_cast<uint8_t>(random.in(0, 2));
  slice.pps.num_ref_idx_l0_default_active_minus1 = static_cast<uint8_t>(random.in(0, 14));
  slice.pps.num_ref_idx_l1_default_active_minus1 = static_cast<uint8_t>(random.in(0, 14));
  constexpr std::array<uint8_t, 16> kTypes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 21};
  slice.nal_type = kTypes[static_cast<size_t>(random.in(0, kTypes.size() - 1))];
  if (slice.idr()) {
    slice.decode.pic_order_cnt_val = 0;
  } else {
    choose_references(random, slice);
  }
  if (!slice.irap() && slice.total() > 0) slice.slice_type = static_cast<uint8_t>(random.in(0, 2));
  const auto size = static_cast<size_t>(random.in(0, 200));
  for (size_t i = 0; i < size; ++i) {
    // Many zeros, so that emulation prevention has to do; none where the writer puts it.
    slice.data.push_back(random.coin() ? 0 : static_cast<uint8_t>(random.in(1, 255)));
  }
  return slice;
}

Bytes write_slice(Random& random, Slice& slice, Elements& elements) {
  BitWriter bits;
  Writer out(bits, elements);
  const bool first = random.coin();
  out.u(1, first);
  if (slice.irap()) out.u(1, random.coin());
  out.ue(random.in(0, 63));
  if (!first) {
    if (slice.has(V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED)) {
      slice.dependent = random.coin();
      out.u(1, slice.dependent);
    }
    const unsigned log2_size = 3u + slice.sps.log2_diff_max_min_luma_coding_block_size;
    const auto ctbs = [&](uint32_t samples) {
      return (samples + (1u << log2_size) - 1) >> log2_size;
    };
    const size_t size = size_t{ctbs(slice.sps.pic_width_in_luma_samples)} *
                        ctbs(slice.sps.pic_height_in_luma_samples);
    out.u(bits_for(size), random.in(0, static_cast<int64_t>(size) - 1));
  }
  if (!slice.dependent) write_independent(random, slice, bits, out);
  if (slice.has(V4L2_HEVC_PPS_FLAG_TILES_ENABLED) ||
      slice.has(V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED)) {
    const int64_t count = random.in(0, 30);
    out.ue(count);
    if (count > 0) {
      const int64_t length = random.in(1, 32);
      out.ue(length - 1);
      for (int64_t i = 0; i < count; ++i)
        out.u(static_cast<unsigned>(length), random.in(0, (int64_t{1} << length) - 1));
    }
  }
  if (slice.has(V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT)) {
    const int64_t length = random.in(0, 9);
    out.ue(length);
    for (int64_t i = 0; i < length; ++i) out.u(8, random.in(0, 255));
  }
  bits.trailing_bits();
  Bytes rbsp = {static_cast<uint8_t>(random.in(1, 7))};
  rbsp.insert(rbsp.end(), bits.bytes().begin(), bits.bytes().end());
  Bytes nal;
  append_nal(static_cast<uint8_t>(slice.nal_type << 1), rbsp, nal);
  nal.erase(nal.begin(), nal.begin() + 3);
  Bytes escaped;
  append_nal(0x55, slice.data, escaped);  // any byte that is not zero
  escaped.erase(escaped.begin(), escaped.begin() + 4);
  slice.data = escaped;
  nal.insert(nal.end(), slice.data.begin(), slice.data.end());
  return nal;
}

}  // namespace daedalus::core::rewrite::test
