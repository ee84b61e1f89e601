// H.264 slice headers: what is written is read back, what is out of range or cut short is refused.
#include "decode_core/headers/h264_slice_header.h"

#include <cstring>
#include <random>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/h264_sei.h"
#include "decode_core/headers/rbsp.h"
#include "test/catch.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::headers {
namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int in(int low, int high) {
    return low + static_cast<int>(engine_() % static_cast<unsigned>(high - low + 1));
  }
  bool coin() { return in(0, 1) != 0; }

 private:
  std::mt19937 engine_;
};

struct Sets {
  H264Sps sps = test::simple_sps(8, 4);
  H264Pps pps = test::simple_pps();
  H264SliceContext context() const {
    return {sps.control, pps.control, h264_slice_group_change_cycle_bits(sps.control, pps)};
  }
};

Sets random_sets(Random& random) {
  Sets sets;
  v4l2_ctrl_h264_sps& sps = sets.sps.control;
  sps.flags = random.coin() ? V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY : 0;
  if (random.in(0, 4) == 0) {
    sps.chroma_format_idc = 3;
    sps.flags |= V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE;
  }
  sps.log2_max_frame_num_minus4 = static_cast<uint8_t>(random.in(0, 12));
  sps.log2_max_pic_order_cnt_lsb_minus4 = static_cast<uint8_t>(random.in(0, 12));
  sps.pic_order_cnt_type = static_cast<uint8_t>(random.in(0, 2));
  if (random.coin()) sps.flags |= V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO;
  v4l2_ctrl_h264_pps& pps = sets.pps.control;
  pps.flags = static_cast<uint16_t>(random.in(0, 127));
  pps.weighted_bipred_idc = static_cast<uint8_t>(random.in(0, 2));
  pps.num_ref_idx_l0_default_active_minus1 = static_cast<uint8_t>(random.in(0, 15));
  pps.num_ref_idx_l1_default_active_minus1 = static_cast<uint8_t>(random.in(0, 15));
  if (random.in(0, 3) == 0) {
    pps.num_slice_groups_minus1 = 1;
    sets.pps.slice_groups.map_type = 5;
    sets.pps.slice_groups.change_rate_minus1 = static_cast<uint32_t>(random.in(0, 31));
  }
  return sets;
}

void randomise_references(Random& random, const Sets& sets, H264SliceHeader& header) {
  v4l2_ctrl_h264_slice_params& slice = header.slice;
  slice.num_ref_idx_l0_active_minus1 = sets.pps.control.num_ref_idx_l0_default_active_minus1;
  slice.num_ref_idx_l1_active_minus1 = sets.pps.control.num_ref_idx_l1_default_active_minus1;
  header.num_ref_idx_override = random.coin();
  if (header.num_ref_idx_override) {
    const int most = header.field_pic ? 31 : 15;
    slice.num_ref_idx_l0_active_minus1 = static_cast<uint8_t>(random.in(0, most));
    slice.num_ref_idx_l1_active_minus1 = static_cast<uint8_t>(random.in(0, most));
  }
  if (!header.is_b()) slice.num_ref_idx_l1_active_minus1 = 0;
  const int counts[2] = {slice.num_ref_idx_l0_active_minus1 + 1,
                         slice.num_ref_idx_l1_active_minus1 + 1};
  for (int list = 0; list < (header.is_b() ? 2 : 1); ++list) {
    for (int i = random.in(0, counts[list]); i > 0; --i) {
      header.list_modifications[static_cast<size_t>(list)].push_back(
          {static_cast<uint8_t>(random.in(0, 2)), static_cast<uint32_t>(random.in(0, 15))});
    }
  }
  if (!h264_has_explicit_weights(sets.pps.control, slice.slice_type)) return;
  const bool has_chroma = h264_chroma_array_type(sets.sps.control) != 0;
  const auto value = [&] { return static_cast<int16_t>(random.in(-128, 127)); };
  header.weights.luma_log2_weight_denom = static_cast<uint16_t>(random.in(0, 7));
  if (has_chroma) header.weights.chroma_log2_weight_denom = static_cast<uint16_t>(random.in(0, 7));
  for (int list = 0; list < (header.is_b() ? 2 : 1); ++list) {
    v4l2_h264_weight_factors& factors = header.weights.weight_factors[list];
    for (int i = 0; i < counts[list]; ++i) {
      factors.luma_weight[i] = value();
      factors.luma_offset[i] = value();
      for (int c = 0; c < 2; ++c) {
        factors.chroma_weight[i][c] = has_chroma ? value() : int16_t{1};
        factors.chroma_offset[i][c] = has_chroma ? value() : int16_t{0};
      }
    }
  }
}

