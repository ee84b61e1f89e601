// Inter macroblocks: division, references and motion vectors (7.3.5.1, 7.3.5.2, 8.4.1).
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "decode_core/software/h264/macroblock_parser.h"

namespace daedalus::core::h264 {
namespace {

constexpr uint8_t kL0 = 1;
constexpr uint8_t kL1 = 2;
constexpr uint8_t kBi = 3;

// mb_type B_8x8 and P_8x8, P_8x8ref0 (tables 7-13, 7-14).
constexpr unsigned kQuartersP = 3;
constexpr unsigned kQuartersRef0 = 4;
constexpr unsigned kQuartersB = 22;

int quarter_x(size_t quarter) { return static_cast<int>(quarter % 2) * 2; }
int quarter_y(size_t quarter) { return static_cast<int>(quarter / 2) * 2; }

uint8_t magnitude(int difference) {
  return static_cast<uint8_t>(std::min(std::abs(difference), 127));
}

}  // namespace

// The parts of a square of `size` blocks, by Partition.
constexpr std::array<MacroblockParser::Parts, 4> MacroblockParser::parts_of_square(int size) {
  const int half = size / 2;
  return {{{1, {{{0, 0, size, size}}}},
           {2, {{{0, 0, size, half}, {0, half, size, half}}}},
           {2, {{{0, 0, half, size}, {half, 0, half, size}}}},
           {4,
            {{{0, 0, half, half},
              {half, 0, half, half},
              {0, half, half, half},
              {half, half, half, half}}}}}};
}
constexpr std::array<MacroblockParser::Parts, 4> MacroblockParser::kPartsOfMacroblock =
    parts_of_square(4);
constexpr std::array<MacroblockParser::Parts, 4> MacroblockParser::kPartsOfQuarter =
    parts_of_square(2);

// Table 7-14; of the direct type (0) only that it is whole.
const std::array<MacroblockParser::Division, 22> MacroblockParser::kDivisionsB = {{
    {Partition::kWhole, {0, 0}},          {Partition::kWhole, {kL0, 0}},
    {Partition::kWhole, {kL1, 0}},        {Partition::kWhole, {kBi, 0}},
    {Partition::kUpperLower, {kL0, kL0}}, {Partition::kLeftRight, {kL0, kL0}},
    {Partition::kUpperLower, {kL1, kL1}}, {Partition::kLeftRight, {kL1, kL1}},
    {Partition::kUpperLower, {kL0, kL1}}, {Partition::kLeftRight, {kL0, kL1}},
    {Partition::kUpperLower, {kL1, kL0}}, {Partition::kLeftRight, {kL1, kL0}},
    {Partition::kUpperLower, {kL0, kBi}}, {Partition::kLeftRight, {kL0, kBi}},
    {Partition::kUpperLower, {kL1, kBi}}, {Partition::kLeftRight, {kL1, kBi}},
    {Partition::kUpperLower, {kBi, kL0}}, {Partition::kLeftRight, {kBi, kL0}},
    {Partition::kUpperLower, {kBi, kL1}}, {Partition::kLeftRight, {kBi, kL1}},
    {Partition::kUpperLower, {kBi, kBi}}, {Partition::kLeftRight, {kBi, kBi}},
}};

// Table 7-18; the direct type (0) uses no list of its own.
const std::array<MacroblockParser::Division, 13> MacroblockParser::kSubDivisionsB = {{
    {Partition::kWhole, {0, 0}},
    {Partition::kWhole, {kL0, 0}},
    {Partition::kWhole, {kL1, 0}},
    {Partition::kWhole, {kBi, 0}},
    {Partition::kUpperLower, {kL0, 0}},
    {Partition::kLeftRight, {kL0, 0}},
    {Partition::kUpperLower, {kL1, 0}},
    {Partition::kLeftRight, {kL1, 0}},
    {Partition::kUpperLower, {kBi, 0}},
    {Partition::kLeftRight, {kBi, 0}},
    {Partition::kQuarters, {kL0, 0}},
    {Partition::kQuarters, {kL1, 0}},
    {Partition::kQuarters, {kBi, 0}},
}};

void MacroblockParser::load_motion(size_t list) {
  motion_[list].load(*picture_.list.motion, list, state_.near, picture_.list.mbaff, field_);
}

void MacroblockParser::load_contexts(size_t list) {
  motion_contexts_[list].load(state_.near, list, picture_.list.mbaff, field_);
}

// All of the macroblock moves alike.
void MacroblockParser::store_whole(size_t list, int8_t reference, MotionVector vector) {
  MotionField& motion = *picture_.list.motion;
  motion.references[list][number_] = {reference, reference, reference, reference};
  fill_vectors<16>(motion.vectors[list][number_].data(), vector);
}

// Intra, between macroblocks that may be predicted from it. The references are -1 already.
void MacroblockParser::set_no_motion() {
  for (size_t list = 0; list < lists(); ++list) {
    picture_.list.motion->vectors[list][number_].fill({});
  }
}

void MacroblockParser::derive_direct(DirectMotion& motion) {
  direct_->derive(x_, y_, field_, motion_, motion);
}

void MacroblockParser::set_direct_quarter(const DirectMotion& motion, size_t list, size_t quarter) {
  const int8_t reference = motion.references[list][quarter];
  const int x = quarter_x(quarter);
  const int y = quarter_y(quarter);
  const MotionVector* vectors = &motion.vectors[list][static_cast<size_t>(4 * y + x)];
  if (motion.uniform[quarter]) {
    motion_[list].fill(x, y, 2, 2, reference, vectors[0]);
    return;
  }
  for (int i = 0; i < 4; ++i) {
    motion_[list].fill(x + i % 2, y + i / 2, 1, 1, reference, vectors[i / 2 * 4 + i % 2]);
  }
}

// B_Skip and B_Direct_16x16. Parts that move alike count as one.
void MacroblockParser::parse_direct() {
  state_.context->flags |= MacroblockContext::kDirect;
  for (size_t list = 0; list < 2; ++list) load_motion(list);
  DirectMotion motion;
  derive_direct(motion);
  if (motion.whole) {
    for (size_t list = 0; list < 2; ++list) {
      store_whole(list, motion.references[list][0], motion.vectors[list][0]);
    }
    return;
  }
  macroblock_->partition = Partition::kQuarters;
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    if (!motion.uniform[quarter]) macroblock_->quarters[quarter] = Partition::kQuarters;
  }
  for (size_t list = 0; list < 2; ++list) {
    picture_.list.motion->references[list][number_] = motion.references[list];
    picture_.list.motion->vectors[list][number_] = motion.vectors[list];
  }
}

