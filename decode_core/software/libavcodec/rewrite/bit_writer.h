// BitWriter: writes headers bit by bit, most significant bit first.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_BIT_WRITER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_BIT_WRITER_H_

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace daedalus::core::rewrite {

class BitWriter {
 public:
  // `count` bits of `value`, 0 to 32.
  void u(unsigned count, uint32_t value) {
    for (unsigned i = count; i-- > 0;) bit((value >> i) & 1);
  }
  void flag(bool value) { bit(value ? 1 : 0); }
  // Exp-Golomb codes (H.264 9.1); value below 2^32 - 1.
  void ue(uint32_t value) {
    const unsigned bits = static_cast<unsigned>(std::bit_width(value + 1));
    u(bits - 1, 0);
    u(bits, value + 1);
  }
  // value above -2^31.
  void se(int32_t value) {
    ue(value > 0 ? static_cast<uint32_t>(value) * 2 - 1 : static_cast<uint32_t>(-value) * 2);
  }
  // rbsp_trailing_bits: a one, then zeros to the end of the byte.
  void trailing_bits() {
    bit(1);
    align_zero();
  }
  // Zeros to the end of the byte.
  void align_zero() {
    while (used_ != 0) bit(0);
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  void bit(uint32_t value) {
    if (used_ == 0) bytes_.push_back(0);
    bytes_.back() = static_cast<uint8_t>(bytes_.back() | (value << (7 - used_)));
    used_ = (used_ + 1) % 8;
  }

  std::vector<uint8_t> bytes_;
  unsigned used_ = 0;  // bits of the last byte, 0: it is full
};

// Appends a start code and the NAL unit: header byte, then `rbsp` with
// emulation_prevention_three_bytes put in (H.264 7.4.1.1).
void append_nal(uint8_t header, std::span<const uint8_t> rbsp, std::vector<uint8_t>& out);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_BIT_WRITER_H_
