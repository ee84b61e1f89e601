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

// In 4x4 blocks.
struct Part {
  int x;
  int y;
  int width;
  int height;
};

struct Parts {
  size_t count;
  std::array<Part, 4> parts;
};

// The parts of a square of `size` blocks.
Parts parts_of(Partition partition, int size) {
  const int half = size / 2;
  switch (partition) {
    case Partition::kWhole:
      return {1, {{{0, 0, size, size}}}};
    case Partition::kUpperLower:
      return {2, {{{0, 0, size, half}, {0, half, size, half}}}};
    case Partition::kLeftRight:
      return {2, {{{0, 0, half, size}, {half, 0, half, size}}}};
    case Partition::kQuarters:
      break;
  }
  return {4,
          {{{0, 0, half, half},
            {half, 0, half, half},
            {0, half, half, half},
            {half, half, half, half}}}};
}

int quarter_x(size_t quarter) { return static_cast<int>(quarter % 2) * 2; }
int quarter_y(size_t quarter) { return static_cast<int>(quarter / 2) * 2; }

uint8_t magnitude(int difference) {
  return static_cast<uint8_t>(std::min(std::abs(difference), 127));
}

}  // namespace

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

void MacroblockParser::load_motion(bool with_contexts) {
  for (size_t list = 0; list < lists(); ++list) {
    motion_[list].load(*picture_.list.motion, list, state_.near, picture_.list.mbaff, field_);
    if (with_contexts) {
      motion_contexts_[list].load(state_.near, list, picture_.list.mbaff, field_);
    }
  }
}

void MacroblockParser::store_motion(bool with_contexts) {
  MotionField& motion = *picture_.list.motion;
  for (size_t list = 0; list < lists(); ++list) {
    motion_[list].store(motion, list, number_);
    if (with_contexts) motion_contexts_[list].store(*state_.context, list);
  }
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

// All of a direct macroblock.
void MacroblockParser::set_direct(const DirectMotion& motion) {
  set_direct_partition(motion);
  const bool whole = macroblock_->partition == Partition::kWhole;
  for (size_t list = 0; list < 2; ++list) {
    if (whole) {
      motion_[list].fill(0, 0, 4, 4, motion.references[list][0], motion.vectors[list][0]);
      continue;
    }
    for (size_t quarter = 0; quarter < 4; ++quarter) set_direct_quarter(motion, list, quarter);
  }
}

// Direct parts that move alike count as one.
void MacroblockParser::set_direct_partition(const DirectMotion& motion) {
  bool whole = true;
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    macroblock_->quarters[quarter] =
        motion.uniform[quarter] ? Partition::kWhole : Partition::kQuarters;
    whole &= motion.uniform[quarter];
    const auto corner = static_cast<size_t>(4 * quarter_y(quarter) + quarter_x(quarter));
    for (size_t list = 0; list < 2; ++list) {
      whole &= motion.references[list][quarter] == motion.references[list][0] &&
               motion.vectors[list][corner] == motion.vectors[list][0];
    }
  }
  macroblock_->partition = whole ? Partition::kWhole : Partition::kQuarters;
}

void MacroblockParser::skip() {
  MacroblockContext& context = *state_.context;
  macroblock_->kind = MacroblockKind::kInter;
  macroblock_->luma_qp = static_cast<int8_t>(qp_);
  context.flags |= MacroblockContext::kSkipped;
  load_motion(false);
  if (is_b()) {
    context.flags |= MacroblockContext::kDirect;
    DirectMotion motion;
    derive_direct(motion);
    set_direct(motion);
  } else {
    motion_[0].fill(0, 0, 4, 4, 0, motion_[0].predict_skip());
  }
  store_motion(false);
}

template <typename Syntax>
bool MacroblockParser::parse_inter(Syntax& syntax, unsigned type) {
  constexpr bool kContexts = Syntax::kIsCabac;
  macroblock_->kind = MacroblockKind::kInter;
  load_motion(kContexts);
  bool transform_8x8_allowed = picture_.transform_8x8;
  if (is_b() && type == 0) {
    state_.context->flags |= MacroblockContext::kDirect;
    DirectMotion motion;
    derive_direct(motion);
    set_direct(motion);
    transform_8x8_allowed &= picture_.inference_8x8;
  } else if (type == (is_b() ? kQuartersB : kQuartersP) || (!is_b() && type == kQuartersRef0)) {
    bool small_parts = false;
    if (!parse_quarters(syntax, !is_b() && type == kQuartersRef0, small_parts)) return false;
    transform_8x8_allowed &= !small_parts;
  } else {
    static constexpr std::array<Division, 3> kDivisionsP = {{
        {Partition::kWhole, {kL0, 0}},
        {Partition::kUpperLower, {kL0, kL0}},
        {Partition::kLeftRight, {kL0, kL0}},
    }};
    if (!parse_parts(syntax, is_b() ? kDivisionsB[type] : kDivisionsP[type])) return false;
  }
  store_motion(kContexts);
  const unsigned pattern = syntax.coded_block_pattern(state_.near, false, picture_.has_chroma);
  state_.context->coded_block_pattern = static_cast<uint8_t>(pattern);
  if ((pattern & 15) != 0 && transform_8x8_allowed && syntax.transform_8x8_flag(state_.near)) {
    state_.context->flags |= MacroblockContext::kTransform8x8;
    macroblock_->flags |= Macroblock::kTransform8x8;
  }
  return parse_residual(syntax, false);
}

