// AV1 frame headers: hand-written bits are read back as the standard has it, and what is cut short
// or refers to what is not there is refused.
#include "decode_core/headers/av1_frame_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "decode_core/headers/av1_order_hints.h"
#include "decode_core/headers/av1_tile_group.h"
#include "decode_core/headers/av1_warp.h"
#include "test/catch.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::headers {
namespace {

using Bytes = std::vector<uint8_t>;
using test::BitWriter;

constexpr uint32_t kKey = 0, kInter = 1, kIntraOnly = 2, kSwitch = 3;

Av1SequenceHeader sequence() {
  Av1SequenceHeader header;
  header.max_width = 128;
  header.max_height = 64;
  header.order_hint_bits = 4;
  header.tools = V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT;
  header.force_screen_content_tools = 0;
  return header;
}

// decode_subexp() (5.9.28) of 8193 values: 0 to 7, or 4096 and up.
void write_subexp(BitWriter& out, uint32_t code) {
  constexpr uint32_t kLong = 4096;
  if (code < 8) {
    out.flag(false);  // subexp_more_bits
    out.u(code, 3);
    return;
  }
  for (int i = 0; i < 10; ++i) out.flag(true);
  out.u(code - kLong, 12);  // ns(4097)
}

void write_affine_model(BitWriter& out, uint32_t code) {
  out.flag(true);   // is_global
  out.flag(false);  // is_rot_zoom
  out.flag(false);  // is_translation
  for (int i = 0; i < 6; ++i) write_subexp(out, code);
}

// From disable_frame_end_update_cdf on, of a frame of 128x64 without any tool: base_q_idx 100.
void write_plain_rest(BitWriter& out, bool intra, std::optional<uint32_t> motion = {}) {
  out.flag(false);  // disable_frame_end_update_cdf
  out.flag(true);   // uniform_tile_spacing_flag
  out.flag(false);  // increment_tile_cols_log2
  out.u(100, 8);
  out.u(0, 3);      // no delta of Y DC, U DC, U AC
  out.flag(false);  // using_qmatrix
  out.flag(false);  // segmentation_enabled
  out.flag(false);  // delta_q_present
  out.u(12, 6);
  out.u(13, 6);
  out.u(14, 6);
  out.u(15, 6);
  out.u(5, 3);
  out.flag(false);              // loop_filter_delta_enabled
  out.flag(true);               // tx_mode_select
  if (!intra) out.flag(false);  // reference_select
  out.flag(true);               // reduced_tx_set
  if (motion) write_affine_model(out, *motion);
  for (int i = motion ? 1 : 0; i < 7 && !intra; ++i) out.flag(false);  // is_global
}

Bytes shown_key_frame(uint32_t order_hint) {
  BitWriter out;
  out.flag(false);  // show_existing_frame
  out.u(kKey, 2);
  out.flag(true);   // show_frame
  out.flag(false);  // disable_cdf_update
  out.flag(false);  // frame_size_override_flag
  out.u(order_hint, 4);
  out.flag(false);  // render_and_frame_size_different
  write_plain_rest(out, true);
  return out.finish();
}

struct Inter {
  uint32_t type = kInter;
  bool show = true;
  bool resilient = false;
  uint32_t order_hint = 0;
  uint32_t refresh = 0;
  std::vector<uint32_t> slot_hints;     // ref_order_hint[], of resilient ones
  std::vector<uint32_t> slots;          // ref_frame_idx[]; empty: short signalling with 0 and 1
  std::optional<uint32_t> size_of_ref;  // found_ref
  uint32_t primary = 7;                 // primary_ref_frame
  std::optional<uint32_t> motion;       // an affine model of LAST_FRAME, of this code throughout
};

Bytes inter_frame(const Inter& frame) {
  BitWriter out;
  out.flag(false);
  out.u(frame.type, 2);
  out.flag(frame.show);
  if (!frame.show) out.flag(true);  // showable_frame
  const bool resilient = frame.resilient || frame.type == kSwitch;
  if (frame.type != kSwitch) out.flag(frame.resilient);
  out.flag(false);  // disable_cdf_update
  if (frame.type != kSwitch) out.flag(frame.size_of_ref.has_value());
  out.u(frame.order_hint, 4);
  if (!resilient) out.u(frame.primary, 3);
  if (frame.type != kSwitch) out.u(frame.refresh, 8);
  if (resilient) {
    for (const uint32_t hint : frame.slot_hints) out.u(hint, 4);
  }
  out.flag(frame.slots.empty());
  if (frame.slots.empty()) {
    out.u(0, 3);
    out.u(1, 3);
  }
  for (const uint32_t slot : frame.slots) out.u(slot, 3);
  if (frame.size_of_ref) {
    for (uint32_t i = 0; i < *frame.size_of_ref; ++i) out.flag(false);
    out.flag(true);
  } else if (frame.type == kSwitch) {
    out.u(128 - 1, 16);
    out.u(64 - 1, 16);
    out.flag(false);
  } else {
    out.flag(false);  // render_and_frame_size_different
  }
  out.flag(true);   // allow_high_precision_mv
  out.flag(false);  // is_filter_switchable
  out.u(2, 2);      // interpolation_filter
  out.flag(false);  // is_motion_mode_switchable
  write_plain_rest(out, false, frame.motion);
  return out.finish();
}

Av1HeaderParser parser_behind_key_frame(uint32_t order_hint = 0) {
  Av1HeaderParser parser;
  parser.set_sequence(sequence());
  const auto key = parser.parse(shown_key_frame(order_hint), {});
  REQUIRE(key.ok());
  parser.update(*key);
  return parser;
}

// Hidden frames with these order hints in slots 0 to 7.
Av1HeaderParser parser_with_hints(std::initializer_list<uint32_t> hints) {
  Av1HeaderParser parser = parser_behind_key_frame();
  uint32_t slot = 0;
  for (const uint32_t hint : hints) {
    Inter frame;
    frame.show = false;
    frame.order_hint = hint;
    frame.refresh = 1u << slot++;
    frame.slots.assign(7, 7);
    const auto header = parser.parse(inter_frame(frame), {});
    REQUIRE(header.ok());
    parser.update(*header);
  }
  return parser;
}

std::vector<int> references_of(const Av1FrameHeader& header) {
  return {std::begin(header.frame.ref_frame_idx), std::end(header.frame.ref_frame_idx)};
}

TEST_CASE("a shown AV1 key frame takes every slot") {
  const Av1HeaderParser parser = parser_behind_key_frame(5);
  for (const Av1Frame& slot : parser.slots()) {
    REQUIRE(slot != nullptr);
    CHECK(slot->key_frame());
    CHECK(slot->frame.order_hint == 5);
  }
  const Av1FrameHeader& key = *parser.slots()[0];
  CHECK(key.width() == 128);
  CHECK(key.height() == 64);
  CHECK(key.frame.refresh_frame_flags == 0xff);
  CHECK(key.frame.primary_ref_frame == kAv1NoPrimaryReference);
  CHECK(key.has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE));
  CHECK(key.frame.quantization.base_q_idx == 100);
  CHECK(key.frame.loop_filter.level[3] == 15);
  CHECK(key.frame.loop_filter.sharpness == 5);
  CHECK(key.frame.loop_filter.ref_deltas[0] == 1);
  CHECK(key.frame.loop_filter.ref_deltas[4] == -1);
  CHECK(key.frame.tx_mode == V4L2_AV1_TX_MODE_SELECT);
  CHECK(key.frame.global_motion.params[3][2] == 1 << 16);
  CHECK(key.tile_count() == 1);
  CHECK(key.frame.tile_info.mi_col_starts[1] == 32);
}

