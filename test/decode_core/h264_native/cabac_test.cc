// CABAC's engine against clause 9.3 written down plainly, and its tables by values of the standard.
#include "decode_core/software/h264/cabac.h"

#include <random>
#include <vector>

#include "test/catch.h"

namespace daedalus::core::h264 {
namespace {

// 9.3.1.2 and 9.3.3.2, bit by bit.
class PlainEngine {
 public:
  explicit PlainEngine(const std::vector<uint8_t>& data) : data_(data) {
    for (int i = 0; i < 9; ++i) offset_ = offset_ << 1 | next_bit();
  }
  bool decision(int& state, bool& most_probable) {
    const uint32_t lps = kRangeLps[static_cast<size_t>(state)][range_ >> 6 & 3];
    range_ -= lps;
    bool value = most_probable;
    if (offset_ >= range_) {
      value = !most_probable;
      offset_ -= range_;
      range_ = lps;
      if (state == 0) most_probable = !most_probable;
      state = kNextStateLps[static_cast<size_t>(state)];
    } else if (state < 62) {
      ++state;
    }
    renormalise();
    return value;
  }
  bool bypass() {
    offset_ = offset_ << 1 | next_bit();
    if (offset_ < range_) return false;
    offset_ -= range_;
    return true;
  }
  bool terminate() {
    range_ -= 2;
    if (offset_ >= range_) return true;
    renormalise();
    return false;
  }
  size_t position() const { return position_; }

 private:
  uint32_t next_bit() {
    const size_t byte = position_ / 8;
    const uint32_t bit = byte < data_.size() ? data_[byte] >> (7 - position_ % 8) & 1u : 0u;
    ++position_;
    return bit;
  }
  void renormalise() {
    while (range_ < 256) {
      range_ <<= 1;
      offset_ = offset_ << 1 | next_bit();
    }
  }

  const std::vector<uint8_t>& data_;
  size_t position_ = 0;
  uint32_t range_ = 510;
  uint32_t offset_ = 0;
};

std::vector<uint8_t> random_data(std::mt19937& random, size_t size) {
  std::vector<uint8_t> data(size);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
  data[0] &= 0x7F;  // codIOffset is below codIRange
  return data;
}

}  // namespace

TEST_CASE("decisions, bypasses and terminations are clause 9.3's, beyond the end too") {
  std::mt19937 random(20030527);
  for (int round = 0; round < 300; ++round) {
    const std::vector<uint8_t> data = random_data(random, 1 + random() % 200);
    std::vector<uint8_t> padded = data;
    padded.resize(data.size() + CabacEngine::kPadding, 0);
    PlainEngine plain(data);
    CabacEngine engine;
    engine.start(padded.data(), padded.data() + data.size());
    std::array<int, 64> states{};
    std::array<bool, 64> most_probable{};
    std::array<CabacContext, 64> contexts{};
    for (size_t i = 0; i < contexts.size(); ++i) {
      states[i] = static_cast<int>(random() % 63);
      most_probable[i] = random() % 2 != 0;
      contexts[i] = static_cast<CabacContext>(states[i] * 2 + (most_probable[i] ? 1 : 0));
    }
    bool ended = false;
    size_t differences = 0;
    for (int step = 0; step < 3000 && !ended; ++step) {
      const uint32_t kind = random() % 16;
      const size_t context = random() % contexts.size();
      if (kind < 11) {
        const bool expected = plain.decision(states[context], most_probable[context]);
        if (kind % 2 == 0) {
          differences += expected != engine.decision(contexts[context]);
        } else {
          CabacEngine::Local local(engine);
          differences += expected != local.decision(contexts[context]);
        }
        differences += contexts[context] != states[context] * 2 + (most_probable[context] ? 1 : 0);
      } else if (kind < 15) {
        differences += plain.bypass() != engine.bypass();
      } else {
        ended = plain.terminate();
        differences += ended != engine.terminate();
      }
      if (plain.position() <= data.size() * 8) {
        differences += plain.position() != engine.position();
        differences += engine.overrun();
      }
    }
    if (plain.position() > data.size() * 8 + 128) CHECK(engine.overrun());
    CHECK(differences == 0);
  }
}

TEST_CASE("rangeTabLPS and transIdxLPS have the values of tables 9-44 and 9-45") {
  CHECK(kRangeLps[0] == std::array<uint8_t, 4>{128, 176, 208, 240});
  CHECK(kRangeLps[10] == std::array<uint8_t, 4>{85, 104, 123, 142});
  CHECK(kRangeLps[31] == std::array<uint8_t, 4>{29, 35, 41, 48});
  CHECK(kRangeLps[62] == std::array<uint8_t, 4>{6, 7, 8, 9});
  CHECK(kRangeLps[63] == std::array<uint8_t, 4>{2, 2, 2, 2});
  for (size_t state = 1; state < 63; ++state) {
    for (size_t q = 0; q < 4; ++q) CHECK(kRangeLps[state][q] <= kRangeLps[state - 1][q]);
    CHECK(kNextStateLps[state] >= kNextStateLps[state - 1]);
    CHECK(kNextStateLps[state] <= state);
  }
  CHECK(kNextStateLps[62] == 38);
  CHECK(kNextStateLps[63] == 63);
}

TEST_CASE("contexts begin with the values of tables 9-12 to 9-24") {
  struct Known {
    size_t table, context;
    int m, n;
  };
  const Known known = GENERATE(
      Known{0, 0, 20, -15}, Known{0, 10, 7, 51}, Known{1, 11, 23, 33}, Known{2, 11, 22, 25},
      Known{3, 11, 29, 16}, Known{1, 40, -3, 69}, Known{0, 60, 0, 41}, Known{0, 70, 0, 11},
      Known{1, 70, 0, 45}, Known{2, 70, 13, 15}, Known{3, 70, 7, 34}, Known{0, 105, -7, 93},
      Known{0, 227, -3, 71}, Known{0, 399, 31, 21}, Known{1, 399, 12, 40}, Known{0, 402, -17, 120});
  CAPTURE(known.table, known.context);
  const CabacInitialisation& entry = kCabacInitialisations[known.table][known.context];
  CHECK(entry.m == known.m);
  CHECK(entry.n == known.n);
}

TEST_CASE("pStateIdx and valMPS follow from m, n and the slice's QP") {
  // 9.3.1.1: preCtxState of context 0 is (20 * 26 >> 4) - 15 = 17, so pStateIdx 46, valMPS 0; that
  // of context 70 in P slices of cabac_init_idc 0 is 45: pStateIdx 18, valMPS 0; of context 60 41.
  CabacContexts contexts;
  contexts.initialise(26, 0);
  CHECK(contexts.variables[0] == 46 * 2);
  CHECK(contexts.variables[60] == 22 * 2);
  contexts.initialise(26, 1);
  CHECK(contexts.variables[70] == 18 * 2);
  // (23 * 51 >> 4) + 33 = 106: pStateIdx 42, valMPS 1.
  contexts.initialise(51, 1);
  CHECK(contexts.variables[11] == 42 * 2 + 1);
}

}  // namespace daedalus::core::h264
