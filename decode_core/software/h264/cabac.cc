#include "decode_core/software/h264/cabac.h"

#include <algorithm>

namespace daedalus::core::h264 {
namespace {

constexpr std::array<uint8_t, 64> next_states_mps() {
  std::array<uint8_t, 64> next{};
  for (size_t i = 0; i < 64; ++i) next[i] = static_cast<uint8_t>(i < 62 ? i + 1 : i);
  return next;
}

CabacTransitions make_transitions() {
  constexpr std::array<uint8_t, 64> kNextStateMps = next_states_mps();
  CabacTransitions made;
  for (size_t state = 0; state < 64; ++state) {
    for (size_t mps = 0; mps < 2; ++mps) {
      const size_t variable = state * 2 + mps;
      for (size_t q = 0; q < 4; ++q)
        made.range_lps[q][variable] = uint64_t{kRangeLps[state][q]} << CabacTransitions::kShift;
      made.next[128 + variable] = static_cast<CabacContext>(kNextStateMps[state] * 2u + mps);
      const size_t mps_after = state == 0 ? mps ^ 1 : mps;
      made.next[127 - variable] = static_cast<CabacContext>(kNextStateLps[state] * 2u + mps_after);
    }
  }
  return made;
}

}  // namespace

const CabacTransitions kCabacTransitions = make_transitions();

// 9.3.1.1
void CabacContexts::initialise(int slice_qp, size_t table) {
  const int qp = std::clamp(slice_qp, 0, 51);
  for (size_t i = 0; i < kCabacContexts; ++i) {
    const CabacInitialisation& entry = kCabacInitialisations[table][i];
    const int state = std::clamp(((entry.m * qp) >> 4) + entry.n, 1, 126);
    variables[i] = static_cast<CabacContext>(state <= 63 ? (63 - state) * 2 : (state - 64) * 2 + 1);
  }
}

}  // namespace daedalus::core::h264
