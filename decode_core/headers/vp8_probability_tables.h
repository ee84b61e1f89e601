// The probabilities of VP8's header syntax (RFC 6386): those a key frame starts from and those with
// which updates are coded.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_VP8_PROBABILITY_TABLES_H_
#define DAEDALUS_DECODE_CORE_HEADERS_VP8_PROBABILITY_TABLES_H_

#include <cstdint>

#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// By block type, coefficient band, context and token tree node.
using Vp8CoefficientProbabilities = uint8_t[4][8][3][V4L2_VP8_COEFF_PROB_CNT];
// By component (row, column).
using Vp8VectorProbabilities = uint8_t[2][V4L2_VP8_MV_PROB_CNT];

extern const Vp8CoefficientProbabilities kVp8DefaultCoefficients;       // 13.5
extern const Vp8CoefficientProbabilities kVp8CoefficientUpdates;        // 13.4
extern const Vp8VectorProbabilities kVp8DefaultVectors;                 // 17.2
extern const Vp8VectorProbabilities kVp8VectorUpdates;                  // 17.2
inline constexpr uint8_t kVp8DefaultLumaModes[4] = {112, 86, 140, 37};  // 16.2
inline constexpr uint8_t kVp8DefaultChromaModes[3] = {162, 101, 204};   // 16.2
// Those of every key frame.
inline constexpr uint8_t kVp8KeyFrameLumaModes[4] = {145, 156, 163, 128};  // 11.2
inline constexpr uint8_t kVp8KeyFrameChromaModes[3] = {142, 114, 183};     // 11.2

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_VP8_PROBABILITY_TABLES_H_
