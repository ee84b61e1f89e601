// AV1 sequence headers: what is written is read back, what is cut short is refused.
#include "decode_core/headers/av1_sequence_header.h"

#include <random>
#include <vector>

#include "decode_core/headers/av1_obu.h"
#include "test/catch.h"
#include "test/decode_core/headers/av1_writer.h"

namespace daedalus::headers {
namespace {

using Bytes = std::vector<uint8_t>;
using test::Av1SequenceSyntax;

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

Av1SequenceHeader random_header(Random& random) {
  Av1SequenceHeader header;
  header.profile = static_cast<uint8_t>(random.in(0, 2));
  header.max_width = random.in(1, 65536);
  header.max_height = random.in(1, 65536);
  header.bit_depth = random.coin() ? 10 : 8;
  if (header.profile == 2 && random.coin()) header.bit_depth = 12;
  header.monochrome = header.profile != 1 && random.in(0, 3) == 0;
  header.full_range = random.coin();
  if (random.coin()) {
    header.primaries = 9;
    header.transfer = static_cast<uint8_t>(random.in(13, 16));
    header.matrix = 9;
  }
  if (header.monochrome) return header;
  header.subsampled_x = header.profile != 1;
  header.subsampled_y = header.profile == 0;
  if (header.bit_depth == 12) {
    header.subsampled_x = random.coin();
    header.subsampled_y = header.subsampled_x && random.coin();
  }
  return header;
}

Av1SequenceSyntax random_syntax(Random& random) {
  Av1SequenceSyntax syntax;
  syntax.reduced = random.in(0, 4) == 0;
  syntax.timing = random.coin();
  syntax.decoder_model = syntax.timing && random.coin();
  syntax.operating_points = random.in(1, 32);
  syntax.display_delays = random.coin();
  syntax.frame_ids = random.coin();
  syntax.order_hint = random.coin();
  syntax.screen_content = random.in(0, 2);
  syntax.choose_integer_mv = random.coin();
  return syntax;
}

TEST_CASE("an AV1 sequence header is read back, whatever stands in it") {
  Random random(3);
  for (int i = 0; i < 500; ++i) {
    INFO(i);
    const Av1SequenceHeader written = random_header(random);
    const auto read =
        parse_av1_sequence_header(test::write_av1_sequence(written, random_syntax(random)));
    REQUIRE(read.ok());
    CHECK(read->profile == written.profile);
    CHECK(read->max_width == written.max_width);
    CHECK(read->max_height == written.max_height);
    CHECK(read->bit_depth == written.bit_depth);
    CHECK(read->monochrome == written.monochrome);
    CHECK(read->subsampled_x == written.subsampled_x);
    CHECK(read->subsampled_y == written.subsampled_y);
    CHECK(read->primaries == written.primaries);
    CHECK(read->transfer == written.transfer);
    CHECK(read->matrix == written.matrix);
    CHECK(read->full_range == written.full_range);
  }
}

TEST_CASE("sRGB says its range and its sampling by itself") {
  Av1SequenceHeader header;
  header.profile = 1;
  header.primaries = 1;
  header.transfer = 13;
  header.matrix = 0;
  header.full_range = true;
  header.subsampled_x = header.subsampled_y = false;
  const auto read = parse_av1_sequence_header(test::write_av1_sequence(header, {}));
  REQUIRE(read.ok());
  CHECK(read->full_range);
  CHECK_FALSE(read->subsampled_x);
}

TEST_CASE("an AV1 sequence header that ends too early, or has no such profile, is refused") {
  Av1SequenceSyntax syntax;
  syntax.timing = syntax.decoder_model = true;
  const Bytes whole = test::write_av1_sequence({}, syntax);
  REQUIRE(parse_av1_sequence_header(whole).ok());
  // The last byte may hold no more than film_grain_params_present and what follows.
  for (size_t size = 0; size + 1 < whole.size(); ++size) {
    CHECK_FALSE(parse_av1_sequence_header(std::span(whole).first(size)).ok());
  }
  Bytes damaged = whole;
  damaged[0] |= 0xe0;
  CHECK_FALSE(parse_av1_sequence_header(damaged).ok());
}

TEST_CASE("units of a temporal unit, with sizes and without") {
  const Bytes delimiter = {0x12, 0x00};
  const Bytes extended = {0x0e, 0x20, 0x83, 0x00, 7, 8, 9};  // its size in two bytes
  const Bytes unsized = {0x30, 1, 2};
  Bytes all = delimiter;
  all.insert(all.end(), extended.begin(), extended.end());
  all.insert(all.end(), unsized.begin(), unsized.end());
  Av1Obus units(all);
  auto unit = units.next();
  REQUIRE(unit.has_value());
  CHECK(static_cast<int>(unit->type) == 2);
  CHECK(unit->payload.empty());
  unit = units.next();
  REQUIRE(unit.has_value());
  CHECK(unit->type == Av1ObuType::kSequenceHeader);
  CHECK(Bytes(unit->payload.begin(), unit->payload.end()) == Bytes{7, 8, 9});
  unit = units.next();
  REQUIRE(unit.has_value());
  CHECK(static_cast<int>(unit->type) == 6);
  CHECK(unit->payload.size() == 2);
  CHECK_FALSE(units.next().has_value());
}

TEST_CASE("damaged units end the walk") {
  for (const Bytes& bytes :
       {Bytes{}, Bytes{0x8a, 0}, Bytes{0x0a}, Bytes{0x0e}, Bytes{0x0a, 5, 1, 2},
        Bytes{0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
        Bytes{0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f}}) {
    CHECK_FALSE(Av1Obus(bytes).next().has_value());
  }
}

}  // namespace
}  // namespace daedalus::headers
