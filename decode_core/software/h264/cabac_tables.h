// The tables of CABAC (9.3) for 4:2:0 and 4:0:0, 8 bits.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_TABLES_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_TABLES_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace daedalus::core::h264 {

// ctxIdx 0 to 459: all but the Cb and Cr residuals of 4:4:4.
inline constexpr size_t kCabacContexts = 460;

struct CabacInitialisation {
  int8_t m;
  int8_t n;
};
// Tables 9-12 to 9-24: of I slices, then of cabac_init_idc 0, 1, 2.
extern const std::array<std::array<CabacInitialisation, kCabacContexts>, 4> kCabacInitialisations;

// rangeTabLPS (table 9-44): [pStateIdx][qCodIRangeIdx].
extern const std::array<std::array<uint8_t, 4>, 64> kRangeLps;
// transIdxLPS (table 9-45); transIdxMPS is the next state, 62 at most.
extern const std::array<uint8_t, 64> kNextStateLps;

// ctxIdxInc of significant_coeff_flag [field coded][levelListIdx] and of
// last_significant_coeff_flag of 8x8 blocks (table 9-43).
extern const std::array<std::array<uint8_t, 63>, 2> kSignificantIncrement8x8;
extern const std::array<uint8_t, 63> kLastIncrement8x8;

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_TABLES_H_
