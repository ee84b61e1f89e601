#include "decode_core/software/h264/cabac_syntax.h"

namespace daedalus::core::h264 {
namespace {

// ctxIdxOffset of each element (table 9-34).
constexpr size_t kMbTypeI = 3;
constexpr size_t kSkipP = 11;
constexpr size_t kMbTypeP = 14;
constexpr size_t kMbTypePIntra = 17;
constexpr size_t kSubMbTypeP = 21;
constexpr size_t kSkipB = 24;
constexpr size_t kMbTypeB = 27;
constexpr size_t kMbTypeBIntra = 32;
constexpr size_t kSubMbTypeB = 36;
constexpr std::array<size_t, 2> kMvd = {40, 47};
constexpr size_t kReference = 54;
constexpr size_t kQpDelta = 60;
constexpr size_t kChromaMode = 64;
constexpr size_t kPreviousIntraMode = 68;
constexpr size_t kRemainingIntraMode = 69;
constexpr size_t kFieldFlag = 70;
constexpr size_t kPatternLuma = 73;
constexpr size_t kPatternChroma = 77;
constexpr size_t kTransform8x8 = 399;

// The first of table 7-14's intra types.
constexpr unsigned kFirstIntraB = 23;

// More than any conforming value has.
constexpr unsigned kMostQpDeltaBins = 110;

}  // namespace

bool CabacSyntax::skip_flag(const Neighbours& near, bool b_slice) {
  const auto counts = [](const MacroblockContext& context) {
    return !context.has(MacroblockContext::kSkipped) ? 1u : 0u;
  };
  return decision((b_slice ? kSkipB : kSkipP) + counts(*near.left[0].context) +
                  counts(*near.top.context));
}

bool CabacSyntax::field_flag(const MacroblockContext& left_pair,
                             const MacroblockContext& top_pair) {
  return decision(kFieldFlag + (left_pair.has(MacroblockContext::kField) ? 1 : 0) +
                  (top_pair.has(MacroblockContext::kField) ? 1 : 0));
}

// Behind the bins that are not the same in all slices (table 9-36).
unsigned CabacSyntax::intra_type(size_t base, bool i_slice) {
  const size_t wide = i_slice ? 1 : 0;
  if (engine_.terminate()) return 25;
  unsigned type = 1;
  if (decision(base + 1)) type += 12;
  if (decision(base + 2)) type += decision(base + 2 + wide) ? 8 : 4;
  if (decision(base + 3 + wide)) type += 2;
  if (decision(base + 3 + 2 * wide)) type += 1;
  return type;
}

unsigned CabacSyntax::mb_type_i(const Neighbours& near) {
  const auto counts = [](const MacroblockContext& context) {
    return !context.has(MacroblockContext::kNxN) ? 1u : 0u;
  };
  const size_t increment = counts(*near.left[0].context) + counts(*near.top.context);
  return decision(kMbTypeI + increment) ? intra_type(kMbTypeI + 2, true) : 0;
}

unsigned CabacSyntax::mb_type_p() {
  if (decision(kMbTypeP)) {
    return decision(kMbTypePIntra) ? 5 + intra_type(kMbTypePIntra, false) : 5;
  }
  if (decision(kMbTypeP + 1)) return decision(kMbTypeP + 3) ? 1 : 2;
  return decision(kMbTypeP + 2) ? 3 : 0;
}

// mb_type of B slices up to the prefix of intra types, which is their first one.
unsigned CabacSyntax::inter_type_b(const Neighbours& near) {
  const auto counts = [](const MacroblockContext& context) {
    return !context.has(MacroblockContext::kDirect) ? 1u : 0u;
  };
  CabacEngine::Local engine(engine_);
  const auto decision = [&](size_t context) {
    return engine.decision(contexts_.variables[context]);
  };
  if (!decision(kMbTypeB + counts(*near.left[0].context) + counts(*near.top.context))) return 0;
  if (!decision(kMbTypeB + 3)) return decision(kMbTypeB + 5) ? 2 : 1;
  unsigned bins = decision(kMbTypeB + 4) ? 1 : 0;
  for (int i = 0; i < 3; ++i) bins = bins << 1 | (decision(kMbTypeB + 5) ? 1 : 0);
  if (bins < 8) return bins + 3;
  if (bins == 13) return kFirstIntraB;
  if (bins == 14) return 11;
  if (bins == 15) return 22;
  return (bins << 1 | (decision(kMbTypeB + 5) ? 1 : 0)) - 4;
}

unsigned CabacSyntax::mb_type_b(const Neighbours& near) {
  const unsigned type = inter_type_b(near);
  if (type != kFirstIntraB || !decision(kMbTypeBIntra)) return type;
  return kFirstIntraB + intra_type(kMbTypeBIntra, false);
}

unsigned CabacSyntax::sub_mb_type_p() {
  if (decision(kSubMbTypeP)) return 0;
  if (!decision(kSubMbTypeP + 1)) return 1;
  return decision(kSubMbTypeP + 2) ? 2 : 3;
}

unsigned CabacSyntax::sub_mb_type_b() {
  if (!decision(kSubMbTypeB)) return 0;
  if (!decision(kSubMbTypeB + 1)) return decision(kSubMbTypeB + 3) ? 2 : 1;
  unsigned type = 3;
  if (decision(kSubMbTypeB + 2)) {
    if (decision(kSubMbTypeB + 3)) return decision(kSubMbTypeB + 3) ? 12 : 11;
    type += 4;
  }
  if (decision(kSubMbTypeB + 3)) type += 2;
  if (decision(kSubMbTypeB + 3)) type += 1;
  return type;
}

bool CabacSyntax::transform_8x8_flag(const Neighbours& near) {
  return decision(kTransform8x8 +
                  (near.left[0].context->has(MacroblockContext::kTransform8x8) ? 1 : 0) +
                  (near.top.context->has(MacroblockContext::kTransform8x8) ? 1 : 0));
}

int CabacSyntax::intra_mode() {
  if (decision(kPreviousIntraMode)) return -1;
  int mode = decision(kRemainingIntraMode) ? 1 : 0;
  mode |= decision(kRemainingIntraMode) ? 2 : 0;
  mode |= decision(kRemainingIntraMode) ? 4 : 0;
  return mode;
}

unsigned CabacSyntax::chroma_mode(const Neighbours& near) {
  const size_t increment = (near.left[0].context->chroma_mode != 0 ? 1 : 0) +
                           (near.top.context->chroma_mode != 0 ? 1 : 0);
  if (!decision(kChromaMode + increment)) return 0;
  if (!decision(kChromaMode + 3)) return 1;
  return decision(kChromaMode + 3) ? 3 : 2;
}

unsigned CabacSyntax::coded_block_pattern(const Neighbours& near, bool, bool has_chroma) {
  CabacEngine::Local engine(engine_);
  // 1: an 8x8 block has no coefficients.
  const auto empty_left = [&](size_t y) {
    const unsigned row = near.left_rows[2 * y] / 2u;
    return ~near.left[y].context->coded_block_pattern >> (2 * row + 1) & 1u;
  };
  const unsigned above = ~near.top.context->coded_block_pattern;
  const auto empty = [&](unsigned left, unsigned top) {
    return engine.decision(contexts_.variables[kPatternLuma + left + 2 * top]) ? 0u : 1u;
  };
  const unsigned block_0 = empty(empty_left(0), above >> 2 & 1);
  const unsigned block_1 = empty(block_0, above >> 3 & 1);
  const unsigned block_2 = empty(empty_left(1), block_0);
  const unsigned block_3 = empty(block_2, block_1);
  const unsigned pattern = 15 - (block_0 | block_1 << 1 | block_2 << 2 | block_3 << 3);
  if (!has_chroma) return pattern;
  const unsigned left = near.left[0].context->coded_block_pattern >> 4;
  const unsigned top = near.top.context->coded_block_pattern >> 4;
  CabacContext* chroma = &contexts_.variables[kPatternChroma];
  if (!engine.decision(chroma[(left != 0 ? 1 : 0) + (top != 0 ? 2 : 0)])) return pattern;
  const bool ac = engine.decision(chroma[4 + (left == 2 ? 1 : 0) + (top == 2 ? 2 : 0)]);
  return pattern | (ac ? 0x20 : 0x10);
}

int CabacSyntax::qp_delta() {
  CabacEngine::Local engine(engine_);
  const auto decision = [&](size_t context) {
    return engine.decision(contexts_.variables[context]);
  };
  if (!decision(kQpDelta + (last_qp_delta_ ? 1 : 0))) {
    last_qp_delta_ = false;
    return 0;
  }
  last_qp_delta_ = true;
  unsigned value = 1;
  size_t context = kQpDelta + 2;
  while (value < kMostQpDeltaBins && decision(context)) {
    context = kQpDelta + 3;
    ++value;
  }
  const int magnitude = static_cast<int>((value + 1) >> 1);
  return value % 2 != 0 ? magnitude : -magnitude;
}

unsigned CabacSyntax::reference(const MotionContexts& contexts, int x, int y, unsigned) {
  size_t increment = (contexts.left_references[static_cast<size_t>(y / 2)] != 0 ? 1 : 0) +
                     (contexts.top_references[static_cast<size_t>(x / 2)] != 0 ? 2 : 0);
  unsigned value = 0;
  while (value < 2 * kMaxReferences && decision(kReference + increment)) {
    ++value;
    increment = increment < 4 ? 4 : 5;
  }
  return value;
}

// One component: contexts from its ctxIdxOffset on; sum: absMvdComp of the neighbours.
[[gnu::always_inline]] inline int CabacSyntax::mvd_component(CabacEngine::Local& engine,
                                                             CabacContext* contexts, unsigned sum) {
  constexpr unsigned kEscape = 9;
  if (!engine.decision(contexts[(sum > 2 ? 1 : 0) + (sum > 32 ? 1 : 0)])) return 0;
  unsigned value = 1;
  size_t increment = 3;
  while (value < kEscape && engine.decision(contexts[increment])) {
    ++value;
    increment += increment < 6 ? 1 : 0;
  }
  if (value == kEscape) value += engine.exp_golomb(3);
  return engine.bypass() ? -static_cast<int>(value) : static_cast<int>(value);
}

std::array<int, 2> CabacSyntax::mvd(const MotionContexts& contexts, int x, int y) {
  const MotionContexts::Magnitudes left = contexts.left_mvd[static_cast<size_t>(y)];
  const MotionContexts::Magnitudes top = contexts.top_mvd[static_cast<size_t>(x)];
  CabacEngine::Local engine(engine_);
  std::array<int, 2> difference;
  for (size_t i = 0; i < 2; ++i) {
    difference[i] =
        mvd_component(engine, &contexts_.variables[kMvd[i]], unsigned{left[i]} + top[i]);
  }
  return difference;
}

bool CabacSyntax::ends_with_stop_bit() const {
  const size_t read = (engine_.position() + 7) / 8;
  const auto size = static_cast<size_t>(engine_.end() - engine_.begin());
  return read <= size && size - read <= 1;
}

const uint8_t* CabacSyntax::pcm_samples(size_t bytes) {
  const size_t first = (engine_.position() + 7) / 8;
  const auto size = static_cast<size_t>(engine_.end() - engine_.begin());
  if (first > size || bytes > size - first) return nullptr;
  const uint8_t* samples = engine_.begin() + first;
  engine_.start(samples + bytes, engine_.end());
  return samples;
}

}  // namespace daedalus::core::h264
