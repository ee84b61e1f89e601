// H.264 sequence and picture parameter sets: what is written is read back, what is out of range or
// cut short is refused.
#include <cstring>
#include <random>

#include "decode_core/headers/h264_pps.h"
#include "decode_core/headers/h264_scaling.h"
#include "decode_core/headers/h264_sps.h"
#include "test/catch.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::headers {
namespace {

template <typename T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

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

H264Sps random_sps(Random& random) {
  H264Sps sps = test::simple_sps();
  v4l2_ctrl_h264_sps& control = sps.control;
  constexpr uint8_t kProfiles[] = {66, 77, 88, 100, 110, 122, 244, 44};
  control.profile_idc = kProfiles[random.in(0, 7)];
  control.constraint_set_flags = static_cast<uint8_t>(random.in(0, 63));
  control.level_idc = static_cast<uint8_t>(random.in(9, 62));
  control.seq_parameter_set_id = static_cast<uint8_t>(random.in(0, 31));
  control.flags = static_cast<uint32_t>(random.in(0, 127));
  if (control.profile_idc >= 100 || control.profile_idc == 44) {
    control.chroma_format_idc = static_cast<uint8_t>(random.in(0, 3));
    control.bit_depth_luma_minus8 = static_cast<uint8_t>(random.in(0, 6));
    control.bit_depth_chroma_minus8 = static_cast<uint8_t>(random.in(0, 6));
  } else {
    control.flags &= ~uint32_t{V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS};
  }
  if (control.chroma_format_idc != 3) {
    control.flags &= ~uint32_t{V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE};
  }
  if ((control.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) != 0) {
    control.flags &= ~uint32_t{V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD};
  }
  control.log2_max_frame_num_minus4 = static_cast<uint8_t>(random.in(0, 12));
  control.pic_order_cnt_type = static_cast<uint8_t>(random.in(0, 2));
  control.log2_max_pic_order_cnt_lsb_minus4 = 0;
  if (control.pic_order_cnt_type == 0) {
    control.log2_max_pic_order_cnt_lsb_minus4 = static_cast<uint8_t>(random.in(0, 12));
  }
  if (control.pic_order_cnt_type == 1) {
    control.offset_for_non_ref_pic = random.in(-5000, 5000);
    control.offset_for_top_to_bottom_field = random.in(-5, 5);
    control.num_ref_frames_in_pic_order_cnt_cycle = static_cast<uint8_t>(random.in(0, 255));
    for (int i = 0; i < control.num_ref_frames_in_pic_order_cnt_cycle; ++i) {
      control.offset_for_ref_frame[i] = random.in(-100000, 100000);
    }
  } else {
    control.flags &= ~uint32_t{V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO};
  }
  control.max_num_ref_frames = static_cast<uint8_t>(random.in(0, 16));
  control.pic_width_in_mbs_minus1 = static_cast<uint16_t>(random.in(0, 511));
  control.pic_height_in_map_units_minus1 = static_cast<uint16_t>(random.in(0, 255));
  if (random.coin()) {
    const auto unit = [&] { return 4 * static_cast<uint32_t>(random.in(0, 1)); };
    sps.cropping = {unit(), unit(), unit(), unit()};
  }
  if (random.coin()) {
    const uint32_t frames = static_cast<uint32_t>(random.in(0, 16));
    sps.restriction = {frames / 2, frames};
  }
  return sps;
}

TEST_CASE("Sequence parameter sets are read back as they were written") {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const H264Sps sps = random_sps(random);
    const auto read = parse_h264_sps(test::write_sps(sps));
    REQUIRE(read.ok());
    CHECK(same_bytes(read->control, sps.control));
    CHECK(same_bytes(read->cropping, sps.cropping));
    CHECK_FALSE(read->scaling_matrix_present);
    CHECK(same_bytes(read->scaling_matrix, h264_flat_scaling_matrix()));
    REQUIRE(read->restriction.has_value() == sps.restriction.has_value());
    if (sps.restriction) CHECK(same_bytes(*read->restriction, *sps.restriction));
    // The writer's VUI parameters come with the restriction.
    const H264Colour colour = sps.restriction ? H264Colour{1, 13, 6, true} : H264Colour{};
    CHECK(same_bytes(read->colour, colour));
  }
}