TEST_CASE("an AV1 inter frame's references, order hints and refreshed slots") {
  Av1HeaderParser parser = parser_with_hints({1, 2, 3});
  Inter frame;
  frame.order_hint = 4;
  frame.refresh = 0x82;
  frame.slots = {2, 1, 0, 3, 4, 5, 6};
  const auto header = parser.parse(inter_frame(frame), {});
  REQUIRE(header.ok());
  CHECK(references_of(*header) == std::vector<int>{2, 1, 0, 3, 4, 5, 6});
  CHECK(header->frame.order_hints[1] == 3);
  CHECK(header->frame.order_hints[3] == 1);
  CHECK(header->frame.order_hints[4] == 0);
  CHECK(header->frame.interpolation_filter == V4L2_AV1_INTERPOLATION_FILTER_EIGHTTAP_SHARP);
  CHECK(header->has(V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV));
  parser.update(*header);
  CHECK(parser.slots()[7]->frame.order_hint == 4);
  CHECK(parser.slots()[1]->frame.order_hint == 4);
  CHECK(parser.slots()[2]->frame.order_hint == 3);
}

TEST_CASE("short signalling chooses AV1 references by their order hints") {
  // Of order hint 8, slots 0 to 3 lie before and 4 to 7 behind it.
  const Av1HeaderParser parser = parser_with_hints({7, 1, 5, 6, 15, 9, 12, 10});
  Inter frame;
  frame.order_hint = 8;
  const auto header = parser.parse(inter_frame(frame), {});
  REQUIRE(header.ok());
  // LAST and GOLDEN as told; ALTREF the farthest behind, BWDREF and ALTREF2 the nearest; LAST2 and
  // LAST3 the nearest of the rest before.
  CHECK(references_of(*header) == std::vector<int>{0, 3, 2, 1, 5, 7, 4});
}

