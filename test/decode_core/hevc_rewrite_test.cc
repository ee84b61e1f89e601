// HEVC slice segments in every form that a header can have, rewritten and read back by a reader
// that knows only what the rewritten parameter sets say: the same reference pictures in the same
// lists, every other syntax element as it was, the same bytes of slice data.
#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/hevc_sps.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/software/libavcodec/rewrite/hevc_parameter_sets.h"
#include "decode_core/software/libavcodec/rewrite/hevc_slice.h"
#include "test/catch.h"
#include "test/decode_core/hevc_slices.h"

namespace daedalus::core::rewrite {
namespace {

using test::bits_for;
using test::Bytes;
using test::choose_slice;
using test::Elements;
using test::Random;
using test::Slice;
using test::write_slice;

// Reads and notes syntax elements.
class Reader {
 public:
  Reader(headers::BitReader& bits, Elements& elements) : bits_(bits), elements_(elements) {}
  int64_t u(unsigned count) { return note(bits_.u(count)); }
  int64_t ue() { return note(bits_.ue()); }
  int64_t se() { return note(bits_.se()); }

 private:
  int64_t note(int64_t value) {
    elements_.push_back(value);
    return value;
  }
  headers::BitReader& bits_;
  Elements& elements_;
};

struct Read {
  Elements elements;
  std::map<int64_t, bool> short_term;  // by order count: used by this picture
  std::map<int64_t, bool> long_term;
  std::array<std::vector<int64_t>, 2> lists;  // order counts
  size_t data_bit = 0;
};

// 7.3.7, 7.3.6.1 and 8.3.2 for sets of the slice's own, whole order counts throughout.
void read_sets(headers::BitReader& bits, int64_t current, Read& read,
               std::array<std::vector<int64_t>, 3>& used) {
  CHECK(bits.u(16) == (static_cast<uint32_t>(current) & 0xffff));
  CHECK_FALSE(bits.flag());
  const uint32_t counts[2] = {bits.ue(), bits.ue()};
  for (int sign = 0; sign < 2; ++sign) {
    int64_t order_count = current;
    for (uint32_t i = 0; i < counts[sign]; ++i) {
      const int64_t step = int64_t{bits.ue()} + 1;
      REQUIRE(step <= 1 << 15);
      order_count += sign == 0 ? -step : step;
      const bool now = bits.flag();
      CHECK(read.short_term.emplace(order_count, now).second);
      if (now) used[static_cast<size_t>(sign)].push_back(order_count);
    }
  }
  const uint32_t long_term = bits.ue();
  int64_t cycles = 0;
  for (uint32_t i = 0; i < long_term; ++i) {
    const int64_t low = bits.u(16);
    const bool now = bits.flag();
    REQUIRE(bits.flag());
    cycles += bits.ue();
    const int64_t order_count = current - (current & 0xffff) - cycles * 0x10000 + low;
    CHECK(read.long_term.emplace(order_count, now).second);
    if (now) used[2].push_back(order_count);
  }
}

void read_inter(headers::BitReader& bits, Reader& in, const Slice& slice, bool temporal_vectors,
                const std::array<std::vector<int64_t>, 3>& used, Read& read) {
  const bool b = slice.slice_type == V4L2_HEVC_SLICE_TYPE_B;
  std::array<uint32_t, 2> active = {slice.pps.num_ref_idx_l0_default_active_minus1 + 1u,
                                    b ? slice.pps.num_ref_idx_l1_default_active_minus1 + 1u : 0};
  if (in.u(1)) {
    for (uint32_t& count : active) {
      if (count != 0) count = static_cast<uint32_t>(in.ue()) + 1;
    }
  }
  for (size_t list = 0; list < 2; ++list) {
    std::vector<int64_t> candidates = used[list];
    candidates.insert(candidates.end(), used[1 - list].begin(), used[1 - list].end());
    candidates.insert(candidates.end(), used[2].begin(), used[2].end());
    if (active[list] == 0) continue;
    const bool modified = candidates.size() > 1 && bits.flag();
    for (size_t i = 0; i < active[list]; ++i) {
      const size_t entry = modified ? bits.u(bits_for(candidates.size())) : i % candidates.size();
      REQUIRE(entry < candidates.size());
      read.lists[list].push_back(candidates[entry]);
    }
  }
  if (b) in.u(1);
  if (slice.has(V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT)) in.u(1);
  if (temporal_vectors) {
    const bool from_l0 = !b || in.u(1) != 0;
    if (active[from_l0 ? 0 : 1] > 1) in.ue();
  }
  if (slice.has(b ? V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED : V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED)) {
    const bool chroma = slice.sps.chroma_format_idc != 0;
    in.ue();
    if (chroma) in.se();
    for (const uint32_t count : active) {
      std::vector<int> codes(count);
      for (int& code : codes) code = in.u(1) ? 2 : 0;
      for (size_t i = 0; chroma && i < count; ++i) codes[i] += in.u(1) ? 4 : 0;
      for (const int code : codes) {
        for (int i = 0; i < code; ++i) in.se();
      }
    }
  }
  in.ue();
}

void read_independent(headers::BitReader& bits, Reader& in, const Slice& slice, Read& read) {
  in.u(slice.pps.num_extra_slice_header_bits);
  in.ue();
  if (slice.has(V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT)) in.u(1);
  bool temporal_vectors = false;
  std::array<std::vector<int64_t>, 3> used;  // before, after, long-term
  if (!slice.idr()) {
    read_sets(bits, slice.decode.pic_order_cnt_val, read, used);
    temporal_vectors = slice.sps_has(V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED) && in.u(1) != 0;
  }
  bool filtered = false;
  if (slice.sps_has(V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET)) {
    filtered = in.u(1) != 0;
    if (slice.sps.chroma_format_idc != 0) filtered |= in.u(1) != 0;
  }
  if (slice.inter()) read_inter(bits, in, slice, temporal_vectors, used, read);
  in.se();
  if (slice.has(V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT)) {
    in.se();
    in.se();
  }
  bool disabled = slice.has(V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
  if (slice.has(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED) && in.u(1)) {
    disabled = in.u(1) != 0;
    for (int i = 0; !disabled && i < 2; ++i) in.se();
  }
  if (slice.has(V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED) &&
      (filtered || !disabled))
    in.u(1);
}

Read read_rewritten(const Bytes& nal, const Slice& slice) {
  const Bytes rbsp = headers::extract_rbsp(nal);
  headers::BitReader bits(rbsp);
  Read read;
  Reader in(bits, read.elements);
  bits.skip(16);
  const bool first = in.u(1) != 0;
  if (slice.irap()) in.u(1);
  in.ue();
  if (!first) {
    if (slice.has(V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED))
      CHECK(in.u(1) == slice.dependent);
    const unsigned log2_size = 3u + slice.sps.log2_diff_max_min_luma_coding_block_size;
    const auto ctbs = [&](uint32_t samples) {
      return (samples + (1u << log2_size) - 1) >> log2_size;
    };
    in.u(bits_for(size_t{ctbs(slice.sps.pic_width_in_luma_samples)} *
                  ctbs(slice.sps.pic_height_in_luma_samples)));
  }
  if (!slice.dependent) read_independent(bits, in, slice, read);
  if (slice.has(V4L2_HEVC_PPS_FLAG_TILES_ENABLED) ||
      slice.has(V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED)) {
    const int64_t count = in.ue();
    const int64_t length = count > 0 ? in.ue() + 1 : 0;
    for (int64_t i = 0; i < count; ++i) in.u(static_cast<unsigned>(length));
  }
  if (slice.has(V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT)) {
    const int64_t length = in.ue();
    for (int64_t i = 0; i < length; ++i) in.u(8);
  }
  CHECK(bits.flag());
  while (bits.position() % 8 != 0) CHECK_FALSE(bits.flag());
  CHECK_FALSE(bits.overrun());
  read.data_bit = bits.position();
  return read;
}

Bytes rewrite(const Bytes& nal, const Slice& slice) {
  Bytes out;
  const Status status = append_hevc_slice(
      nal, {slice.sps, slice.pps, slice.decode, slice.reference_set_bits, slice.lists}, out);
  INFO((status.ok() ? "" : status.error().message));
  REQUIRE(status.ok());
  REQUIRE(out.size() > 5);
  CHECK((out[0] == 0 && out[1] == 0 && out[2] == 1));
  return {out.begin() + 3, out.end()};
}

void check_references(const Read& read, const Slice& slice) {
  const auto& decode = slice.decode;
  size_t short_term = 0;
  for (uint8_t i = 0; i < decode.num_active_dpb_entries; ++i) {
    const auto is_in = [&](const uint8_t* list, uint8_t count) {
      return std::find(list, list + count, i) != list + count;
    };
    const bool used = is_in(decode.poc_st_curr_before, decode.num_poc_st_curr_before) ||
                      is_in(decode.poc_st_curr_after, decode.num_poc_st_curr_after) ||
                      is_in(decode.poc_lt_curr, decode.num_poc_lt_curr);
    const bool long_term = (decode.dpb[i].flags & V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE) != 0;
    const auto& set = long_term ? read.long_term : read.short_term;
    const auto found = set.find(decode.dpb[i].pic_order_cnt_val);
    REQUIRE(found != set.end());
    CHECK(found->second == used);
    short_term += long_term ? 0 : 1;
  }
  CHECK(read.short_term.size() == short_term);
  CHECK(read.short_term.size() + read.long_term.size() == decode.num_active_dpb_entries);
  for (size_t list = 0; list < 2 && slice.inter(); ++list) {
    REQUIRE(read.lists[list].size() == slice.active[list]);
    for (size_t i = 0; i < read.lists[list].size(); ++i) {
      CHECK(read.lists[list][i] == decode.dpb[slice.lists[list][i]].pic_order_cnt_val);
    }
  }
}

}  // namespace

TEST_CASE("HEVC slices rewritten: the same references, the same other syntax, the same data") {
  Random random(2113);
  size_t inter = 0;
  for (int round = 0; round < 4000; ++round) {
    INFO("round " << round);
    Slice slice = choose_slice(random);
    Elements elements;
    const Bytes nal = write_slice(random, slice, elements);
    const Bytes rewritten = rewrite(nal, slice);
    const int type = rewritten[0] >> 1;
    CHECK(type ==
          (slice.nal_type == 8 || slice.nal_type == 9 ? slice.nal_type - 2 : slice.nal_type));
    CHECK(rewritten[1] == nal[1]);
    const Read read = read_rewritten(rewritten, slice);
    CHECK((read.elements == elements));
    if (!slice.dependent && !slice.idr()) check_references(read, slice);
    REQUIRE(rewritten.size() >= slice.data.size());
    CHECK((Bytes(rewritten.end() - static_cast<ptrdiff_t>(slice.data.size()), rewritten.end()) ==
           slice.data));
    // Nothing between header and data.
    const Bytes before(rewritten.begin(),
                       rewritten.end() - static_cast<ptrdiff_t>(slice.data.size()));
    CHECK(headers::extract_rbsp(before).size() * 8 == read.data_bit);
    inter += slice.inter() ? 1 : 0;
  }
  CHECK(inter > 1000);
}

TEST_CASE("HEVC slices that are cut or damaged give an error or a slice, never more") {
  Random random(7);
  size_t refused = 0;
  for (int round = 0; round < 4000; ++round) {
    Slice slice = choose_slice(random);
    Elements elements;
    Bytes nal = write_slice(random, slice, elements);
    if (random.coin())
      nal.resize(static_cast<size_t>(random.in(0, static_cast<int64_t>(nal.size()))));
    for (auto hits = nal.empty() ? 0 : random.in(0, 8); hits > 0; --hits) {
      nal[static_cast<size_t>(random.in(0, static_cast<int64_t>(std::min<size_t>(nal.size(), 40)) -
                                               1))] = static_cast<uint8_t>(random.in(0, 255));
    }
    Bytes out;
    const Status status = append_hevc_slice(
        nal, {slice.sps, slice.pps, slice.decode, slice.reference_set_bits, slice.lists}, out);
    CHECK((status.ok() || out.empty()));
    refused += status.ok() ? 0 : 1;
  }
  CHECK(refused > 400);
  CHECK(refused < 3900);
}

TEST_CASE("HEVC parameter sets written anew say what they were made of") {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    v4l2_ctrl_hevc_sps sps{};
    sps.seq_parameter_set_id = static_cast<uint8_t>(random.in(0, 15));
    sps.pic_width_in_luma_samples = static_cast<uint16_t>(8 * random.in(1, 1024));
    sps.pic_height_in_luma_samples = static_cast<uint16_t>(8 * random.in(1, 1024));
    sps.chroma_format_idc = static_cast<uint8_t>(random.in(0, 1));
    sps.bit_depth_luma_minus8 = static_cast<uint8_t>(random.in(0, 2));
    sps.bit_depth_chroma_minus8 = sps.bit_depth_luma_minus8;
    sps.flags = random.flags((1u << 9) - 1);
    Bytes stream;
    append_hevc_sps(sps, stream);
    headers::NalUnits units(stream);
    const auto vps = units.next();
    const auto unit = units.next();
    REQUIRE((vps && unit));
    CHECK((*vps)[0] == 32 << 1);
    const auto read = headers::parse_hevc_sps(*unit);
    REQUIRE(read.ok());
    CHECK(read->id == sps.seq_parameter_set_id);
    CHECK(read->width == sps.pic_width_in_luma_samples);
    CHECK(read->height == sps.pic_height_in_luma_samples);
    CHECK(read->chroma_format_idc == sps.chroma_format_idc);
    CHECK(read->bit_depth_luma == sps.bit_depth_luma_minus8 + 8);
    CHECK(read->max_dec_pic_buffering == 16);
    CHECK(read->max_num_reorder_pics == 0);
    CHECK_FALSE(units.next().has_value());
  }
}

}  // namespace daedalus::core::rewrite