TEST_CASE("A sequence parameter set that ends too early is refused; only its VUI may be cut") {
  H264Sps sps = test::simple_sps();
  const std::vector<uint8_t> whole = test::write_sps(sps);
  // The last byte holds the stop bit and the end of the last element.
  for (size_t size = 0; size + 1 < whole.size(); ++size) {
    CHECK_FALSE(parse_h264_sps(std::span(whole).first(size)).ok());
  }
  sps.restriction = {2, 4};
  const std::vector<uint8_t> with_vui = test::write_sps(sps);
  for (size_t size = whole.size(); size + 2 < with_vui.size(); ++size) {
    const auto read = parse_h264_sps(std::span(with_vui).first(size));
    REQUIRE(read.ok());
    CHECK_FALSE(read->restriction.has_value());
  }
}

TEST_CASE("Sequence parameter sets out of range are refused") {
  const auto refused = [](auto change) {
    H264Sps sps = test::simple_sps();
    change(sps);
    return !parse_h264_sps(test::write_sps(sps)).ok();
  };
  CHECK_FALSE(refused([](H264Sps&) {}));
  CHECK(refused([](H264Sps& sps) { sps.control.seq_parameter_set_id = 32; }));
  CHECK(refused([](H264Sps& sps) { sps.control.log2_max_frame_num_minus4 = 13; }));
  CHECK(refused([](H264Sps& sps) { sps.control.log2_max_pic_order_cnt_lsb_minus4 = 13; }));
  CHECK(refused([](H264Sps& sps) { sps.control.pic_order_cnt_type = 3; }));
  CHECK(refused([](H264Sps& sps) { sps.control.max_num_ref_frames = 17; }));
  CHECK(refused([](H264Sps& sps) { sps.control.pic_width_in_mbs_minus1 = 512; }));
  CHECK(refused([](H264Sps& sps) { sps.control.pic_height_in_map_units_minus1 = 512; }));
  CHECK(refused([](H264Sps& sps) {
    sps.control.flags = 0;
    sps.control.pic_height_in_map_units_minus1 = 256;
  }));
  CHECK(refused([](H264Sps& sps) { sps.cropping = {32, 32, 0, 0}; }));
  CHECK(refused([](H264Sps& sps) { sps.cropping = {0, 0, 62, 2}; }));
  CHECK_FALSE(refused([](H264Sps& sps) { sps.cropping = {30, 32, 60, 2}; }));
  CHECK(refused([](H264Sps& sps) {
    sps.control.profile_idc = 100;
    sps.control.chroma_format_idc = 4;
  }));
  CHECK(refused([](H264Sps& sps) {
    sps.control.profile_idc = 110;
    sps.control.bit_depth_luma_minus8 = 7;
  }));
  const std::vector<uint8_t> pps = test::write_pps(test::simple_sps(), test::simple_pps());
  CHECK_FALSE(parse_h264_sps(pps).ok());
}

TEST_CASE("A VUI restriction that contradicts itself counts as absent") {
  H264Sps sps = test::simple_sps();
  for (const auto& [reorder, buffering] : {std::pair{3u, 2u}, std::pair{0u, 17u}}) {
    sps.restriction = {reorder, buffering};
    const auto read = parse_h264_sps(test::write_sps(sps));
    REQUIRE(read.ok());
    CHECK_FALSE(read->restriction.has_value());
  }
}

TEST_CASE("Frames in the decoded picture buffer follow table A-1") {
  const auto frames = [](uint8_t level, uint16_t width_mbs, uint16_t height_mbs,
                         uint8_t flags = 0) {
    H264Sps sps = test::simple_sps(width_mbs, height_mbs);
    sps.control.level_idc = level;
    sps.control.constraint_set_flags = flags;
    return h264_max_dpb_frames(sps.control);
  };
  CHECK(frames(10, 11, 9) == 4);
  CHECK(frames(11, 11, 9) == 9);
  CHECK(frames(11, 11, 9, V4L2_H264_SPS_CONSTRAINT_SET3_FLAG) == 4);
  CHECK(frames(40, 120, 68) == 4);
  CHECK(frames(51, 120, 68) == 16);
  CHECK(frames(30, 4, 4) == 16);
  CHECK(frames(10, 120, 68) == 1);
  CHECK(frames(77, 120, 68) == 16);
}

