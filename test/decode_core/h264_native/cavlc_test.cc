// CAVLC's tables: every code of a table is found, and the codes of a table leave no gap but those
// that the standard leaves; Exp-Golomb codes.
#include <set>
#include <vector>

#include "decode_core/software/h264/bit_window.h"
#include "decode_core/software/h264/cavlc_tables.h"
#include "test/catch.h"

namespace daedalus::core::h264 {
namespace {

struct KnownToken {
  TokenClass kind;
  uint32_t bits;  // the code, then ones
  uint8_t length, total, ones;
};

uint32_t code(uint32_t bits, unsigned length) {
  return bits << (32 - length) | ((length < 32 ? 1u << (32 - length) : 0u) - 1);
}

}  // namespace

TEST_CASE("coeff_token has the codes of table 9-5") {
  const KnownToken known = GENERATE(KnownToken{TokenClass::kBelow2, code(1, 1), 1, 0, 0},
                                    KnownToken{TokenClass::kBelow2, code(5, 6), 6, 1, 0},
                                    KnownToken{TokenClass::kBelow2, code(1, 2), 2, 1, 1},
                                    KnownToken{TokenClass::kBelow2, code(3, 5), 5, 3, 3},
                                    KnownToken{TokenClass::kBelow2, code(4, 16), 16, 16, 0},
                                    KnownToken{TokenClass::kBelow2, code(1, 15), 15, 13, 1},
                                    KnownToken{TokenClass::kBelow4, code(3, 2), 2, 0, 0},
                                    KnownToken{TokenClass::kBelow4, code(1, 13), 13, 15, 3},
                                    KnownToken{TokenClass::kBelow8, code(15, 4), 4, 0, 0},
                                    KnownToken{TokenClass::kBelow8, code(1, 10), 10, 16, 0},
                                    KnownToken{TokenClass::kChromaDc, code(1, 1), 1, 1, 1},
                                    KnownToken{TokenClass::kChromaDc, code(0, 7), 7, 4, 3},
                                    KnownToken{TokenClass::kChromaDc, code(2, 8), 8, 4, 2},
                                    KnownToken{TokenClass::kChromaDc, code(2, 6), 6, 4, 0});
  const CoefficientToken& token = kCavlcTables.token(known.kind, known.bits);
  CHECK(token.length == known.length);
  CHECK(token.total == known.total);
  CHECK(token.ones == known.ones);
}

TEST_CASE("each coeff_token of a table has one code") {
  for (const TokenClass kind :
       {TokenClass::kBelow2, TokenClass::kBelow4, TokenClass::kBelow8, TokenClass::kChromaDc}) {
    std::set<std::pair<int, int>> found;
    // Of all strings of 16 bits as many begin with a code as its length says.
    uint64_t strings = 0;
    for (uint32_t bits = 0; bits < 1u << 16; ++bits) {
      const CoefficientToken& token = kCavlcTables.token(kind, bits << 16);
      if (token.length == 0) continue;
      ++strings;
      found.insert({token.total, token.ones});
    }
    const bool chroma = kind == TokenClass::kChromaDc;
    CHECK(found.size() == (chroma ? 14u : 62u));
    uint64_t expected = 0;
    for (const auto& [total, ones] : found) {
      for (uint32_t bits = 0; bits < 1u << 16; ++bits) {
        const CoefficientToken& token = kCavlcTables.token(kind, bits << 16);
        if (token.length == 0 || token.total != total || token.ones != ones) continue;
        expected += uint64_t{1} << (16 - token.length);
        break;
      }
    }
    CHECK(strings == expected);
  }
}

TEST_CASE("total_zeros and run_before leave no string of bits without a value") {
  const auto sum = [](const auto& table, unsigned width) {
    std::set<unsigned> values;
    for (size_t i = 0; i < table.size(); ++i) {
      CHECK(table[i].length <= width);
      if (table[i].length != 0) values.insert(table[i].value);
    }
    return values.size();
  };
  for (size_t i = 0; i < 15; ++i) CHECK(sum(kCavlcTables.total_zeros[i], 9) == 16 - i);
  for (size_t i = 0; i < 3; ++i) CHECK(sum(kCavlcTables.chroma_total_zeros[i], 3) == 4 - i);
  for (size_t i = 0; i < 6; ++i) CHECK(sum(kCavlcTables.runs[i], 3) == i + 2);
  // Table 9-7, tzVlcIndex 1: 1 means 0, 000000001 means 15.
  CHECK(kCavlcTables.total_zeros[0][1].value == 15);
  CHECK(kCavlcTables.total_zeros[0][0x100].value == 0);
}

TEST_CASE("Exp-Golomb codes") {
  // 1, 010, 011, 00100, 0001000 as ue(v): 0, 1, 2, 3, 7.
  const std::vector<uint8_t> data = {0b10100110, 0b01000001, 0b00011111};
  std::vector<uint8_t> padded = data;
  padded.resize(data.size() + BitWindow::kPadding);
  BitWindow unsigned_codes(padded.data(), padded.data() + data.size(), 0);
  for (const uint32_t value : {0u, 1u, 2u, 3u, 7u}) CHECK(unsigned_codes.ue() == value);
  BitWindow signed_codes(padded.data(), padded.data() + data.size(), 0);
  for (const int32_t value : {0, 1, -1, 2, 4}) CHECK(signed_codes.se() == value);
  CHECK_FALSE(signed_codes.overrun());
  signed_codes.skip(30);
  CHECK(signed_codes.overrun());
}

TEST_CASE("coded_block_pattern has every value once") {
  for (size_t chroma = 0; chroma < 2; ++chroma) {
    for (size_t inter = 0; inter < 2; ++inter) {
      const auto& table = kCodedBlockPatterns[chroma][inter];
      const size_t codes = chroma != 0 ? 48 : 16;
      std::set<uint8_t> values(table.begin(), table.begin() + static_cast<ptrdiff_t>(codes));
      CHECK(values.size() == codes);
      CHECK(*values.rbegin() == codes - 1);
    }
  }
  CHECK(kCodedBlockPatterns[1][0][0] == 47);
  CHECK(kCodedBlockPatterns[1][1][0] == 0);
}

}  // namespace daedalus::core::h264
