// The tables of CAVLC (9.2) and of coded_block_pattern (9.1.2), made ready for look-up.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_CAVLC_TABLES_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_CAVLC_TABLES_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace daedalus::core::h264 {

// coeff_token (table 9-5).
struct CoefficientToken {
  uint8_t length = 0;  // bits; 0: no code
  uint8_t total = 0;   // TotalCoeff
  uint8_t ones = 0;    // TrailingOnes
};
// Classes of nC.
enum class TokenClass : uint8_t { kBelow2, kBelow4, kBelow8, kAbove, kChromaDc };

struct CodeValue {
  uint8_t length = 0;  // bits; 0: no code
  uint8_t value = 0;
};

struct CavlcTables {
  // By leading zeros and the three bits behind the first one.
  std::array<std::array<CoefficientToken, 16 * 8>, 5> tokens;
  // total_zeros (tables 9-7, 9-8): [tzVlcIndex - 1][next 9 bits].
  std::array<std::array<CodeValue, 512>, 15> total_zeros;
  // Of chroma DC (table 9-9 a): [tzVlcIndex - 1][next 3 bits].
  std::array<std::array<CodeValue, 8>, 3> chroma_total_zeros;
  // run_before (table 9-10) for zerosLeft 1 to 6: [zerosLeft - 1][next 3 bits].
  std::array<std::array<CodeValue, 8>, 6> runs;

  CavlcTables();

  const CoefficientToken& token(TokenClass kind, uint32_t bits) const {
    const auto zeros = static_cast<unsigned>(std::countl_zero(bits | 1u << 16));
    const uint32_t behind = bits << zeros << 1 >> 29;
    return tokens[static_cast<size_t>(kind)][zeros * 8 + behind];
  }
};
extern const CavlcTables kCavlcTables;

// coded_block_pattern by codeNum (table 9-4): [chroma there][inter prediction]; chroma << 4.
extern const std::array<std::array<std::array<uint8_t, 48>, 2>, 2> kCodedBlockPatterns;

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_CAVLC_TABLES_H_
