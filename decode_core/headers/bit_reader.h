// BitReader: the descriptors that every bitstream's header syntax is written in, read MSB first
// from memory with the bounds checked.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_BIT_READER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_BIT_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace daedalus::headers {

// Borrows the bytes. A read that does not fit whole sets overrun() for good and gives zero, and so
// does every read after it: a parser may read to its end and check once, as long as no loop's bound
// is unchecked. Nothing outside the span is ever touched.
class BitReader {
 public:
  BitReader() = default;
  explicit BitReader(std::span<const uint8_t> data) : data_(data) {}

  // u(n): `count` bits, 0 to 32; more is an overrun.
  uint32_t u(unsigned count) {
    if (count > 32 || overrun_ || count > bits_left()) {
      overrun_ = true;
      return 0;
    }
    uint64_t value = 0;
    unsigned taken = 0;
    while (taken < count) {
      const unsigned in_byte = static_cast<unsigned>(position_ & 7);
      const unsigned step = count - taken < 8 - in_byte ? count - taken : 8 - in_byte;
      const uint32_t byte = data_[position_ >> 3];
      value = value << step | (byte >> (8 - in_byte - step) & ((1u << step) - 1));
      position_ += step;
      taken += step;
    }
    return static_cast<uint32_t>(value);
  }

  bool flag() { return u(1) != 0; }

  // Two's complement of `count` bits, 1 to 32.
  int32_t s(unsigned count) {
    const uint32_t value = u(count);
    if (count == 0 || count >= 32) return static_cast<int32_t>(value);
    const uint32_t sign = 1u << (count - 1);
    return static_cast<int32_t>((value ^ sign) - sign);
  }

  // ue(v) (H.264 9.1). A code above 32 bits' worth is an overrun.
  uint32_t ue() {
    unsigned zeros = 0;
    while (!overrun_ && u(1) == 0) {
      if (++zeros > 32) overrun_ = true;
    }
    if (overrun_) return 0;
    const uint64_t value = (uint64_t{1} << zeros) - 1 + u(zeros);
    if (overrun_ || value > UINT32_MAX) {
      overrun_ = true;
      return 0;
    }
    return static_cast<uint32_t>(value);
  }

  // se(v) (H.264 9.1.1).
  int32_t se() {
    const uint32_t code = ue();
    const int64_t magnitude = (int64_t{code} + 1) >> 1;
    const int64_t value = code & 1 ? magnitude : -magnitude;
    if (value > INT32_MAX) {
      overrun_ = true;
      return 0;
    }
    return static_cast<int32_t>(value);
  }

  // Passes over `count` bits; those that are not there are an overrun.
  void skip(size_t count) {
    if (overrun_ || count > bits_left()) {
      overrun_ = true;
      return;
    }
    position_ += count;
  }

  // Up to the next whole byte.
  void align() { position_ = (position_ + 7) & ~size_t{7}; }

  size_t position() const { return position_; }  // bits from the start
  size_t bits_left() const { return data_.size() * 8 - position_; }
  bool overrun() const { return overrun_; }
  std::span<const uint8_t> data() const { return data_; }

 private:
  std::span<const uint8_t> data_;
  size_t position_ = 0;
  bool overrun_ = false;
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_BIT_READER_H_