// ---- Picture parameter sets ----

H264Pps random_pps(Random& random) {
  H264Pps pps = test::simple_pps();
  v4l2_ctrl_h264_pps& control = pps.control;
  control.pic_parameter_set_id = static_cast<uint8_t>(random.in(0, 255));
  control.num_ref_idx_l0_default_active_minus1 = static_cast<uint8_t>(random.in(0, 31));
  control.num_ref_idx_l1_default_active_minus1 = static_cast<uint8_t>(random.in(0, 31));
  control.weighted_bipred_idc = static_cast<uint8_t>(random.in(0, 2));
  control.pic_init_qp_minus26 = static_cast<int8_t>(random.in(-26, 25));
  control.pic_init_qs_minus26 = static_cast<int8_t>(random.in(-26, 25));
  control.chroma_qp_index_offset = static_cast<int8_t>(random.in(-12, 12));
  control.second_chroma_qp_index_offset =
      random.coin() ? control.chroma_qp_index_offset : static_cast<int8_t>(random.in(-12, 12));
  control.flags = static_cast<uint16_t>(random.in(0, 127));
  return pps;
}

// Slice groups of a picture of 4x4 map units.
H264SliceGroups slice_groups(int type) {
  H264SliceGroups groups;
  groups.map_type = static_cast<uint8_t>(type);
  if (type == 0) groups.run_length_minus1 = {3, 15};
  if (type == 2) {
    groups.top_left = {5};
    groups.bottom_right = {10};
  }
  if (type >= 3 && type <= 5) {
    groups.change_direction = true;
    groups.change_rate_minus1 = 2;
  }
  if (type == 6) groups.slice_group_id = {0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1};
  return groups;
}

TEST_CASE("Picture parameter sets are read back as they were written") {
  Random random(2);
  const H264Sps sps = test::simple_sps();
  for (int i = 0; i < 500; ++i) {
    H264Pps pps = random_pps(random);
    const bool groups = random.in(0, 3) == 0;
    if (groups) {
      pps.control.num_slice_groups_minus1 = 1;
      pps.slice_groups = slice_groups(random.in(0, 6));
    }
    const std::vector<uint8_t> nal = test::write_pps(sps, pps);
    const auto ids = parse_h264_pps_ids(nal);
    REQUIRE(ids.ok());
    CHECK(ids->pps_id == pps.control.pic_parameter_set_id);
    CHECK(ids->sps_id == 0);
    const auto read = parse_h264_pps(nal, sps);
    REQUIRE(read.ok());
    CHECK(same_bytes(read->control, pps.control));
    CHECK(read->slice_groups.map_type == pps.slice_groups.map_type);
    CHECK(read->slice_groups.run_length_minus1 == pps.slice_groups.run_length_minus1);
    CHECK(read->slice_groups.top_left == pps.slice_groups.top_left);
    CHECK(read->slice_groups.bottom_right == pps.slice_groups.bottom_right);
    CHECK(read->slice_groups.change_direction == pps.slice_groups.change_direction);
    CHECK(read->slice_groups.change_rate_minus1 == pps.slice_groups.change_rate_minus1);
    CHECK(read->slice_groups.slice_group_id == pps.slice_groups.slice_group_id);
  }
}

TEST_CASE("A picture parameter set that ends too early is refused") {
  H264Sps sps = test::simple_sps();
  H264Pps pps = test::simple_pps();
  pps.control.num_slice_groups_minus1 = 1;
  pps.slice_groups = slice_groups(6);
  const std::vector<uint8_t> nal = test::write_pps(sps, pps);
  for (size_t size = 0; size + 1 < nal.size(); ++size) {
    CHECK_FALSE(parse_h264_pps(std::span(nal).first(size), sps).ok());
  }
}

