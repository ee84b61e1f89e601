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
  // codIRangeLPS by [qCodIRangeIdx][variable], where the engine keeps it.
  static constexpr int kShift = 55;
  std::array<std::array<uint64_t, 128>, 4> range_lps{};
  // What variable v becomes: at 128 + v, and where the least probable symbol came at 128 + ~v.
  std::array<CabacContext, 256> next{};
};
extern const CabacTransitions kCabacTransitions;

// codIRange and codIOffset stand at the top of 64 bits, codIOffset with the bits that follow it: a
// decision is one comparison, and memory is read once in 48 bits.
class CabacEngine {
 public:
  class Local;
  // Zero bytes that must follow the data.
  static constexpr size_t kPadding = 8;

  // 9.3.1.2. Borrows the bytes. Beyond them, too, zeros are decoded.
  void start(const uint8_t* begin, const uint8_t* end) {
    begin_ = begin;
    end_ = end;
    left_ = end - begin;
    range_ = uint64_t{510} << kShift;
    value_ = 0;
    bits_ = -10;
    refill();
  }

  // 9.3.3.2.1
  bool decision(CabacContext& context) {
    const uint64_t lps = kCabacTransitions.range_lps[range_ >> 61 & 3][context];
    const uint64_t mps = range_ - lps;
    // Ones where it is the least probable symbol. Nothing branches here: it could not be predicted.
    const int64_t least = -int64_t{value_ >= mps};
    const int64_t symbol = context ^ least;
    value_ -= mps & static_cast<uint64_t>(least);
    range_ = least != 0 ? lps : mps;
    renormalise();
    context = (kCabacTransitions.next.data() + 128)[symbol];
    return (symbol & 1) != 0;
  }

  // 9.3.3.2.3
  bool bypass() {
    const uint64_t half = range_ >> 1;
    const int64_t one = -int64_t{value_ >= half};
    value_ = (value_ - (half & static_cast<uint64_t>(one))) << 1;
    if (--bits_ < 0) refill();
    return one != 0;
  }
  // The suffix of UEGk (9.3.2.3).
  unsigned exp_golomb(unsigned order) {
    unsigned value = 0;
    while (order < kMostGolombOrder && bypass()) value += 1u << order++;
    while (order-- > 0) value += (bypass() ? 1u : 0u) << order;
    return value;
  }

  // 9.3.3.2.2.3; after true the engine must be started anew.
  bool terminate() {
    range_ -= uint64_t{2} << kShift;
    if (value_ >= range_) return true;
    renormalise();
    return false;
  }

  // Bits read so far, those of codIOffset included: after terminate() was true, the last of them is
  // the rbsp_stop_one_bit or, of I_PCM, what the alignment follows.
  size_t position() const { return static_cast<size_t>(8 * (end_ - begin_ - left_) - bits_ - 1); }
  // More bits were read than there are.
  bool overrun() const { return 8 * left_ + bits_ + 1 < 0; }
  const uint8_t* begin() const { return begin_; }
  const uint8_t* end() const { return end_; }

 private:
  static constexpr int kShift = CabacTransitions::kShift;
  static constexpr unsigned kMostGolombOrder = 20;  // longer than any conforming value has

  void renormalise() {
    const int shift = __builtin_clzll(range_);  // it is never 0
    range_ <<= shift;
    value_ <<= shift;
    bits_ -= shift;
    if (bits_ < 0) refill();
  }

  void refill() {
    // Bits that do not count yet are or-ed in too, and again with the next refill.
    if (left_ >= 0) value_ |= load(end_ - left_) >> (10 + bits_);
    left_ -= 6;
    bits_ += 48;
  }

  static uint64_t load(const uint8_t* bytes) {
    uint64_t loaded;
    std::memcpy(&loaded, bytes, sizeof loaded);
    return std::endian::native == std::endian::little ? __builtin_bswap64(loaded) : loaded;
  }

  uint64_t value_ = 0;
  uint64_t range_ = 0;
  int bits_ = 0;  // valid in value_ behind the first 10: codIOffset's 9 and what bypass() looks at
  ptrdiff_t left_ = 0;  // bytes that are not in value_ yet; negative: zeros stand for so many
  const uint8_t* begin_ = nullptr;
  const uint8_t* end_ = nullptr;
};

// An engine on loan, which a compiler keeps in registers as long as nobody takes its address: for
// more than a few decisions.
class CabacEngine::Local : public CabacEngine {
 public:
  explicit Local(CabacEngine& shared) : shared_(shared) {
    value_ = shared.value_;
    range_ = shared.range_;
    bits_ = shared.bits_;
    left_ = shared.left_;
    end_ = shared.end_;
  }
  ~Local() {
    shared_.value_ = value_;
    shared_.range_ = range_;
    shared_.bits_ = bits_;
    shared_.left_ = left_;
  }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;

 private:
  CabacEngine& shared_;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_H_