void MacroblockParser::skip() {
  macroblock_->kind = MacroblockKind::kInter;
  macroblock_->luma_qp = static_cast<int8_t>(qp_);
  state_.context->flags |= MacroblockContext::kSkipped;
  if (is_b()) return parse_direct();
  load_motion(0);
  store_whole(0, 0, motion_[0].predict_skip());
}

template <typename Syntax>
bool MacroblockParser::parse_inter(Syntax& syntax, unsigned type) {
  macroblock_->kind = MacroblockKind::kInter;
  bool transform_8x8_allowed = picture_.transform_8x8;
  if (is_b() && type == 0) {
    parse_direct();
    transform_8x8_allowed &= picture_.inference_8x8;
  } else {
    bool small_parts = false;
    if (!parse_motion(syntax, type, small_parts)) return false;
    transform_8x8_allowed &= !small_parts;
  }
  const unsigned pattern = syntax.coded_block_pattern(state_.near, false, picture_.has_chroma);
  state_.context->coded_block_pattern = static_cast<uint8_t>(pattern);
  if ((pattern & 15) != 0 && transform_8x8_allowed && syntax.transform_8x8_flag(state_.near)) {
    state_.context->flags |= MacroblockContext::kTransform8x8;
    macroblock_->flags |= Macroblock::kTransform8x8;
  }
  return parse_residual(syntax, false);
}