TEST_CASE("short signalling with nothing behind the frame fills up from before it") {
  const Av1HeaderParser parser = parser_with_hints({7, 1, 5, 6, 5, 2, 3, 4});
  Inter frame;
  frame.order_hint = 8;
  const auto header = parser.parse(inter_frame(frame), {});
  REQUIRE(header.ok());
  // The last of equals is the latest (slots 2 and 4).
  CHECK(references_of(*header) == std::vector<int>{0, 3, 4, 1, 2, 7, 6});
}

TEST_CASE("a switch frame refreshes every slot and carries the hints of all") {
  const Av1HeaderParser parser = parser_behind_key_frame();
  Inter frame;
  frame.type = kSwitch;
  frame.order_hint = 9;
  frame.slot_hints = {0, 0, 0, 0, 0, 3, 0, 0};
  frame.slots = {0, 5, 0, 0, 0, 0, 4};
  const auto header = parser.parse(inter_frame(frame), {});
  REQUIRE(header.ok());
  CHECK(header->frame.refresh_frame_flags == 0xff);
  CHECK(header->has(V4L2_AV1_FRAME_FLAG_FRAME_SIZE_OVERRIDE));
  CHECK(header->frame.order_hints[V4L2_AV1_REF_LAST2_FRAME] == 3);
  CHECK(header->frame.order_hints[V4L2_AV1_REF_ALTREF_FRAME] == 0);
}

TEST_CASE("an AV1 frame may take the size of a reference") {
  const Av1HeaderParser parser = parser_behind_key_frame();
  Inter frame;
  frame.slots.assign(7, 2);
  frame.size_of_ref = 3;
  const auto header = parser.parse(inter_frame(frame), {});
  REQUIRE(header.ok());
  CHECK(header->width() == 128);
  CHECK(header->height() == 64);
  CHECK(header->frame.superres_denom == 8);
}

