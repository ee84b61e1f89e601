// AV1 frames in every form that a header can have (AV1 5.9.2), made at random.
#ifndef DAEDALUS_TEST_DECODE_CORE_AV1_FRAMES_H_
#define DAEDALUS_TEST_DECODE_CORE_AV1_FRAMES_H_

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "decode_core/software/dav1d/rewrite/av1_frame_header.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite::test {

// A coded video sequence whose frames may all refer to each other.
struct Av1Sequence {
  v4l2_ctrl_av1_sequence control{};
  uint32_t width = 0;   // luma samples; of every frame before super-resolution is chosen
  uint32_t height = 0;  // least; frames have up to half as much again
  bool superres = false;
};

using Av1Slots = std::array<const Av1SlotState*, V4L2_AV1_TOTAL_REFS_PER_FRAME>;

class Av1Random {
 public:
  explicit Av1Random(uint32_t seed) : engine_(seed) {}
  // Both ends included.
  int32_t in(int32_t low, int32_t high) {
    return std::uniform_int_distribution<int32_t>(low, high)(engine_);
  }
  bool coin() { return in(0, 1) != 0; }
  uint32_t flags(uint32_t all) { return static_cast<uint32_t>(engine_()) & all; }
  std::vector<uint8_t> bytes(size_t count);

 private:
  std::mt19937 engine_;
};

Av1Sequence choose_av1_sequence(Av1Random& random);

// A frame that is a key frame where `slots` has an empty one. Values are in range, and inferred
// ones as the clauses say; what its header does not tell is random.
v4l2_ctrl_av1_frame choose_av1_frame(Av1Random& random, const Av1Sequence& sequence,
                                     const Av1Slots& slots);

}  // namespace daedalus::core::rewrite::test

#endif  // DAEDALUS_TEST_DECODE_CORE_AV1_FRAMES_H_
