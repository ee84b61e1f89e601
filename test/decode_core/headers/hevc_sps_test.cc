// HEVC sequence parameter sets: what is written is read back, what is out of range or cut short is
// refused.
#include "decode_core/headers/hevc_sps.h"

#include <algorithm>
#include <random>

#include "decode_core/codec.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_reference_set.h"
#include "test/catch.h"
#include "test/decode_core/headers/hevc_writer.h"

namespace daedalus::headers {
namespace {

using test::HevcSetSyntax;
using test::HevcSpsSyntax;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  unsigned in(unsigned low, unsigned high) {
    return low + static_cast<unsigned>(engine_() % (high - low + 1));
  }
  bool coin() { return in(0, 1) != 0; }

 private:
  std::mt19937 engine_;
};

HevcSps random_sps(Random& random, unsigned smallest_block) {
  HevcSps sps;
  sps.id = static_cast<uint8_t>(random.in(0, 15));
  sps.chroma_format_idc = static_cast<uint8_t>(random.in(0, 3));
  sps.width = smallest_block * random.in(1, core::kMaxDimension / smallest_block);
  sps.height = smallest_block * random.in(1, core::kMaxDimension / smallest_block);
  if (random.coin()) {
    sps.window = {2 * random.in(0, 1), 2 * random.in(0, 2), 2 * random.in(0, 1), 2};
  }
  sps.bit_depth_luma = static_cast<uint8_t>(random.in(8, 16));
  sps.bit_depth_chroma = static_cast<uint8_t>(random.in(8, 16));
  sps.max_dec_pic_buffering = static_cast<uint8_t>(random.in(1, 16));
  sps.max_num_reorder_pics = static_cast<uint8_t>(random.in(0, sps.max_dec_pic_buffering - 1u));
  return sps;
}

HevcSetSyntax random_set(Random& random, bool first, size_t before) {
  HevcSetSyntax set;
  set.predicted = !first && random.coin();
  if (set.predicted) {
    set.delta_rps = static_cast<int>(random.in(1, 4)) * (random.coin() ? 1 : -1);
    for (size_t i = 0; i <= before; ++i) set.kept.push_back(before < 8 && random.coin());
    return set;
  }
  for (const int sign : {-1, 1}) {
    int delta = 0;
    for (unsigned i = random.in(0, 4); i > 0; --i) {
      delta += sign * static_cast<int>(random.in(1, 9));
      set.deltas.push_back(delta);
    }
  }
  return set;
}

HevcSpsSyntax random_syntax(Random& random) {
  HevcSpsSyntax syntax;
  syntax.max_sub_layers_minus1 = random.in(0, 6);
  syntax.sub_layer_profiles = random.coin();
  syntax.sub_layer_ordering = random.coin();
  syntax.log2_smallest_coding_block = random.in(3, 5);
  syntax.scaling_lists = random.coin();
  syntax.pcm = random.coin();
  for (unsigned i = random.in(0, 12); i > 0; --i) {
    const bool first = syntax.sets.empty();
    const size_t before = first ? 0 : test::hevc_deltas(syntax.sets).back().size();
    syntax.sets.push_back(random_set(random, first, before));
  }
  syntax.long_term_pictures = random.coin() ? random.in(1, 32) : 0;
  syntax.log2_order_count = random.in(4, 16);
  syntax.vui = random.coin();
  return syntax;
}

void check_same(const HevcSps& read, const HevcSps& written) {
  CHECK(read.id == written.id);
  CHECK(read.chroma_format_idc == written.chroma_format_idc);
  CHECK(read.width == written.width);
  CHECK(read.height == written.height);
  CHECK(read.window.left == written.window.left);
  CHECK(read.window.right == written.window.right);
  CHECK(read.window.top == written.window.top);
  CHECK(read.window.bottom == written.window.bottom);
  CHECK(read.bit_depth_luma == written.bit_depth_luma);
  CHECK(read.bit_depth_chroma == written.bit_depth_chroma);
  CHECK(read.max_dec_pic_buffering == written.max_dec_pic_buffering);
  CHECK(read.max_num_reorder_pics == written.max_num_reorder_pics);
  CHECK(read.colour.primaries == written.colour.primaries);
  CHECK(read.colour.transfer == written.colour.transfer);
  CHECK(read.colour.matrix == written.colour.matrix);
  CHECK(read.colour.full_range == written.colour.full_range);
}

TEST_CASE("an HEVC sequence parameter set is read back, whatever stands in it") {
  Random random(5);
  for (int i = 0; i < 400; ++i) {
    const HevcSpsSyntax syntax = random_syntax(random);
    HevcSps sps = random_sps(random, 1u << syntax.log2_smallest_coding_block);
    if (syntax.vui) sps.colour = {9, 16, 9, random.coin()};
    const auto read = parse_hevc_sps(test::write_hevc_sps(sps, syntax));
    INFO(i << ": " << (read ? "" : read.error().message));
    REQUIRE(read.ok());
    check_same(*read, sps);
  }
}

// libx265's of 320x180: open groups of pictures, B pyramid, BT.709.
TEST_CASE("an encoder's HEVC sequence parameter set") {
  const std::vector<uint8_t> nal = {0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90,
                                    0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0xa0, 0x0a,
                                    0x08, 0x0b, 0x9f, 0x79, 0x65, 0x66, 0x92, 0x4c, 0xaf, 0x01,
                                    0x6a, 0x02, 0x02, 0x02, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08,
                                    0x00, 0x00, 0x03, 0x00, 0xc8, 0x40};
  const auto sps = parse_hevc_sps(nal);
  REQUIRE(sps.ok());
  HevcSps expected;
  expected.width = 320;
  expected.height = 184;
  expected.window.bottom = 4;
  expected.max_dec_pic_buffering = 5;
  expected.max_num_reorder_pics = 2;
  expected.colour = {1, 1, 1, false};
  check_same(*sps, expected);
}

TEST_CASE("a predicted reference picture set is the one before it, moved") {
  const HevcReferenceSet before{{{-1, true}, {-3, false}}, {{2, true}}};
  struct Case {
    int delta_rps;
    std::vector<bool> kept;
    std::vector<int32_t> negative, positive;
  };
  for (const Case& expected :
       {Case{-1, {}, {-1, -2, -4}, {1}}, Case{1, {}, {-2}, {1, 3}},
        Case{-1, {true, false, true, false}, {-2}, {1}}, Case{-4, {}, {-2, -4, -5, -7}, {}}}) {
    HevcSetSyntax syntax;
    syntax.predicted = true;
    syntax.delta_rps = expected.delta_rps;
    syntax.kept = expected.kept;
    test::BitWriter out;
    test::write_hevc_set(out, syntax, {-1, -3, 2}, false);
    const size_t size = out.size();
    const auto bytes = out.finish();
    BitReader reader(bytes);
    const auto set = read_hevc_reference_set(reader, std::vector{before});
    REQUIRE(set.has_value());
    const auto deltas_of = [](const std::vector<HevcReferenceDelta>& list) {
      std::vector<int32_t> deltas;
      for (const HevcReferenceDelta& entry : list) deltas.push_back(entry.delta);
      return deltas;
    };
    CHECK(deltas_of(set->negative) == expected.negative);
    CHECK(deltas_of(set->positive) == expected.positive);
    CHECK(reader.position() == size);
  }
}

TEST_CASE("what an HEVC sequence parameter set must not say is refused") {
  const HevcSps good = test::simple_hevc_sps();
  const auto refused = [](const HevcSps& sps, const HevcSpsSyntax& syntax = {}) {
    return !parse_hevc_sps(test::write_hevc_sps(sps, syntax)).ok();
  };
  REQUIRE_FALSE(refused(good));
  HevcSps sps = good;
  sps.id = 16;
  CHECK(refused(sps));
  sps = good;
  sps.chroma_format_idc = 4;
  CHECK(refused(sps));
  sps = good;
  sps.width = core::kMaxDimension + 8;
  CHECK(refused(sps));
  sps = good;
  sps.width = 0;
  CHECK(refused(sps));
  sps = good;
  sps.height = 60;  // no multiple of 8
  CHECK(refused(sps));
  sps = good;
  sps.window = {32, 32, 0, 0};
  CHECK(refused(sps));
  sps = good;
  sps.window = {0, 0, 0, 0xfffffffe};
  CHECK(refused(sps));
  sps = good;
  sps.bit_depth_chroma = 17;
  CHECK(refused(sps));
  sps = good;
  sps.max_dec_pic_buffering = 17;
  CHECK(refused(sps));
  sps = good;
  sps.max_num_reorder_pics = 5;  // of 5 in the buffer
  CHECK(refused(sps));

  HevcSpsSyntax syntax;
  syntax.max_sub_layers_minus1 = 7;
  CHECK(refused(good, syntax));
  syntax = {};
  syntax.log2_order_count = 17;
  CHECK(refused(good, syntax));
  syntax = {};
  syntax.sets.resize(65);
  CHECK(refused(good, syntax));
  syntax = {};
  syntax.sets.resize(1);
  for (int i = 1; i <= 17; ++i) syntax.sets[0].deltas.push_back(-i);
  CHECK(refused(good, syntax));
  syntax.sets[0].deltas.pop_back();
  CHECK_FALSE(refused(good, syntax));
  syntax.sets.push_back({true, -1, {}, {}});  // 16 and one more
  CHECK(refused(good, syntax));
  syntax = {};
  syntax.long_term_pictures = 33;
  CHECK(refused(good, syntax));
}

TEST_CASE("an HEVC sequence parameter set cut anywhere is refused, or keeps what it said") {
  HevcSpsSyntax syntax;
  syntax.scaling_lists = syntax.pcm = true;
  syntax.sets = {{false, 1, {}, {-1, -2, 3}}, {true, -1, {}, {}}};
  syntax.long_term_pictures = 2;
  HevcSps sps = test::simple_hevc_sps();
  sps.colour = {1, 1, 1, true};
  const auto nal = test::write_hevc_sps(sps, syntax);
  syntax.vui = false;
  const size_t without_vui = test::write_hevc_sps(sps, syntax).size();
  for (size_t size = 0; size < nal.size(); ++size) {
    INFO(size);
    const auto read = parse_hevc_sps(std::span(nal).first(size));
    if (size + 1 < without_vui) CHECK_FALSE(read.ok());
    if (read.ok()) CHECK(read->width == 64);
    // Either whole or not told.
    const bool told = read.ok() && read->colour.primaries == 1 && read->colour.full_range;
    const bool untold = !read.ok() || (read->colour.primaries == 2 && !read->colour.full_range);
    CHECK((told || untold));
  }
}

TEST_CASE("only NAL units of type 33 and layer 0 are taken") {
  auto nal = test::write_hevc_sps(test::simple_hevc_sps());
  REQUIRE(parse_hevc_sps(nal).ok());
  for (const auto& [first, second] :
       {std::pair{0x44, 0x01}, {0x42, 0x09}, {0xc2, 0x01}, {0x42, 0x00}}) {
    nal[0] = static_cast<uint8_t>(first);
    nal[1] = static_cast<uint8_t>(second);
    CHECK_FALSE(parse_hevc_sps(nal).ok());
  }
  CHECK_FALSE(parse_hevc_sps({}).ok());
  CHECK_FALSE(hevc_nal_header(std::span(nal).first(1)).valid);
}

TEST_CASE("hostile bytes do no harm") {
  Random random(9);
  const auto nal = test::write_hevc_sps(test::simple_hevc_sps());
  for (int i = 0; i < 20000; ++i) {
    auto damaged = nal;
    damaged.resize(random.in(3, static_cast<unsigned>(nal.size()) + 40), 0xff);
    for (unsigned n = random.in(1, 8); n > 0; --n) {
      damaged[random.in(2, static_cast<unsigned>(damaged.size()) - 1)] =
          static_cast<uint8_t>(random.in(0, 255));
    }
    const auto read = parse_hevc_sps(damaged);
    if (!read.ok()) continue;
    CHECK(read->width - read->window.left - read->window.right <= core::kMaxDimension);
    CHECK(read->height - read->window.top - read->window.bottom <= core::kMaxDimension);
    CHECK(read->max_num_reorder_pics < read->max_dec_pic_buffering);
  }
}

}  // namespace
}  // namespace daedalus::headers
