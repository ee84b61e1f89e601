// The descriptors of header syntax, and what happens at the data's end.
#include "decode_core/headers/bit_reader.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "decode_core/headers/rbsp.h"
#include "test/catch.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::headers {
namespace {

using Bytes = std::vector<uint8_t>;

TEST_CASE("u, s, ue and se read what was written, at every bit offset") {
  for (unsigned offset = 0; offset < 9; ++offset) {
    test::BitWriter out;
    out.u(0, offset);
    out.u(0xdeadbeef, 32);
    out.u(5, 3);
    out.u(0b1001, 4);
    out.ue(0);
    out.ue(1);
    out.ue(254);
    out.ue(4294967294u);
    out.se(1);
    out.se(-1);
    out.se(-2147483647);
    out.se(2147483647);
    const Bytes bytes = out.finish();
    BitReader reader(bytes);
    CHECK(reader.u(offset) == 0);
    CHECK(reader.u(32) == 0xdeadbeef);
    CHECK(reader.u(3) == 5);
    CHECK(reader.s(4) == -7);
    CHECK(reader.ue() == 0);
    CHECK(reader.ue() == 1);
    CHECK(reader.ue() == 254);
    CHECK(reader.ue() == 4294967294u);
    CHECK(reader.se() == 1);
    CHECK(reader.se() == -1);
    CHECK(reader.se() == -2147483647);
    CHECK(reader.se() == 2147483647);
    CHECK_FALSE(more_rbsp_data(reader));
    CHECK_FALSE(reader.overrun());
  }
}

TEST_CASE("A read past the end gives zero, and so does every one after it") {
  const Bytes bytes = {0xff, 0xff};
  BitReader reader(bytes);
  CHECK(reader.u(9) == 0x1ff);
  CHECK(reader.u(8) == 0);
  CHECK(reader.overrun());
  CHECK(reader.u(1) == 0);
  CHECK(reader.ue() == 0);
  CHECK(reader.se() == 0);
  CHECK(reader.position() == 9);
}

TEST_CASE("A skip past the end is an overrun, also one that would wrap around") {
  const Bytes bytes = {0xff, 0xff};
  BitReader to_end(bytes);
  to_end.skip(16);
  CHECK_FALSE(to_end.overrun());
  CHECK(to_end.bits_left() == 0);
  BitReader past(bytes);
  past.skip(17);
  CHECK(past.overrun());
  BitReader wrapping(bytes);
  wrapping.skip(3);
  wrapping.skip(SIZE_MAX);
  CHECK(wrapping.overrun());
}

TEST_CASE("Codes that are too long are an overrun") {
  const Bytes zeros(16, 0);
  BitReader endless(zeros);
  endless.ue();
  CHECK(endless.overrun());
  test::BitWriter out;
  out.ue(4294967296u);
  const Bytes too_large = out.finish();
  BitReader reader(too_large);
  CHECK(reader.ue() == 0);
  CHECK(reader.overrun());
}

TEST_CASE("No bytes at all") {
  BitReader reader;
  CHECK(reader.u(0) == 0);
  CHECK_FALSE(reader.overrun());
  CHECK_FALSE(more_rbsp_data(reader));
  CHECK(reader.u(1) == 0);
  CHECK(reader.overrun());
}

TEST_CASE("Emulation prevention is removed and nothing else") {
  const Bytes nal = {0x67, 0, 0, 3, 0, 0, 3, 1, 3, 0, 3, 0, 0, 3};
  CHECK(extract_rbsp(nal) == Bytes{0x67, 0, 0, 0, 0, 1, 3, 0, 3, 0, 0});
  CHECK(extract_rbsp(nal, 4) == Bytes{0x67, 0, 0, 0});
  CHECK(extract_rbsp({}).empty());
  for (const Bytes& rbsp : {Bytes{0, 0, 0, 0, 0, 0, 1}, Bytes{0, 0, 3}, Bytes{0, 0, 2, 0, 0, 4}}) {
    Bytes expected(1 + rbsp.size(), 0x65);
    std::ranges::copy(rbsp, expected.begin() + 1);
    CHECK(extract_rbsp(test::make_nal(3, 5, rbsp)) == expected);
  }
}

TEST_CASE("more_rbsp_data sees the stop bit behind trailing zero bytes") {
  const Bytes bytes = {0b10110000, 0b10000000, 0, 0};
  BitReader reader(bytes);
  CHECK(more_rbsp_data(reader));
  reader.skip(7);
  CHECK(more_rbsp_data(reader));
  reader.skip(1);
  CHECK_FALSE(more_rbsp_data(reader));
}

std::vector<Bytes> units_of(const Bytes& stream) {
  std::vector<Bytes> units;
  NalUnits walk(stream);
  while (const auto nal = walk.next()) units.emplace_back(nal->begin(), nal->end());
  return units;
}

TEST_CASE("NAL units of a byte stream come without start codes, zeros and empty ones") {
  CHECK(units_of({}).empty());
  CHECK(units_of({1, 2, 3}).empty());
  CHECK(units_of({0, 0, 1}).empty());
  CHECK(units_of({0, 0, 0, 1, 0, 0, 1, 0, 0}).empty());
  CHECK(units_of({9, 9, 0, 0, 1, 7, 8, 0, 0, 0, 1, 5, 0, 0, 1, 1, 1, 0}) ==
        std::vector<Bytes>{{7, 8}, {5}, {1, 1}});
  CHECK(units_of({0, 0, 1, 1, 0, 0, 1, 1}) == std::vector<Bytes>{{1}, {1}});
}

}  // namespace
}  // namespace daedalus::headers
