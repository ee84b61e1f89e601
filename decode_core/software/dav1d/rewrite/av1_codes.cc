#include "decode_core/software/dav1d/rewrite/av1_codes.h"

#include <bit>

namespace daedalus::core::rewrite {
namespace {

// The inverse of inverse_recenter(), 5.9.29.
uint32_t recenter(uint32_t reference, uint32_t value) {
  if (value > 2 * reference) return value;
  if (value >= reference) return (value - reference) * 2;
  return (reference - value) * 2 - 1;
}

// decode_subexp(symbols), 5.9.28.
void write_subexp(BitWriter& bits, uint32_t symbols, uint32_t value) {
  constexpr unsigned kFirst = 3;
  uint32_t base = 0;
  for (unsigned i = 0;; ++i) {
    const unsigned count = i == 0 ? kFirst : kFirst + i - 1;
    const uint32_t step = 1u << count;
    if (symbols <= base + 3 * step) {
      write_ns(bits, symbols - base, value - base);
      return;
    }
    const bool more = value >= base + step;
    bits.flag(more);
    if (!more) {
      bits.u(count, value - base);
      return;
    }
    base += step;
  }
}

}  // namespace

void write_su(BitWriter& bits, unsigned count, int32_t value) {
  bits.u(count, static_cast<uint32_t>(value) & ((1u << count) - 1));
}

void write_ns(BitWriter& bits, uint32_t n, uint32_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(n));
  const uint32_t shorter = (1u << width) - n;  // values that take a bit less
  if (value < shorter) {
    bits.u(width - 1, value);
  } else {
    bits.u(width, value + shorter);
  }
}

void write_signed_subexp_with_ref(BitWriter& bits, int32_t low, int32_t high, int32_t reference,
                                  int32_t value) {
  const auto symbols = static_cast<uint32_t>(high - low);
  const auto from = static_cast<uint32_t>(reference - low);
  const auto to = static_cast<uint32_t>(value - low);
  // decode_unsigned_subexp_with_ref(), 5.9.27.
  if (from * 2 <= symbols) {
    write_subexp(bits, symbols, recenter(from, to));
  } else {
    write_subexp(bits, symbols, recenter(symbols - 1 - from, symbols - 1 - to));
  }
}

void append_leb128(size_t value, std::vector<uint8_t>& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<uint8_t>(value));
}

}  // namespace daedalus::core::rewrite