// All but direct macroblocks. small_parts: an 8x8 block is divided.
template <typename Syntax>
bool MacroblockParser::parse_motion(Syntax& syntax, unsigned type, bool& small_parts) {
  static constexpr std::array<Division, 3> kDivisionsP = {{
      {Partition::kWhole, {kL0, 0}},
      {Partition::kUpperLower, {kL0, kL0}},
      {Partition::kLeftRight, {kL0, kL0}},
  }};
  const bool references_0 = !is_b() && type == kQuartersRef0;
  const bool quarters = type == (is_b() ? kQuartersB : kQuartersP) || references_0;
  if (!quarters) {
    const Division& division = is_b() ? kDivisionsB[type] : kDivisionsP[type];
    macroblock_->partition = division.partition;
    if (division.partition == Partition::kWhole) return parse_whole(syntax, division.lists[0]);
  }
  for (size_t list = 0; list < lists(); ++list) {
    load_motion(list);
    if constexpr (Syntax::kIsCabac) load_contexts(list);
  }
  const bool valid = quarters
                         ? parse_quarters(syntax, references_0, small_parts)
                         : parse_halves(syntax, is_b() ? kDivisionsB[type] : kDivisionsP[type]);
  for (size_t list = 0; list < lists(); ++list) {
    motion_[list].store(*picture_.list.motion, list, number_);
    if constexpr (Syntax::kIsCabac) motion_contexts_[list].store(*state_.context, list);
  }
  return valid;
}

// used: whether the part has one; else it is left 0.
template <typename Syntax>
bool MacroblockParser::parse_reference(Syntax& syntax, size_t list, bool used, const Part& part,
                                       unsigned& reference) {
  const unsigned limit = entries(list);
  if (used && limit > 1) {
    reference = syntax.reference(motion_contexts_[list], part.x, part.y, limit);
  }
  if constexpr (Syntax::kIsCabac) {
    motion_contexts_[list].set_reference(part.x, part.y, part.width, part.height,
                                         static_cast<uint8_t>(reference));
  }
  return !used || reference < limit;
}

template <typename Syntax>
MotionVector MacroblockParser::parse_vector(Syntax& syntax, size_t list, const Part& part,
                                            MotionVector predicted) {
  MotionContexts& contexts = motion_contexts_[list];
  const std::array<int, 2> difference = syntax.mvd(contexts, part.x, part.y);
  if constexpr (Syntax::kIsCabac) {
    contexts.set_mvd(part.x, part.y, part.width, part.height,
                     {magnitude(difference[0]), magnitude(difference[1])});
  }
  return {static_cast<int16_t>(predicted.x + difference[0]),
          static_cast<int16_t>(predicted.y + difference[1])};
}

// A part that does not use the list.
template <typename Syntax>
void MacroblockParser::set_unused(size_t list, const Part& part) {
  const auto& [x, y, width, height] = part;
  motion_[list].fill(x, y, width, height, MotionCache::kUnused, {});
  if constexpr (Syntax::kIsCabac) motion_contexts_[list].set_mvd(x, y, width, height, {});
}

// mb_pred() of one part. used: its lists (bits 0 and 1).
template <typename Syntax>
bool MacroblockParser::parse_whole(Syntax& syntax, unsigned used) {
  const Part& whole = kPartsOfMacroblock[static_cast<size_t>(Partition::kWhole)].parts[0];
  std::array<unsigned, 2> references{};
  for (size_t list = 0; list < 2; ++list) {
    if ((used >> list & 1) == 0) continue;
    if constexpr (Syntax::kIsCabac) load_contexts(list);
    if (!parse_reference(syntax, list, true, whole, references[list])) return false;
  }
  for (size_t list = 0; list < lists(); ++list) {
    if ((used >> list & 1) == 0) {
      store_whole(list, MotionCache::kUnused, {});
      continue;
    }
    const auto reference = static_cast<int8_t>(references[list]);
    load_motion(list);
    const MotionVector predicted = motion_[list].predict(0, 0, 4, reference);
    store_whole(list, reference, parse_vector(syntax, list, whole, predicted));
    if constexpr (Syntax::kIsCabac) motion_contexts_[list].store(*state_.context, list);
  }
  return true;
}