void randomise_marking(Random& random, H264SliceHeader& header) {
  if (header.idr()) {
    header.no_output_of_prior_pics = random.coin();
    header.long_term_reference = random.coin();
    return;
  }
  header.adaptive_marking = random.coin();
  if (!header.adaptive_marking) return;
  for (int i = random.in(0, 66); i > 0; --i) {
    H264MarkingOperation entry;
    entry.operation = static_cast<uint8_t>(random.in(1, 6));
    const int operation = entry.operation;
    const auto value = [&](int most) { return static_cast<uint32_t>(random.in(0, most)); };
    if (operation == 1 || operation == 3) entry.difference_of_pic_nums_minus1 = value(15);
    if (operation == 2) entry.long_term_pic_num = value(31);
    if (operation == 3 || operation == 6) entry.long_term_frame_idx = value(15);
    if (operation == 4) entry.max_long_term_frame_idx_plus1 = value(16);
    header.marking.push_back(entry);
  }
}

H264SliceHeader random_header(Random& random, const Sets& sets) {
  const v4l2_ctrl_h264_sps& sps = sets.sps.control;
  const auto pps_has = [&](uint32_t flag) { return (sets.pps.control.flags & flag) != 0; };
  H264SliceHeader header;
  header.nal = {true, static_cast<uint8_t>(random.in(0, 3)), H264NalType::kSlice};
  header.slice.slice_type = static_cast<uint8_t>(random.in(0, 4));
  if (random.in(0, 3) == 0) {
    header.nal = {true, 1, H264NalType::kSliceIdr};
    header.decode.idr_pic_id = static_cast<uint16_t>(random.in(0, 65535));
  }
  header.pps_id = static_cast<uint8_t>(random.in(0, 255));
  header.slice.first_mb_in_slice = static_cast<uint32_t>(random.in(0, 31));
  if ((sps.flags & V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE) != 0) {
    header.slice.colour_plane_id = static_cast<uint8_t>(random.in(0, 2));
  }
  header.decode.frame_num =
      static_cast<uint16_t>(random.in(0, (16 << sps.log2_max_frame_num_minus4) - 1));
  header.field_pic = (sps.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) == 0 && random.coin();
  header.bottom_field = header.field_pic && random.coin();
  const bool bottom_count =
      pps_has(V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT) && !header.field_pic;
  if (sps.pic_order_cnt_type == 0) {
    header.decode.pic_order_cnt_lsb =
        static_cast<uint16_t>(random.in(0, (16 << sps.log2_max_pic_order_cnt_lsb_minus4) - 1));
    if (bottom_count) header.decode.delta_pic_order_cnt_bottom = random.in(-9999, 9999);
  } else if (sps.pic_order_cnt_type == 1 &&
             (sps.flags & V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO) == 0) {
    header.decode.delta_pic_order_cnt0 = random.in(-9999, 9999);
    if (bottom_count) header.decode.delta_pic_order_cnt1 = random.in(-9999, 9999);
  }
  if (pps_has(V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT)) {
    header.slice.redundant_pic_cnt = static_cast<uint8_t>(random.in(0, 127));
  }
  if (header.is_b() && random.coin()) {
    header.slice.flags |= V4L2_H264_SLICE_FLAG_DIRECT_SPATIAL_MV_PRED;
  }
  if (!header.is_intra()) randomise_references(random, sets, header);
  if (header.nal.ref_idc != 0) randomise_marking(random, header);
  if (pps_has(V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE) && !header.is_intra()) {
    header.slice.cabac_init_idc = static_cast<uint8_t>(random.in(0, 2));
  }
  header.slice.slice_qp_delta = static_cast<int8_t>(random.in(-26, 25));
  const uint8_t type = header.slice.slice_type;
  if (type == V4L2_H264_SLICE_TYPE_SP && random.coin()) {
    header.slice.flags |= V4L2_H264_SLICE_FLAG_SP_FOR_SWITCH;
  }
  if (type == V4L2_H264_SLICE_TYPE_SP || type == V4L2_H264_SLICE_TYPE_SI) {
    header.slice.slice_qs_delta = static_cast<int8_t>(random.in(-26, 25));
  }
  if (pps_has(V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT)) {
    header.slice.disable_deblocking_filter_idc = static_cast<uint8_t>(random.in(0, 2));
    if (header.slice.disable_deblocking_filter_idc != 1) {
      header.slice.slice_alpha_c0_offset_div2 = static_cast<int8_t>(random.in(-6, 6));
      header.slice.slice_beta_offset_div2 = static_cast<int8_t>(random.in(-6, 6));
    }
  }
  const unsigned cycle_bits = sets.context().slice_group_change_cycle_bits;
  header.decode.slice_group_change_cycle =
      static_cast<uint32_t>(random.in(0, (1 << cycle_bits) - 1));
  return header;
}