template <typename Syntax>
bool MacroblockParser::parse_reference(Syntax& syntax, size_t list, int x, int y,
                                       unsigned& reference) {
  const unsigned limit = entries(list);
  reference = limit > 1 ? syntax.reference(motion_contexts_[list], x / 2, y / 2, limit) : 0;
  return reference < limit;
}

template <typename Syntax>
MotionVector MacroblockParser::parse_vector(Syntax& syntax, size_t list, int x, int y, int width,
                                            int height, MotionVector predicted) {
  MotionContexts& contexts = motion_contexts_[list];
  const std::array<int, 2> difference = syntax.mvd(contexts, x, y);
  if constexpr (Syntax::kIsCabac) {
    contexts.fill_mvd(x, y, width, height, {magnitude(difference[0]), magnitude(difference[1])});
  }
  return {static_cast<int16_t>(predicted.x + difference[0]),
          static_cast<int16_t>(predicted.y + difference[1])};
}

// mb_pred() of one or two parts.
template <typename Syntax>
bool MacroblockParser::parse_parts(Syntax& syntax, const Division& division) {
  macroblock_->partition = division.partition;
  const Parts parts = parts_of(division.partition, 4);
  std::array<std::array<unsigned, 2>, 2> references{};
  for (size_t list = 0; list < lists(); ++list) {
    for (size_t i = 0; i < parts.count; ++i) {
      if ((division.lists[i] >> list & 1) == 0) continue;
      const Part& part = parts.parts[i];
      if (!parse_reference(syntax, list, part.x, part.y, references[list][i])) return false;
      if constexpr (Syntax::kIsCabac) {
        motion_contexts_[list].fill_reference(part.x / 2, part.y / 2, part.width / 2,
                                              part.height / 2,
                                              static_cast<uint8_t>(references[list][i]));
      }
    }
  }
  for (size_t list = 0; list < lists(); ++list) {
    MotionCache& cache = motion_[list];
    for (size_t i = 0; i < parts.count; ++i) {
      const auto& [x, y, width, height] = parts.parts[i];
      if ((division.lists[i] >> list & 1) == 0) {
        cache.fill(x, y, width, height, MotionCache::kUnused, {});
        continue;
      }
      const auto reference = static_cast<int8_t>(references[list][i]);
      MotionVector predicted;
      if (division.partition == Partition::kUpperLower) {
        predicted = cache.predict_16x8(y, reference);
      } else if (division.partition == Partition::kLeftRight) {
        predicted = cache.predict_8x16(x, reference);
      } else {
        predicted = cache.predict(0, 0, 4, reference);
      }
      cache.fill(x, y, width, height, reference,
                 parse_vector(syntax, list, x, y, width, height, predicted));
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
  const Parts parts = parts_of(macroblock_->quarters[quarter], 2);
  for (size_t i = 0; i < parts.count; ++i) {
    const Part& part = parts.parts[i];
    const int x = quarter_x(quarter) + part.x;
    const int y = quarter_y(quarter) + part.y;
    const MotionVector predicted = cache.predict(x, y, part.width, reference);
    cache.fill(x, y, part.width, part.height, reference,
               parse_vector(syntax, list, x, y, part.width, part.height, predicted));
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
  std::array<std::array<unsigned, 4>, 2> references{};
  for (size_t list = 0; list < lists(); ++list) {
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      if ((used[quarter] >> list & 1) == 0 || first_references) continue;
      const int x = quarter_x(quarter);
      const int y = quarter_y(quarter);
      unsigned& reference = references[list][quarter];
      if (!parse_reference(syntax, list, x, y, reference)) return false;
      if constexpr (Syntax::kIsCabac) {
        motion_contexts_[list].fill_reference(x / 2, y / 2, 1, 1, static_cast<uint8_t>(reference));
      }
    }
  }
  for (size_t list = 0; list < lists(); ++list) {
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      if (used[quarter] == 0) {
        set_direct_quarter(direct, list, quarter);
      } else if ((used[quarter] >> list & 1) == 0) {
        motion_[list].fill(quarter_x(quarter), quarter_y(quarter), 2, 2, MotionCache::kUnused, {});
      } else {
        parse_quarter_vectors(syntax, list, quarter,
                              static_cast<int8_t>(references[list][quarter]));
      }
    }
  }
  return true;
}

template bool MacroblockParser::parse_inter(CabacSyntax& syntax, unsigned type);
template bool MacroblockParser::parse_inter(CavlcSyntax& syntax, unsigned type);

}  // namespace daedalus::core::h264