TEST_CASE("showing an AV1 key frame again puts it into every slot") {
  Av1HeaderParser parser = parser_with_hints({1, 2});
  BitWriter hidden;
  hidden.flag(false);
  hidden.u(kKey, 2);
  hidden.flag(false);  // show_frame
  hidden.flag(true);   // showable_frame
  hidden.flag(true);   // error_resilient_mode
  hidden.flag(false);  // disable_cdf_update
  hidden.flag(false);  // frame_size_override_flag
  hidden.u(11, 4);
  hidden.u(0x10, 8);  // refresh_frame_flags
  for (const uint32_t hint : {1, 2, 0, 0, 0, 0, 0, 0}) hidden.u(hint, 4);
  hidden.flag(false);  // render_and_frame_size_different
  write_plain_rest(hidden, true);
  const auto key = parser.parse(hidden.finish(), {});
  REQUIRE(key.ok());
  parser.update(*key);
  CHECK(parser.slots()[0]->frame.order_hint == 1);

  const auto shown = parser.parse(Bytes{0xc0}, {});  // show_existing_frame of slot 4
  REQUIRE(shown.ok());
  CHECK(shown->show_existing_frame);
  CHECK(shown->frame_to_show == 4);
  CHECK(shown->frame.refresh_frame_flags == 0xff);
  parser.update(*shown);
  CHECK(parser.slots()[0]->frame.order_hint == 11);

  const auto inter = parser_with_hints({1}).parse(Bytes{0x80}, {});
  REQUIRE(inter.ok());
  CHECK(inter->frame.refresh_frame_flags == 0);
}

TEST_CASE("AV1 frame headers that are cut short or lack a reference are refused") {
  Av1HeaderParser parser;
  CHECK_FALSE(parser.parse(shown_key_frame(0), {}).ok());  // no sequence header
  parser.set_sequence(sequence());
  Inter inter;
  inter.slots.assign(7, 3);
  CHECK(parser.parse(inter_frame(inter), {}).error().code == ErrorCode::kCorrupt);
  CHECK_FALSE(parser.parse(Bytes{0x80}, {}).ok());  // nothing to show
  const Bytes whole = shown_key_frame(0);
  const auto header = parser.parse(whole, {});
  REQUIRE(header.ok());
  for (size_t size = 0; size < header->bits / 8; ++size) {
    CHECK_FALSE(parser.parse(std::span(whole).first(size), {}).ok());
  }
}

TEST_CASE("a reduced still picture header is that of a shown key frame") {
  Av1HeaderParser parser;
  Av1SequenceHeader reduced = sequence();
  reduced.reduced_still_picture = reduced.still_picture = true;
  reduced.order_hint_bits = 0;
  reduced.tools = 0;
  parser.set_sequence(reduced);
  BitWriter out;
  out.flag(false);  // disable_cdf_update
  out.flag(false);  // render_and_frame_size_different
  // Without disable_frame_end_update_cdf, which write_plain_rest begins with: its bit is read as
  // tiles that are not uniform, of 1 to 2 superblocks in width and 1 in height.
  write_plain_rest(out, true);
  const auto header = parser.parse(out.finish(), {});
  REQUIRE(header.ok());
  CHECK(header->key_frame());
  CHECK(header->show_frame());
  CHECK(header->has(V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF));
}

TEST_CASE("tile groups are taken apart by their sizes") {
  Av1FrameHeader header;
  header.frame.tile_info.tile_cols = 2;
  header.frame.tile_info.tile_rows = 2;
  header.frame.tile_info.tile_size_bytes = 2;
  header.tile_columns_log2 = header.tile_rows_log2 = 1;
  // All four tiles; three sizes of two bytes.
  const Bytes all = {0x00, 0, 0, 0xa0, 1, 0, 0xb0, 0xb1, 0, 0, 0xc0, 0xd0, 0xd1, 0xd2};
  const auto group = parse_av1_tile_group(header, all);
  REQUIRE(group.ok());
  REQUIRE(group->tiles.size() == 4);
  CHECK(group->tiles[1].column == 1);
  CHECK(group->tiles[2].row == 1);
  CHECK(group->tiles[1].data.size() == 2);
  CHECK(group->tiles[3].data.size() == 3);
  CHECK(group->tiles[3].data[0] == 0xd0);
  // tile_start_and_end_present_flag, 1 to 2.
  const Bytes some = {0xb0, 0, 0, 0xb0, 0xc0};
  const auto middle = parse_av1_tile_group(header, some);
  REQUIRE(middle.ok());
  CHECK(middle->first == 1);
  CHECK(middle->end() == 3);
  for (const Bytes& wrong : {Bytes{}, Bytes{0x00}, Bytes{0x00, 9, 0, 1}, Bytes{0xc8, 1},
                             Bytes{0x00, 0, 0, 0xa0, 1, 0, 0xb0, 0xb1, 0, 0, 0xc0}}) {
    CHECK_FALSE(parse_av1_tile_group(header, wrong).ok());
  }
}