bool same(const std::vector<H264ListModification>& a, const std::vector<H264ListModification>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.idc == y.idc && x.value == y.value;
  });
}

bool same(const std::vector<H264MarkingOperation>& a, const std::vector<H264MarkingOperation>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.operation == y.operation &&
           x.difference_of_pic_nums_minus1 == y.difference_of_pic_nums_minus1 &&
           x.long_term_pic_num == y.long_term_pic_num &&
           x.long_term_frame_idx == y.long_term_frame_idx &&
           x.max_long_term_frame_idx_plus1 == y.max_long_term_frame_idx_plus1;
  });
}

TEST_CASE("Slice headers are read back as they were written") {
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    const Sets sets = random_sets(random);
    const H264SliceHeader header = random_header(random, sets);
    const std::vector<uint8_t> nal = test::write_slice(header, sets.context());
    const auto start = parse_h264_slice_start(nal);
    REQUIRE(start.ok());
    CHECK(start->first_mb_in_slice == header.slice.first_mb_in_slice);
    CHECK(start->slice_type == header.slice.slice_type);
    CHECK(start->pps_id == header.pps_id);

    auto read = parse_h264_slice_header(nal, sets.context());
    REQUIRE(read.ok());
    CHECK(read->nal.ref_idc == header.nal.ref_idc);
    CHECK(read->idr() == header.idr());
    CHECK(read->pps_id == header.pps_id);
    CHECK(read->field_pic == header.field_pic);
    CHECK(read->bottom_field == header.bottom_field);
    CHECK(read->num_ref_idx_override == header.num_ref_idx_override);
    CHECK(read->no_output_of_prior_pics == header.no_output_of_prior_pics);
    CHECK(read->long_term_reference == header.long_term_reference);
    CHECK(read->adaptive_marking == header.adaptive_marking);
    CHECK(same(read->marking, header.marking));
    CHECK(same(read->list_modifications[0], header.list_modifications[0]));
    CHECK(same(read->list_modifications[1], header.list_modifications[1]));
    CHECK(std::memcmp(&read->weights, &header.weights, sizeof(header.weights)) == 0);
    CHECK(read->decode.nal_ref_idc == header.nal.ref_idc);
    CHECK(read->decode.frame_num == header.decode.frame_num);
    CHECK(read->decode.idr_pic_id == header.decode.idr_pic_id);
    CHECK(read->decode.pic_order_cnt_lsb == header.decode.pic_order_cnt_lsb);
    CHECK(read->decode.delta_pic_order_cnt_bottom == header.decode.delta_pic_order_cnt_bottom);
    CHECK(read->decode.delta_pic_order_cnt0 == header.decode.delta_pic_order_cnt0);
    CHECK(read->decode.delta_pic_order_cnt1 == header.decode.delta_pic_order_cnt1);
    CHECK(read->decode.slice_group_change_cycle == header.decode.slice_group_change_cycle);

    // The slice data is where header_bit_size says.
    const std::vector<uint8_t> rbsp = extract_rbsp(nal);
    BitReader data(rbsp);
    data.skip(read->slice.header_bit_size);
    CHECK(data.u(32) == 0xdeadbeef);
    read->slice.header_bit_size = 0;
    CHECK(std::memcmp(&read->slice, &header.slice, sizeof(header.slice)) == 0);
  }
}

