// CABAC's arithmetic decoding engine (9.3.1.2, 9.3.3.2) and its context variables (9.3.1.1).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "decode_core/software/h264/cabac_tables.h"

namespace daedalus::core::h264 {

// A context variable: pStateIdx * 2 + valMPS.
using CabacContext = uint8_t;

// The context variables of a slice. slice_qp: SliceQPY, 0 to 51; table: 0 in I slices, else
// cabac_init_idc + 1.
struct CabacContexts {
  std::array<CabacContext, kCabacContexts> variables{};
  void initialise(int slice_qp, size_t table);
};

// What the engine looks up, by context variable.
struct CabacTransitions {
  std::array<std::array<uint8_t, 128>, 4> range_lps{};  // [qCodIRangeIdx][variable]
  std::array<std::array<CabacContext, 128>, 2> next{};  // [least probable][variable]
};
extern const CabacTransitions kCabacTransitions;

// codIOffset is kept with the bits that follow it, behind one zero bit at the top of 64: a decision
// is one comparison, and memory is read once in some 50 bits. Copy it into a local in hot loops.
class CabacEngine {
 public:
  // Bytes that must be readable behind the data; their values do not matter.
  static constexpr size_t kPadding = 8;

  // 9.3.1.2. Borrows the bytes. Beyond them zeros are decoded.
  void start(const uint8_t* begin, const uint8_t* end) {
    begin_ = next_ = begin;
    end_ = end;
    range_ = 510;
    value_ = 0;
    bits_ = -9;
    overrun_ = false;
    refill();
  }

  // 9.3.3.2.1
  bool decision(CabacContext& context) {
    const uint32_t variable = context;
    const uint32_t lps = kCabacTransitions.range_lps[range_ >> 6 & 3][variable];
    const uint32_t mps = range_ - lps;
    const uint64_t scaled = uint64_t{mps} << kOffsetShift;
    const bool least = value_ >= scaled;
    value_ -= least ? scaled : 0;
    range_ = least ? lps : mps;
    context = kCabacTransitions.next[least][variable];
    const int shift = std::countl_zero(range_) - 23;
    range_ <<= shift;
    value_ <<= shift;
    bits_ -= shift;
    if (bits_ < 0) refill();
    return ((variable ^ static_cast<uint32_t>(least)) & 1) != 0;
  }

  // 9.3.3.2.3
  bool bypass() {
    value_ <<= 1;
    if (--bits_ < 0) refill();
    const uint64_t scaled = uint64_t{range_} << kOffsetShift;
    const bool one = value_ >= scaled;
    value_ -= one ? scaled : 0;
    return one;
  }

  // 9.3.3.2.2.3; after true the engine must be started anew.
  bool terminate() {
    range_ -= 2;
    if (value_ >= uint64_t{range_} << kOffsetShift) return true;
    const int shift = std::countl_zero(range_) - 23;
    range_ <<= shift;
    value_ <<= shift;
    bits_ -= shift;
    if (bits_ < 0) refill();
    return false;
  }

  // Bits read so far, those of codIOffset included: after terminate() was true, the last of them is
  // the rbsp_stop_one_bit or, of I_PCM, what the alignment follows.
  size_t position() const { return static_cast<size_t>(8 * (next_ - begin_) - bits_); }
  // More bits were read than there are.
  bool overrun() const {
    return overrun_ || (next_ > end_ && position() > static_cast<size_t>(8 * (end_ - begin_)));
  }
  const uint8_t* begin() const { return begin_; }
  const uint8_t* end() const { return end_; }

 private:
  static constexpr int kOffsetShift = 54;

  void refill() {
    // Bits that do not count yet are or-ed in too, and again with the next refill.
    uint64_t ahead = 0;
    if (next_ < end_) {
      std::memcpy(&ahead, next_, sizeof ahead);
      if constexpr (std::endian::native == std::endian::little) ahead = __builtin_bswap64(ahead);
      const auto left = static_cast<size_t>(end_ - next_);
      if (left < 8) ahead &= ~uint64_t{0} << (64 - 8 * left);
    } else if (next_ > end_) {
      overrun_ = true;
      bits_ += 48;
      return;
    }
    const int valid = bits_ + 10;  // the first of them a zero; 1 to 9
    value_ |= ahead >> valid;
    const int bytes = (64 - valid) >> 3;
    next_ += bytes;
    bits_ += 8 * bytes;
  }

  uint64_t value_ = 0;
  uint32_t range_ = 510;  // codIRange
  int bits_ = 0;          // valid in value_ behind the 9 of codIOffset
  const uint8_t* begin_ = nullptr;
  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool overrun_ = false;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_H_