TEST_CASE("skip mode takes the nearest references") {
  using Frames = std::array<uint8_t, 2>;
  // Before and behind.
  CHECK(av1_skip_mode_frames(4, 8, {5, 6, 7, 3, 12, 10, 14}) == Frames{3, 6});
  // The two nearest before.
  CHECK(av1_skip_mode_frames(4, 8, {5, 7, 7, 3, 4, 6, 5}) == Frames{2, 6});
  CHECK_FALSE(av1_skip_mode_frames(4, 8, {7, 7, 7, 7, 7, 7, 7}));
  CHECK_FALSE(av1_skip_mode_frames(4, 8, {9, 9, 9, 9, 9, 9, 9}));
  CHECK_FALSE(av1_skip_mode_frames(0, 8, {5, 6, 7, 3, 12, 10, 14}));
  CHECK(av1_relative_distance(4, 1, 15) == 2);
  CHECK(av1_relative_distance(4, 15, 1) == -2);
}

TEST_CASE("a warp of too much shear is invalid") {
  constexpr int32_t kOne = 1 << 16;
  const std::array<int32_t, 6> still = {0, 0, kOne, 0, 0, kOne};
  const std::array<int32_t, 6> slight = {100, -100, kOne + 500, 300, -300, kOne + 500};
  const std::array<int32_t, 6> shear = {0, 0, kOne, 9400, 0, kOne};  // 7 * 9400 > 65536
  const std::array<int32_t, 6> mirrored = {0, 0, -kOne, 0, 0, kOne};
  CHECK(av1_warp_is_valid(still));
  CHECK(av1_warp_is_valid(slight));
  CHECK_FALSE(av1_warp_is_valid(shear));
  CHECK_FALSE(av1_warp_is_valid(mirrored));
}

// A client may tell any.
TEST_CASE("a warp of any parameters is judged, and extreme ones are invalid") {
  for (const int32_t diagonal : {INT32_MIN, 1, 1 << 16, INT32_MAX}) {
    for (const int32_t first : {INT32_MIN, INT32_MAX}) {
      for (const int32_t second : {INT32_MIN, INT32_MAX}) {
        CHECK_FALSE(av1_warp_is_valid(std::array{0, 0, diagonal, first, second, diagonal}));
        CHECK_FALSE(av1_warp_is_valid(std::array{0, 0, diagonal, 0, first, second}));
      }
    }
  }
}

TEST_CASE("global motion is read against that of any slot") {
  for (const int32_t before : {INT32_MIN, INT32_MAX}) {
    auto told = std::make_shared<Av1FrameHeader>();
    told->frame.upscaled_width = 128;
    told->frame.frame_height_minus_1 = 63;
    for (auto& parameters : told->frame.global_motion.params) {
      std::fill(std::begin(parameters), std::end(parameters), before);
    }
    Av1Slots slots;
    slots.fill(told);
    Av1HeaderParser parser(slots);
    parser.set_sequence(sequence());
    Inter frame;
    frame.slots.assign(7, 0);
    frame.primary = 0;
    for (const uint32_t code : {0u, 1u, 7u, 4096u, 8190u}) {
      frame.motion = code;
      const auto header = parser.parse(inter_frame(frame), {});
      REQUIRE(header.ok());
      CHECK(header->frame.global_motion.type[1] == V4L2_AV1_WARP_MODEL_AFFINE);
      for (size_t i = 0; i < 6; ++i) {
        const int32_t difference =
            header->frame.global_motion.params[1][i] - (i % 3 == 2 ? 1 << 16 : 0);
        CHECK(std::abs(difference) <= (i < 2 ? 1 << 22 : 1 << 13));
      }
    }
  }
}

}  // namespace
}  // namespace daedalus::headers