TEST_CASE("Reference counts are found without the PPS's defaults and weights") {
  Random random(4);
  for (int i = 0; i < 500; ++i) {
    const Sets sets = random_sets(random);
    const H264SliceHeader header = random_header(random, sets);
    const std::vector<uint8_t> nal = test::write_slice(header, sets.context());
    v4l2_ctrl_h264_pps known = sets.pps.control;
    known.num_ref_idx_l0_default_active_minus1 = 7;
    known.num_ref_idx_l1_default_active_minus1 = 6;
    known.weighted_bipred_idc = 0;
    const auto read =
        parse_h264_slice_header(nal, {sets.sps.control, known}, H264SliceDepth::kReferenceCounts);
    REQUIRE(read.ok());
    CHECK(read->num_ref_idx_override == header.num_ref_idx_override);
    if (header.is_intra()) continue;
    const bool override = header.num_ref_idx_override;
    CHECK(read->slice.num_ref_idx_l0_active_minus1 ==
          (override ? header.slice.num_ref_idx_l0_active_minus1 : 7));
    if (!header.is_b()) continue;
    CHECK(read->slice.num_ref_idx_l1_active_minus1 ==
          (override ? header.slice.num_ref_idx_l1_active_minus1 : 6));
  }
}

TEST_CASE("Bit sizes of the picture order count and the marking are the syntax's") {
  Sets sets;
  sets.pps.control.flags = V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT;
  H264SliceHeader header;
  header.nal = {true, 2, H264NalType::kSlice};
  header.slice.slice_type = V4L2_H264_SLICE_TYPE_I;
  header.decode.delta_pic_order_cnt_bottom = -1;  // 3 bits
  header.adaptive_marking = true;
  header.marking = {{1, 0, 0, 0, 0}, {4, 0, 0, 0, 3}};  // 1 + 3 + 1 + 5 + 5 + 1 bits
  const auto read =
      parse_h264_slice_header(test::write_slice(header, sets.context()), sets.context());
  REQUIRE(read.ok());
  CHECK(read->decode.pic_order_cnt_bit_size == 8 + 3);
  CHECK(read->decode.dec_ref_pic_marking_bit_size == 16);
}

TEST_CASE("Weights without a flag are the defaults") {
  Sets sets;
  sets.pps.control.flags = V4L2_H264_PPS_FLAG_WEIGHTED_PRED;
  test::BitWriter out;
  out.ue(0);    // first_mb_in_slice
  out.ue(0);    // P
  out.ue(0);    // pic_parameter_set_id
  out.u(1, 4);  // frame_num
  out.u(2, 8);  // pic_order_cnt_lsb
  out.flag(false);
  out.flag(false);
  out.ue(5);        // luma_log2_weight_denom
  out.ue(3);        // chroma_log2_weight_denom
  out.flag(false);  // luma_weight_l0_flag
  out.flag(false);  // chroma_weight_l0_flag
  out.se(0);        // slice_qp_delta
  const auto read = parse_h264_slice_header(test::make_nal(0, 1, out.finish()), sets.context());
  REQUIRE(read.ok());
  const v4l2_h264_weight_factors& factors = read->weights.weight_factors[0];
  CHECK(factors.luma_weight[0] == 32);
  CHECK(factors.luma_offset[0] == 0);
  CHECK(factors.chroma_weight[0][0] == 8);
  CHECK(factors.chroma_weight[0][1] == 8);
  CHECK(factors.chroma_offset[0][1] == 0);
}

TEST_CASE("A slice header that ends too early is refused") {
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const Sets sets = random_sets(random);
    const std::vector<uint8_t> nal = test::write_slice(random_header(random, sets), sets.context());
    const auto whole = parse_h264_slice_header(nal, sets.context());
    REQUIRE(whole.ok());
    const size_t rbsp_size = (whole->slice.header_bit_size + 7) / 8;
    for (size_t size = 0; size < rbsp_size; ++size) {
      CHECK_FALSE(parse_h264_slice_header(std::span(nal).first(size), sets.context()).ok());
    }
  }
}

