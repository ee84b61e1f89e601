#include "decode_core/headers/vp9_uncompressed_header.h"

#include <algorithm>

#include "test/catch.h"
#include "test/decode_core/headers/vp9_header_writer.h"

namespace daedalus::headers {
namespace {

using test::Vp9Bits;
using test::write_vp9;

Vp9Bits inter_bits() {
  Vp9Bits bits;
  bits.key_frame = false;
  bits.size_of_ref = 0;
  return bits;
}

// A parser after a key frame.
Vp9HeaderParser after_key_frame(const Vp9Bits& bits = {}) {
  Vp9HeaderParser parser;
  const auto header = parser.parse(write_vp9(bits));
  REQUIRE(header.ok());
  parser.update(*header);
  return parser;
}

TEST_CASE("a VP9 key frame's header is read whole") {
  Vp9Bits bits;
  bits.width = 352;
  bits.height = 287;
  bits.render_size = {{704, 574}};
  bits.full_range = true;
  bits.context = 3;
  bits.level = 63;
  bits.sharpness = 5;
  bits.base_q_idx = 200;
  bits.delta_q = {-15, 7, 0};
  bits.tile_col_max_increments = 0;
  bits.tile_rows_log2 = 2;
  bits.compressed_header_size = 300;
  const auto data = write_vp9(bits);
  const auto header = Vp9HeaderParser().parse(data);
  REQUIRE(header.ok());
  CHECK(header->key_frame);
  CHECK(header->show_frame);
  CHECK_FALSE(header->show_existing_frame);
  CHECK(header->refresh_frame_flags == 0xff);
  CHECK(header->color_space == 2);
  CHECK(header->header_bytes() == data.size());
  const v4l2_ctrl_vp9_frame& frame = header->frame;
  CHECK(frame.compressed_header_size == 300);
  CHECK(header->width() == 352);
  CHECK(header->height() == 287);
  CHECK(frame.render_width_minus_1 == 703);
  CHECK(frame.render_height_minus_1 == 573);
  CHECK(frame.flags ==
        (V4L2_VP9_FRAME_FLAG_KEY_FRAME | V4L2_VP9_FRAME_FLAG_SHOW_FRAME |
         V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX | V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE |
         V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING |
         V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING));
  CHECK(frame.frame_context_idx == 3);
  CHECK(frame.bit_depth == 8);
  CHECK(frame.lf.level == 63);
  CHECK(frame.lf.sharpness == 5);
  CHECK(frame.quant.base_q_idx == 200);
  CHECK(frame.quant.delta_q_y_dc == -15);
  CHECK(frame.quant.delta_q_uv_dc == 7);
  CHECK(frame.quant.delta_q_uv_ac == 0);
  CHECK(frame.tile_rows_log2 == 2);
}

TEST_CASE("a VP9 inter frame may take its size from each of its references") {
  Vp9HeaderParser parser = after_key_frame();
  Vp9Bits bits = inter_bits();
  bits.size_of_ref.reset();
  bits.width = 320;
  bits.height = 240;
  bits.refresh_frame_flags = 0x20;
  const auto resized = parser.parse(write_vp9(bits));
  REQUIRE(resized.ok());
  CHECK(resized->width() == 320);
  parser.update(*resized);

  const uint32_t with_other_size = GENERATE(0u, 1u, 2u);
  bits = inter_bits();
  bits.ref_frame_idx = {0, 1, 2};
  bits.ref_frame_idx[with_other_size] = 5;
  bits.size_of_ref = with_other_size;
  bits.sign_bias = {false, true, true};
  const auto header = parser.parse(write_vp9(bits));
  REQUIRE(header.ok());
  CHECK(header->width() == 320);
  CHECK(header->height() == 240);
  CHECK(header->frame.render_width_minus_1 == 319);
  CHECK(header->ref_frame_idx[with_other_size] == 5);
  CHECK(header->frame.ref_frame_sign_bias == (V4L2_VP9_SIGN_BIAS_GOLDEN | V4L2_VP9_SIGN_BIAS_ALT));
}

TEST_CASE("a VP9 frame size from an empty slot is an error until the slot's size is told") {
  Vp9HeaderParser parser;
  Vp9Bits bits = inter_bits();
  bits.ref_frame_idx = {4, 4, 4};
  bits.tile_col_max_increments = 2;
  const auto data = write_vp9(bits);
  const auto missing = parser.parse(data);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kCorrupt);
  parser.set_slot_size(4, 1920, 1080);
  const auto header = parser.parse(data);
  REQUIRE(header.ok());
  CHECK(header->width() == 1920);
  CHECK(header->height() == 1080);
}

TEST_CASE("VP9 parsing leaves the state alone, updating does not") {
  const Vp9HeaderParser parser = after_key_frame();
  Vp9Bits bits = inter_bits();
  bits.size_of_ref.reset();
  bits.width = 16;
  bits.refresh_frame_flags = 0xff;
  const auto resized = parser.parse(write_vp9(bits));
  REQUIRE(resized.ok());
  CHECK(parser.parse(write_vp9(inter_bits()))->width() == 64);
  Vp9HeaderParser copy = parser;
  copy.update(*resized);
  CHECK(copy.parse(write_vp9(inter_bits()))->width() == 16);
  CHECK(parser.parse(write_vp9(inter_bits()))->width() == 64);
}

TEST_CASE("VP9 loop filter deltas last until a frame that is independent of the past") {
  Vp9Bits bits;
  bits.delta_enabled = true;
  bits.deltas = {{std::nullopt, -63, 63, std::nullopt, 5, -6}};
  Vp9HeaderParser parser = after_key_frame(bits);
  const auto deltas_of = [&](const Vp9Bits& frame_bits) {
    const auto header = parser.parse(write_vp9(frame_bits));
    REQUIRE(header.ok());
    const auto& lf = header->frame.lf;
    return std::vector<int>{lf.ref_deltas[0], lf.ref_deltas[1],  lf.ref_deltas[2],
                            lf.ref_deltas[3], lf.mode_deltas[0], lf.mode_deltas[1],
                            int{lf.flags}};
  };
  bits = inter_bits();
  CHECK(deltas_of(bits) == std::vector<int>{1, -63, 63, -1, 5, -6, 0});
  bits.delta_enabled = true;
  bits.deltas = {{9, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt}};
  const int both = V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED | V4L2_VP9_LOOP_FILTER_FLAG_DELTA_UPDATE;
  CHECK(deltas_of(bits) == std::vector<int>{9, -63, 63, -1, 5, -6, both});

  SECTION("error resilient") {
    bits = inter_bits();
    bits.error_resilient = true;
  }
  SECTION("intra only") {
    bits = inter_bits();
    bits.show_frame = false;
    bits.intra_only = true;
  }
  SECTION("key frame") { bits = {}; }
  CHECK(deltas_of(bits) == std::vector<int>{1, 0, -1, -1, 0, 0, 0});
}

TEST_CASE("VP9 segmentation data last, and an update replaces all of them") {
  Vp9Bits bits;
  bits.segmentation = true;
  bits.tree_probs.emplace();
  (*bits.tree_probs)[1] = 17;
  bits.pred_probs.emplace();
  (*bits.pred_probs)[2] = 99;
  bits.features.emplace();
  (*bits.features)[0][V4L2_VP9_SEG_LVL_ALT_Q] = -255;
  (*bits.features)[3][V4L2_VP9_SEG_LVL_ALT_L] = 63;
  (*bits.features)[7][V4L2_VP9_SEG_LVL_REF_FRAME] = 3;
  (*bits.features)[7][V4L2_VP9_SEG_LVL_SKIP] = 0;
  bits.absolute = true;
  Vp9HeaderParser parser;
  const auto key = parser.parse(write_vp9(bits));
  REQUIRE(key.ok());
  CHECK(key->frame.seg.flags ==
        (V4L2_VP9_SEGMENTATION_FLAG_ENABLED | V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP |
         V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE | V4L2_VP9_SEGMENTATION_FLAG_UPDATE_DATA |
         V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE));
  CHECK(key->frame.seg.tree_probs[0] == 255);
  CHECK(key->frame.seg.tree_probs[1] == 17);
  CHECK(key->frame.seg.pred_probs[2] == 99);
  parser.update(*key);

  bits = inter_bits();
  bits.segmentation = true;
  const auto lasting = parser.parse(write_vp9(bits));
  REQUIRE(lasting.ok());
  const v4l2_vp9_segmentation& seg = lasting->frame.seg;
  CHECK(seg.flags ==
        (V4L2_VP9_SEGMENTATION_FLAG_ENABLED | V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE));
  CHECK(seg.feature_data[0][V4L2_VP9_SEG_LVL_ALT_Q] == -255);
  CHECK(seg.feature_data[3][V4L2_VP9_SEG_LVL_ALT_L] == 63);
  CHECK(seg.feature_data[7][V4L2_VP9_SEG_LVL_REF_FRAME] == 3);
  CHECK(seg.feature_enabled[0] == 1 << V4L2_VP9_SEG_LVL_ALT_Q);
  CHECK(seg.feature_enabled[7] == (1 << V4L2_VP9_SEG_LVL_REF_FRAME | 1 << V4L2_VP9_SEG_LVL_SKIP));

  bits.features.emplace();
  (*bits.features)[1][V4L2_VP9_SEG_LVL_ALT_Q] = 4;
  const auto replaced = parser.parse(write_vp9(bits));
  REQUIRE(replaced.ok());
  CHECK(replaced->frame.seg.feature_data[0][V4L2_VP9_SEG_LVL_ALT_Q] == 0);
  CHECK(replaced->frame.seg.feature_enabled[7] == 0);
  CHECK(replaced->frame.seg.feature_data[1][V4L2_VP9_SEG_LVL_ALT_Q] == 4);
  CHECK((replaced->frame.seg.flags & V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE) == 0);

  bits = inter_bits();
  bits.error_resilient = true;
  CHECK(parser.parse(write_vp9(bits))->frame.seg.feature_enabled[0] == 0);
}

TEST_CASE("VP9 without tile or filter choices is the kernel's numbering all the same") {
  const Vp9HeaderParser parser = after_key_frame();
  Vp9Bits bits = inter_bits();
  CHECK(parser.parse(write_vp9(bits))->frame.interpolation_filter ==
        V4L2_VP9_INTERP_FILTER_SWITCHABLE);
  const int expected_filter[4] = {
      V4L2_VP9_INTERP_FILTER_EIGHTTAP_SMOOTH, V4L2_VP9_INTERP_FILTER_EIGHTTAP,
      V4L2_VP9_INTERP_FILTER_EIGHTTAP_SHARP, V4L2_VP9_INTERP_FILTER_BILINEAR};
  const int expected_reset[4] = {V4L2_VP9_RESET_FRAME_CTX_NONE, V4L2_VP9_RESET_FRAME_CTX_NONE,
                                 V4L2_VP9_RESET_FRAME_CTX_SPEC, V4L2_VP9_RESET_FRAME_CTX_ALL};
  for (uint32_t i = 0; i < 4; ++i) {
    bits.filter = i;
    bits.reset_frame_context = i;
    const auto header = parser.parse(write_vp9(bits));
    REQUIRE(header.ok());
    CHECK(header->frame.interpolation_filter == expected_filter[i]);
    CHECK(header->frame.reset_frame_context == expected_reset[i]);
  }
}

TEST_CASE("VP9 tile columns count from the minimum for the width") {
  struct Case {
    uint32_t width, increments, max_increments;
    uint8_t expected;
  };
  // 4 to 64 superblocks of 64 samples a tile.
  const auto c =
      GENERATE(Case{448, 0, 0, 0}, Case{449, 0, 1, 0}, Case{512, 1, 1, 1}, Case{1920, 1, 2, 1},
               Case{1920, 2, 2, 2}, Case{4096, 0, 4, 0}, Case{4097, 0, 3, 1}, Case{8192, 4, 4, 5});
  Vp9Bits bits;
  bits.width = c.width;
  bits.tile_col_increments = c.increments;
  bits.tile_col_max_increments = c.max_increments;
  const auto header = Vp9HeaderParser().parse(write_vp9(bits));
  REQUIRE(header.ok());
  CHECK(header->frame.tile_cols_log2 == c.expected);
  CHECK(header->frame.compressed_header_size == 8);
}

TEST_CASE("every VP9 profile's colour configuration") {
  Vp9Bits bits;
  bits.profile = 2;
  bits.twelve_bits = GENERATE(false, true);
  const auto profile2 = Vp9HeaderParser().parse(write_vp9(bits));
  REQUIRE(profile2.ok());
  CHECK(profile2->frame.profile == 2);
  CHECK(profile2->frame.bit_depth == (bits.twelve_bits ? 12 : 10));

  bits.profile = 3;
  bits.subsampling_x = true;
  const auto profile3 = Vp9HeaderParser().parse(write_vp9(bits));
  REQUIRE(profile3.ok());
  CHECK(profile3->frame.profile == 3);
  CHECK((profile3->frame.flags & V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING) != 0);
  CHECK((profile3->frame.flags & V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING) == 0);
  // An inter frame is of the same kind.
  Vp9HeaderParser parser = after_key_frame(bits);
  Vp9Bits inter = inter_bits();
  inter.profile = 3;
  CHECK(parser.parse(write_vp9(inter))->frame.bit_depth == profile3->frame.bit_depth);

  bits.subsampling_y = true;
  CHECK(Vp9HeaderParser().parse(write_vp9(bits)).error().code == ErrorCode::kUnsupported);
  bits.profile = 1;
  bits.color_space = 7;  // RGB
  const auto rgb = Vp9HeaderParser().parse(write_vp9(bits));
  REQUIRE(rgb.ok());
  CHECK((rgb->frame.flags & V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING) == 0);
  bits.profile = 0;
  CHECK(Vp9HeaderParser().parse(write_vp9(bits)).error().code == ErrorCode::kUnsupported);
}

TEST_CASE("a VP9 intra-only frame of profile 0 is 8 bit 4:2:0") {
  Vp9HeaderParser parser;
  Vp9Bits bits;
  bits.key_frame = false;
  bits.show_frame = false;
  bits.intra_only = true;
  bits.refresh_frame_flags = 0x81;
  bits.width = 48;
  const auto header = parser.parse(write_vp9(bits));
  REQUIRE(header.ok());
  CHECK(header->intra_only);
  CHECK(header->intra());
  CHECK(header->width() == 48);
  CHECK(header->refresh_frame_flags == 0x81);
  CHECK(header->frame.bit_depth == 8);
  CHECK((header->frame.flags & V4L2_VP9_FRAME_FLAG_INTRA_ONLY) != 0);
  CHECK((header->frame.flags & V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING) != 0);
}

TEST_CASE("a VP9 show_existing_frame has no more than a slot") {
  Vp9HeaderParser parser = after_key_frame();
  Vp9Bits bits;
  bits.show_existing = 6;
  const auto header = parser.parse(write_vp9(bits));
  REQUIRE(header.ok());
  CHECK(header->show_existing_frame);
  CHECK(header->show_existing_slot == 6);
  CHECK(header->show_frame);
  parser.update(*header);
  CHECK(parser.parse(write_vp9(inter_bits()))->width() == 64);
}

TEST_CASE("a damaged VP9 header is refused") {
  const auto code_of = [](const std::vector<uint8_t>& data) {
    return Vp9HeaderParser().parse(data).error().code;
  };
  std::vector<uint8_t> data = write_vp9({});
  SECTION("frame marker") {
    data[0] ^= 0xc0;
    CHECK(code_of(data) == ErrorCode::kCorrupt);
  }
  SECTION("sync code") {
    data[2] ^= 1;
    CHECK(code_of(data) == ErrorCode::kCorrupt);
  }
  SECTION("no compressed header") {
    Vp9Bits bits;
    bits.compressed_header_size = 0;
    CHECK(code_of(write_vp9(bits)) == ErrorCode::kCorrupt);
  }
  SECTION("reserved profile bit") {
    data[0] = 0xb8;
    CHECK(code_of(data) == ErrorCode::kUnsupported);
  }
}

TEST_CASE("a VP9 header that is cut anywhere is refused") {
  Vp9Bits bits;
  bits.render_size = {{704, 574}};
  bits.segmentation = true;
  bits.tree_probs.emplace();
  bits.features.emplace();
  bits.delta_enabled = true;
  bits.deltas.emplace();
  const auto data = write_vp9(bits);
  REQUIRE(Vp9HeaderParser().parse(data).ok());
  for (size_t size = 0; size < data.size(); ++size) {
    const std::vector<uint8_t> cut(data.begin(), data.begin() + static_cast<ptrdiff_t>(size));
    CHECK(Vp9HeaderParser().parse(cut).error().code == ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace daedalus::headers
