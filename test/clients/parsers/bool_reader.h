// BoolReader: the arithmetic decoder of VP8 and VP9 headers (RFC 6386 7, VP9 9.2), bit by bit. Past
// the end it reads zeros and says so.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_BOOL_READER_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_BOOL_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "test/clients/parsers/bit_reader.h"

namespace daedalus::clients {

class BoolReader {
 public:
  explicit BoolReader(std::span<const uint8_t> bytes) : bits_(bytes), value_(bits_.bits(8)) {}

  // One decision; `probability` (1 to 255) is that of false, in 256ths.
  bool read(uint32_t probability) {
    const uint32_t split = 1 + ((range_ - 1) * probability >> 8);
    const bool result = value_ >= split;
    if (result) {
      value_ -= split;
      range_ -= split;
    } else {
      range_ = split;
    }
    while (range_ < 128) {
      range_ *= 2;
      value_ = value_ * 2 + bits_.bits(1);
    }
    return result;
  }
  bool flag() { return read(128); }
  uint32_t literal(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) value = value * 2 + (flag() ? 1 : 0);
    return value;
  }
  // Magnitude, then sign.
  int32_t signed_literal(int count) {
    const auto magnitude = static_cast<int32_t>(literal(count));
    return flag() ? -magnitude : magnitude;
  }
  int32_t optional_signed(int count) { return flag() ? signed_literal(count) : 0; }

  uint32_t range() const { return range_; }
  uint32_t value() const { return value_; }
  // Bits consumed, without the eight that are looked at.
  uint32_t position() const { return bits_.position() - 8; }
  bool exhausted() const { return bits_.exhausted(); }

 private:
  BitReader bits_;
  uint32_t range_ = 255;
  uint32_t value_;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_BOOL_READER_H_