TEST_CASE("Slice headers out of range are refused") {
  Sets sets;
  sets.sps.control.flags = 0;
  sets.pps.control.flags = V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE |
                           V4L2_H264_PPS_FLAG_WEIGHTED_PRED |
                           V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT |
                           V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT;
  const auto refused = [&](auto change) {
    H264SliceHeader header;
    header.nal = {true, 1, H264NalType::kSlice};
    header.slice.slice_type = V4L2_H264_SLICE_TYPE_P;
    header.num_ref_idx_override = true;
    header.adaptive_marking = true;
    change(header);
    return !parse_h264_slice_header(test::write_slice(header, sets.context()), sets.context()).ok();
  };
  CHECK_FALSE(refused([](H264SliceHeader&) {}));
  CHECK(refused([](H264SliceHeader& h) { h.nal.type = H264NalType::kSps; }));
  CHECK(refused([](H264SliceHeader& h) {
    h.nal.type = H264NalType::kSliceIdr;
    h.nal.ref_idc = 0;
  }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.slice_type = 10; }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.first_mb_in_slice = 64; }));
  CHECK(refused([](H264SliceHeader& h) {
    h.slice.first_mb_in_slice = 32;
    h.field_pic = true;
  }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.redundant_pic_cnt = 128; }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.num_ref_idx_l0_active_minus1 = 16; }));
  CHECK(refused([](H264SliceHeader& h) {
    h.field_pic = true;
    h.slice.num_ref_idx_l0_active_minus1 = 32;
  }));
  CHECK(refused([](H264SliceHeader& h) { h.list_modifications[0] = {{4, 0}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.list_modifications[0] = {{0, 16}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.list_modifications[0] = {{2, 32}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.list_modifications[0] = {{0, 0}, {0, 0}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.weights.luma_log2_weight_denom = 8; }));
  CHECK(refused([](H264SliceHeader& h) { h.weights.weight_factors[0].luma_weight[0] = 128; }));
  CHECK(refused([](H264SliceHeader& h) { h.weights.weight_factors[0].luma_offset[0] = -129; }));
  CHECK(refused([](H264SliceHeader& h) { h.weights.weight_factors[0].chroma_offset[0][1] = 128; }));
  CHECK(refused([](H264SliceHeader& h) { h.marking = {{7, 0, 0, 0, 0}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.marking = {{1, 16, 0, 0, 0}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.marking = {{2, 0, 32, 0, 0}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.marking = {{3, 0, 0, 16, 0}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.marking = {{4, 0, 0, 0, 17}}; }));
  CHECK(refused([](H264SliceHeader& h) { h.marking.assign(67, {5, 0, 0, 0, 0}); }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.cabac_init_idc = 3; }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.slice_qp_delta = 26; }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.slice_qp_delta = -27; }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.disable_deblocking_filter_idc = 3; }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.slice_alpha_c0_offset_div2 = 7; }));
  CHECK(refused([](H264SliceHeader& h) { h.slice.slice_beta_offset_div2 = -7; }));
}

TEST_CASE("The recovery point is found among SEI messages") {
  const auto count_of = [](const std::vector<uint8_t>& rbsp) {
    return h264_recovery_frame_count(test::make_nal(0, 6, rbsp));
  };
  // Type 5 of 300 bytes, then type 6 with recovery_frame_cnt 4.
  std::vector<uint8_t> messages = {5, 255, 45};
  messages.insert(messages.end(), 300, 0xaa);
  messages.insert(messages.end(), {6, 1, 0b00101100, 0x80});
  CHECK(count_of(messages) == 4u);
  CHECK(count_of({6, 1, 0b11000000, 0x80}) == 0u);
  CHECK_FALSE(count_of({5, 1, 0xaa, 0x80}).has_value());
  CHECK_FALSE(count_of({5, 200, 0xaa, 0x80}).has_value());
  CHECK_FALSE(count_of({6, 1, 0}).has_value());
  CHECK_FALSE(count_of({}).has_value());
}

}  // namespace
}  // namespace daedalus::headers
