#include "decode_core/headers/hevc_reference_set.h"

#include <array>

namespace daedalus::headers {
namespace {

constexpr uint32_t kMaxDelta = 1u << 15;  // 7.4.8: of delta_poc_s*_minus1 + 1 and the like

// What is said of one picture of the set that another is predicted from.
struct Choice {
  bool used = false;  // used_by_curr_pic_flag
  bool kept = false;  // use_delta_flag
};

// Equations 7-61 and 7-62: the deltas of `reference`, moved by `delta_rps`, and `delta_rps` itself.
HevcReferenceSet moved(const HevcReferenceSet& reference, int32_t delta_rps,
                       std::span<const Choice> choices) {
  HevcReferenceSet set;
  const size_t negatives = reference.negative.size();
  const size_t positives = reference.positive.size();
  const auto take = [&](std::vector<HevcReferenceDelta>& list, bool below_zero, int32_t delta,
                        size_t choice) {
    const auto [used, kept] = choices[choice];
    if (kept && (below_zero ? delta < 0 : delta > 0)) list.push_back({delta, used});
  };
  for (size_t j = positives; j-- > 0;) {
    take(set.negative, true, reference.positive[j].delta + delta_rps, negatives + j);
  }
  take(set.negative, true, delta_rps, reference.size());
  for (size_t j = 0; j < negatives; ++j) {
    take(set.negative, true, reference.negative[j].delta + delta_rps, j);
  }
  for (size_t j = negatives; j-- > 0;) {
    take(set.positive, false, reference.negative[j].delta + delta_rps, j);
  }
  take(set.positive, false, delta_rps, reference.size());
  for (size_t j = 0; j < positives; ++j) {
    take(set.positive, false, reference.positive[j].delta + delta_rps, negatives + j);
  }
  return set;
}

std::optional<HevcReferenceSet> read_predicted(BitReader& reader,
                                               const HevcReferenceSet& reference) {
  const bool negative = reader.flag();
  const uint32_t absolute_minus1 = reader.ue();
  if (absolute_minus1 >= kMaxDelta) return std::nullopt;
  const auto absolute = static_cast<int32_t>(absolute_minus1 + 1);
  std::array<Choice, kHevcMaxReferences + 1> choices{};
  for (size_t j = 0; j <= reference.size(); ++j) {
    choices[j].used = reader.flag();
    choices[j].kept = choices[j].used || reader.flag();
  }
  HevcReferenceSet set = moved(reference, negative ? -absolute : absolute, choices);
  if (set.size() > kHevcMaxReferences) return std::nullopt;
  return set;
}

bool read_deltas(BitReader& reader, uint32_t count, int32_t sign,
                 std::vector<HevcReferenceDelta>& deltas) {
  int32_t delta = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t step_minus1 = reader.ue();
    if (step_minus1 >= kMaxDelta) return false;
    delta += sign * static_cast<int32_t>(step_minus1 + 1);
    deltas.push_back({delta, reader.flag()});
  }
  return true;
}

}  // namespace

std::optional<HevcReferenceSet> read_hevc_reference_set(BitReader& reader,
                                                        std::span<const HevcReferenceSet> earlier,
                                                        HevcSetPlace place) {
  const bool predicted = !earlier.empty() && reader.flag();
  if (predicted) {
    const uint32_t back = place == HevcSetPlace::kSlice ? reader.ue() : 0;  // delta_idx_minus1
    if (back >= earlier.size()) return std::nullopt;
    return read_predicted(reader, earlier[earlier.size() - 1 - back]);
  }
  const uint32_t negatives = reader.ue();
  const uint32_t positives = reader.ue();
  if (negatives > kHevcMaxReferences || positives > kHevcMaxReferences - negatives) {
    return std::nullopt;
  }
  HevcReferenceSet set;
  if (!read_deltas(reader, negatives, -1, set.negative) ||
      !read_deltas(reader, positives, 1, set.positive)) {
    return std::nullopt;
  }
  return set;
}

}  // namespace daedalus::headers