TEST_CASE("Picture parameter sets out of range are refused") {
  const H264Sps sps = test::simple_sps();
  const auto refused = [&](auto change) {
    H264Pps pps = test::simple_pps();
    change(pps);
    return !parse_h264_pps(test::write_pps(sps, pps), sps).ok();
  };
  CHECK_FALSE(refused([](H264Pps&) {}));
  CHECK(refused([](H264Pps& pps) { pps.control.seq_parameter_set_id = 32; }));
  CHECK(refused([](H264Pps& pps) { pps.control.seq_parameter_set_id = 1; }));
  CHECK(refused([](H264Pps& pps) { pps.control.num_ref_idx_l0_default_active_minus1 = 32; }));
  CHECK(refused([](H264Pps& pps) { pps.control.num_ref_idx_l1_default_active_minus1 = 32; }));
  CHECK(refused([](H264Pps& pps) { pps.control.weighted_bipred_idc = 3; }));
  CHECK(refused([](H264Pps& pps) { pps.control.pic_init_qp_minus26 = 26; }));
  CHECK(refused([](H264Pps& pps) { pps.control.pic_init_qp_minus26 = -27; }));
  CHECK(refused([](H264Pps& pps) { pps.control.chroma_qp_index_offset = 13; }));
  CHECK(refused([](H264Pps& pps) { pps.control.second_chroma_qp_index_offset = -13; }));
  CHECK(refused([](H264Pps& pps) { pps.control.num_slice_groups_minus1 = 8; }));
  const auto groups_refused = [&](int type, auto change) {
    return refused([&](H264Pps& pps) {
      pps.control.num_slice_groups_minus1 = 1;
      pps.slice_groups = slice_groups(type);
      change(pps.slice_groups);
    });
  };
  CHECK(groups_refused(7, [](H264SliceGroups&) {}));
  CHECK(groups_refused(0, [](H264SliceGroups& groups) { groups.run_length_minus1[0] = 16; }));
  CHECK(groups_refused(2, [](H264SliceGroups& groups) { groups.bottom_right[0] = 16; }));
  CHECK(groups_refused(2, [](H264SliceGroups& groups) { groups.top_left[0] = 11; }));
  CHECK(groups_refused(2, [](H264SliceGroups& groups) { groups.top_left[0] = 3; }));
  CHECK(groups_refused(3, [](H264SliceGroups& groups) { groups.change_rate_minus1 = 16; }));
  CHECK(refused([](H264Pps& pps) {  // three groups need two bits, of which 3 names a fourth
    pps.control.num_slice_groups_minus1 = 2;
    pps.slice_groups = slice_groups(6);
    pps.slice_groups.slice_group_id[15] = 3;
  }));
  CHECK(refused([](H264Pps& pps) {
    pps.control.num_slice_groups_minus1 = 2;
    pps.slice_groups = slice_groups(4);
  }));
}

TEST_CASE("slice_group_change_cycle is as long as its largest value needs") {
  const H264Sps sps = test::simple_sps();  // 16 map units
  H264Pps pps = test::simple_pps();
  CHECK(h264_slice_group_change_cycle_bits(sps.control, pps) == 0);
  pps.control.num_slice_groups_minus1 = 1;
  pps.slice_groups.map_type = 4;
  const auto bits = [&](uint32_t rate) {
    pps.slice_groups.change_rate_minus1 = rate - 1;
    return h264_slice_group_change_cycle_bits(sps.control, pps);
  };
  CHECK(bits(16) == 1);  // Ceil(Log2(16 / 16 + 1))
  CHECK(bits(8) == 2);   // 16 / 8 + 1 = 3
  CHECK(bits(15) == 2);  // 16 / 15 + 1 = 2.07
  CHECK(bits(1) == 5);   // 17
  pps.slice_groups.map_type = 6;
  CHECK(bits(1) == 0);
}

TEST_CASE("A picture parameter set without lists takes those of its SPS") {
  H264Sps sps = test::simple_sps();
  const std::vector<uint8_t> nal = test::write_pps(sps, test::simple_pps());
  const auto flat = parse_h264_pps(nal, sps);
  REQUIRE(flat.ok());
  CHECK((flat->control.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT) == 0);
  CHECK(same_bytes(flat->scaling_matrix, h264_flat_scaling_matrix()));
  sps.scaling_matrix_present = true;
  std::memset(&sps.scaling_matrix, 33, sizeof(sps.scaling_matrix));
  const auto inherited = parse_h264_pps(nal, sps);
  REQUIRE(inherited.ok());
  CHECK((inherited->control.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT) != 0);
  CHECK(same_bytes(inherited->scaling_matrix, sps.scaling_matrix));
}

}  // namespace
}  // namespace daedalus::headers
