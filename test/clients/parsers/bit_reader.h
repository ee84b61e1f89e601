// BitReader: big-endian bits with Exp-Golomb codes, optionally skipping the emulation prevention
// bytes of a NAL unit (H.264 7.3.1, 9.1). Past the end it reads zeros and says so.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_BIT_READER_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_BIT_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace daedalus::clients {

class BitReader {
 public:
  explicit BitReader(std::span<const uint8_t> bytes, bool emulation_prevention = false)
      : bytes_(bytes), emulation_prevention_(emulation_prevention) {}

  uint32_t bits(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | bit();
    return value;
  }
  bool flag() { return bit() != 0; }
  // ue(v)
  uint32_t unsigned_golomb() {
    int zeros = 0;
    while (zeros < 32 && !exhausted_ && bit() == 0) ++zeros;
    return zeros >= 32 ? UINT32_MAX : (1U << zeros) - 1 + bits(zeros);
  }
  // se(v)
  int32_t signed_golomb() {
    const uint32_t code = unsigned_golomb();
    const auto magnitude = static_cast<int32_t>(code / 2 + code % 2);
    return code % 2 ? magnitude : -magnitude;
  }

  // Bits read so far, emulation prevention bytes not counted.
  uint32_t position() const { return position_; }
  bool exhausted() const { return exhausted_; }

 private:
  uint32_t bit() {
    if (position_ % 8 == 0) load();
    ++position_;
    if (exhausted_) return 0;
    return current_ >> (7 - (position_ - 1) % 8) & 1;
  }
  void load() {
    if (emulation_prevention_ && zeros_ >= 2 && next_ < bytes_.size() && bytes_[next_] == 3) {
      ++next_;
      zeros_ = 0;
    }
    if (next_ >= bytes_.size()) {
      exhausted_ = true;
      return;
    }
    current_ = bytes_[next_++];
    zeros_ = current_ == 0 ? zeros_ + 1 : 0;
  }

  std::span<const uint8_t> bytes_;
  bool emulation_prevention_;
  size_t next_ = 0;
  uint8_t current_ = 0;
  int zeros_ = 0;
  uint32_t position_ = 0;
  bool exhausted_ = false;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_BIT_READER_H_
