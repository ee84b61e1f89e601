// Vp8BoolDecoder: the boolean entropy decoder (RFC 6386 7), for headers.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_VP8_BOOL_DECODER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_VP8_BOOL_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace daedalus::headers {

// Borrows the bytes; beyond their end it reads zeros, as the RFC's decoder may, and overrun()
// tells.
class Vp8BoolDecoder {
 public:
  explicit Vp8BoolDecoder(std::span<const uint8_t> data)
      : data_(data), value_(static_cast<uint32_t>(byte(0) << 8 | byte(1))) {}

  // True with (256 - probability) / 256; probability 1 to 255.
  bool read(uint8_t probability) {
    const uint32_t split = 1 + (((range_ - 1) * probability) >> 8);
    const bool bit = value_ >= split << 8;
    if (bit) {
      value_ -= split << 8;
      range_ -= split;
    } else {
      range_ = split;
    }
    while (range_ < 128) shift();
    return bit;
  }

  bool flag() { return read(128); }

  // L(n): n bits, MSB first (RFC 6386 8); at most 32.
  uint32_t literal(unsigned count) {
    uint32_t value = 0;
    while (count-- > 0) value = value << 1 | static_cast<uint32_t>(flag());
    return value;
  }

  // Magnitude of `count` bits, then the sign.
  int signed_literal(unsigned count) {
    const int magnitude = static_cast<int>(literal(count));
    return flag() ? -magnitude : magnitude;
  }

  // What a decoder that goes on from here must start with.
  uint8_t range() const { return static_cast<uint8_t>(range_); }
  uint8_t value() const { return static_cast<uint8_t>(value_ >> 8); }
  // Bits consumed so far.
  size_t position() const { return position_; }
  bool overrun() const { return position_ > data_.size() * 8; }

 private:
  uint32_t byte(size_t index) const { return index < data_.size() ? data_[index] : 0; }

  // The window always holds 16 bits of which the low (position mod 8) are still to come.
  void shift() {
    range_ <<= 1;
    value_ <<= 1;
    if (++position_ % 8 == 0) value_ |= byte(position_ / 8 + 1);
  }

  std::span<const uint8_t> data_;
  uint32_t value_;
  uint32_t range_ = 255;
  size_t position_ = 0;
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_VP8_BOOL_DECODER_H_
