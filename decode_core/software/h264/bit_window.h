// BitWindow: the bits of slice data as CAVLC reads them: looked at 32 at a time, then skipped.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_BIT_WINDOW_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_BIT_WINDOW_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace daedalus::core::h264 {

class BitWindow {
 public:
  // Bytes that must be readable behind the data; their values do not matter.
  static constexpr size_t kPadding = 8;

  BitWindow() = default;
  // Borrows the bytes. first: a bit's number.
  BitWindow(const uint8_t* begin, const uint8_t* end, size_t first)
      : data_(begin), bytes_(static_cast<size_t>(end - begin)), position_(first) {}

  // The next 32 bits; what lies behind the data is not defined, and harmless.
  uint32_t peek() const {
    const size_t byte = position_ >> 3 < bytes_ ? position_ >> 3 : bytes_;
    uint64_t bits = 0;
    std::memcpy(&bits, data_ + byte, sizeof bits);
    if constexpr (std::endian::native == std::endian::little) bits = __builtin_bswap64(bits);
    return static_cast<uint32_t>(bits << (position_ & 7) >> 32);
  }
  void skip(unsigned count) { position_ += count; }

  // u(n), 1 to 32 bits.
  uint32_t u(unsigned count) {
    const uint32_t value = peek() >> (32 - count);
    skip(count);
    return value;
  }
  bool flag() { return u(1) != 0; }

  // ue(v), se(v) (9.1); codes of more than 31 bits give UINT16_MAX and 0.
  uint32_t ue() {
    const uint32_t bits = peek();
    const auto zeros = static_cast<unsigned>(std::countl_zero(bits));
    if (zeros > 15) {
      skip(32);
      return UINT16_MAX;
    }
    skip(2 * zeros + 1);
    return (bits >> (31 - 2 * zeros)) - 1;
  }
  int32_t se() {
    const uint32_t code = ue();
    if (code == UINT16_MAX) return 0;
    const auto magnitude = static_cast<int32_t>((code + 1) >> 1);
    return code % 2 != 0 ? magnitude : -magnitude;
  }

  size_t position() const { return position_; }  // bits
  bool overrun() const { return position_ > bytes_ * 8; }
  const uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  const uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
  size_t position_ = 0;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_BIT_WINDOW_H_