// mb_pred() of two parts.
template <typename Syntax>
bool MacroblockParser::parse_halves(Syntax& syntax, const Division& division) {
  const Parts& halves = kPartsOfMacroblock[static_cast<size_t>(division.partition)];
  std::array<std::array<unsigned, 2>, 2> references{};
  const auto uses = [&](size_t half, size_t list) {
    return (division.lists[half] >> list & 1) != 0;
  };
  for (size_t list = 0; list < lists(); ++list) {
    for (size_t i = 0; i < 2; ++i) {
      if (!parse_reference(syntax, list, uses(i, list), halves.parts[i], references[list][i])) {
        return false;
      }
    }
  }
  for (size_t list = 0; list < lists(); ++list) {
    MotionCache& cache = motion_[list];
    for (size_t i = 0; i < 2; ++i) {
      const Part& half = halves.parts[i];
      if (!uses(i, list)) {
        set_unused<Syntax>(list, half);
        continue;
      }
      const auto reference = static_cast<int8_t>(references[list][i]);
      const MotionVector predicted = division.partition == Partition::kUpperLower
                                         ? cache.predict_16x8(half.y, reference)
                                         : cache.predict_8x16(half.x, reference);
      cache.fill(half.x, half.y, half.width, half.height, reference,
                 parse_vector(syntax, list, half, predicted));
    }
  }
  return true;
}

// The vectors of one 8x8 block.
template <typename Syntax>
void MacroblockParser::parse_quarter_vectors(Syntax& syntax, size_t list, size_t quarter,
                                             int8_t reference) {
  MotionCache& cache = motion_[list];
  cache.fill_reference(quarter_x(quarter), quarter_y(quarter), reference);
  const Parts& parts = kPartsOfQuarter[static_cast<size_t>(macroblock_->quarters[quarter])];
  for (size_t i = 0; i < parts.count; ++i) {
    Part part = parts.parts[i];
    part.x += quarter_x(quarter);
    part.y += quarter_y(quarter);
    const MotionVector predicted = cache.predict(part.x, part.y, part.width, reference);
    cache.fill(part.x, part.y, part.width, part.height, reference,
               parse_vector(syntax, list, part, predicted));
  }
}

// sub_mb_pred(). small_parts: a block is divided below 8x8.
template <typename Syntax>
bool MacroblockParser::parse_quarters(Syntax& syntax, bool first_references, bool& small_parts) {
  static constexpr std::array<Partition, 4> kSubDivisionsP = {
      Partition::kWhole, Partition::kUpperLower, Partition::kLeftRight, Partition::kQuarters};
  macroblock_->partition = Partition::kQuarters;
  std::array<uint8_t, 4> used{};  // lists by 8x8 block; none: direct
  bool any_direct = false;
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    const unsigned type = is_b() ? syntax.sub_mb_type_b() : syntax.sub_mb_type_p();
    if (type >= (is_b() ? kSubDivisionsB.size() : kSubDivisionsP.size())) return false;
    macroblock_->quarters[quarter] = is_b() ? kSubDivisionsB[type].partition : kSubDivisionsP[type];
    used[quarter] = is_b() ? kSubDivisionsB[type].lists[0] : kL0;
    if (used[quarter] == 0) {
      any_direct = true;
      small_parts |= !picture_.inference_8x8;
    }
    small_parts |= macroblock_->quarters[quarter] != Partition::kWhole;
  }
  DirectMotion direct;
  if (any_direct) {
    derive_direct(direct);
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      if (used[quarter] == 0 && !direct.uniform[quarter]) {
        macroblock_->quarters[quarter] = Partition::kQuarters;
      }
    }
  }
  const auto part_of = [](size_t quarter) {
    return Part{quarter_x(quarter), quarter_y(quarter), 2, 2};
  };
  std::array<std::array<unsigned, 4>, 2> references{};
  for (size_t list = 0; list < lists(); ++list) {
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      const bool coded = (used[quarter] >> list & 1) != 0 && !first_references;
      if (!parse_reference(syntax, list, coded, part_of(quarter), references[list][quarter])) {
        return false;
      }
    }
  }
  for (size_t list = 0; list < lists(); ++list) {
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      if ((used[quarter] >> list & 1) != 0) {
        parse_quarter_vectors(syntax, list, quarter,
                              static_cast<int8_t>(references[list][quarter]));
        continue;
      }
      set_unused<Syntax>(list, part_of(quarter));
      if (used[quarter] == 0) set_direct_quarter(direct, list, quarter);
    }
  }
  return true;
}

template bool MacroblockParser::parse_inter(CabacSyntax& syntax, unsigned type);
template bool MacroblockParser::parse_inter(CavlcSyntax& syntax, unsigned type);

}  // namespace daedalus::core::h264
