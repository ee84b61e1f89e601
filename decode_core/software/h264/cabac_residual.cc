// CABAC's residual blocks (7.3.5.3.3, 9.3.3.1.1.9, 9.3.3.1.3).
#include "decode_core/software/h264/cabac_syntax.h"

namespace daedalus::core::h264 {
namespace {

// ctxIdxOffset plus ctxIdxBlockCatOffset (tables 9-34, 9-40), by BlockCategory.
constexpr std::array<uint16_t, 5> kCodedBlockFlag = {85, 89, 93, 97, 101};
constexpr std::array<std::array<uint16_t, 6>, 2> kSignificant = {{
    {{105, 120, 134, 149, 152, 402}},
    {{277, 292, 306, 321, 324, 436}},
}};
constexpr std::array<std::array<uint16_t, 6>, 2> kLast = {{
    {{166, 181, 195, 210, 213, 417}},
    {{338, 353, 367, 382, 385, 451}},
}};
constexpr std::array<uint16_t, 6> kAbsoluteLevel = {227, 237, 247, 257, 266, 426};

// The contexts of coeff_abs_level_minus1 of one block, as its levels so far say (9.3.3.1.3).
template <BlockCategory kCategory>
class LevelContexts {
 public:
  explicit LevelContexts(CabacContext* contexts) : contexts_(contexts) {}
  CabacContext& first() const { return contexts_[first_]; }
  CabacContext& others() const { return contexts_[5 + greater_]; }
  void count_one() { first_ += first_ - 1 < 3 ? 1 : 0; }
  void count_greater() {
    first_ = 0;
    greater_ += greater_ < kMostGreater ? 1 : 0;
  }

 private:
  static constexpr unsigned kMostGreater = kCategory == BlockCategory::kChromaDc ? 3 : 4;
  CabacContext* contexts_;
  unsigned first_ = 1;  // 1 and the levels of 1, 4 at most; 0 after one that was greater
  unsigned greater_ = 0;
};

// coeff_abs_level_minus1 + 1 and coeff_sign_flag.
template <BlockCategory kCategory>
[[gnu::always_inline]] inline int32_t decode_level(CabacEngine::Local& engine,
                                                   LevelContexts<kCategory>& contexts) {
  uint32_t level = 1;
  if (!engine.decision(contexts.first())) {
    contexts.count_one();
  } else {
    constexpr uint32_t kEscape = 15;
    CabacContext& context = contexts.others();
    contexts.count_greater();
    level = 2;
    while (level < kEscape && engine.decision(context)) ++level;
    if (level == kEscape) level += engine.exp_golomb(0);
  }
  const int32_t sign = engine.bypass() ? -1 : 0;
  return (static_cast<int32_t>(level) ^ sign) - sign;
}

// Calls sink(levelListIdx, level) for each coefficient, the last first. How many there are;
// last: the highest levelListIdx.
template <BlockCategory kCategory, unsigned kCount, typename Sink>
inline unsigned decode_block(CabacEngine& shared, CabacContexts& all, bool field, unsigned& last,
                             Sink&& sink) {
  constexpr auto kIndex = static_cast<size_t>(kCategory);
  CabacContext* significant = &all.variables[kSignificant[field][kIndex]];
  CabacContext* last_contexts = &all.variables[kLast[field][kIndex]];
  CabacEngine::Local engine(shared);
  std::array<uint8_t, kCount> places;
  uint8_t* end = places.data();
  unsigned i = 0;
  const uint8_t* increments = kSignificantIncrement8x8[field].data();
  for (; i < kCount - 1; ++i) {
    const unsigned increment = kCategory == BlockCategory::kLuma8x8 ? increments[i] : i;
    if (!engine.decision(significant[increment])) continue;
    *end++ = static_cast<uint8_t>(i);
    const unsigned last_increment = kCategory == BlockCategory::kLuma8x8 ? kLastIncrement8x8[i] : i;
    if (engine.decision(last_contexts[last_increment])) break;
  }
  if (i == kCount - 1) *end++ = static_cast<uint8_t>(i);
  last = end[-1];
  LevelContexts<kCategory> levels(&all.variables[kAbsoluteLevel[kIndex]]);
  const uint8_t* place = end;
  do {
    --place;
    sink(*place, decode_level(engine, levels));
  } while (place != places.data());
  return static_cast<unsigned>(end - places.data());
}

}  // namespace

// Of a 4x4 block; false: the block is done.
inline bool CabacSyntax::coded_block_flag(BlockCategory category, CoefficientCounts::Place place) {
  const size_t increment = (place.left != 0 ? 1 : 0) + (place.top != 0 ? 2 : 0);
  const bool coded = decision(kCodedBlockFlag[static_cast<size_t>(category)] + increment);
  if (!coded) place.set(0);
  return coded;
}

CabacSyntax::Block CabacSyntax::luma_4x4(MacroblockState& state, BlockCategory category, int x,
                                         int y, const LevelScale::Block4x4& scale, int16_t* out) {
  CoefficientCounts::Place place = state.counts.luma(x, y);
  if (!coded_block_flag(category, place)) return {};
  const bool ac = category == BlockCategory::kLumaAc;
  const uint8_t* scan = kScans4x4[state.field_scan].data() + (ac ? 1 : 0);
  const auto sink = [&](unsigned i, int32_t level) {
    out[scan[i]] = scale_4x4(level, scale[scan[i]]);
  };
  unsigned last = 0;
  const unsigned count = ac ? decode_block<BlockCategory::kLumaAc, 15>(engine_, contexts_,
                                                                       state.field_scan, last, sink)
                            : decode_block<BlockCategory::kLuma4x4, 16>(
                                  engine_, contexts_, state.field_scan, last, sink);
  place.set(static_cast<uint8_t>(count));
  return {true, ac || last > 0};
}

CabacSyntax::Block CabacSyntax::luma_8x8(MacroblockState& state, int x, int y,
                                         const LevelScale::Block8x8& scale, int16_t* out) {
  const uint8_t* scan = kScans8x8[state.field_scan].data();
  unsigned last = 0;
  const unsigned count = decode_block<BlockCategory::kLuma8x8, 64>(
      engine_, contexts_, state.field_scan, last,
      [&](unsigned i, int32_t level) { out[scan[i]] = scale_8x8(level, scale[scan[i]]); });
  state.counts.set_8x8(x, y, static_cast<uint8_t>(count));
  return {true, last > 0};
}

CabacSyntax::Block CabacSyntax::chroma_ac(MacroblockState& state, int component, int x, int y,
                                          const LevelScale::Block4x4& scale, int16_t* out) {
  CoefficientCounts::Place place = state.counts.chroma(component, x, y);
  if (!coded_block_flag(BlockCategory::kChromaAc, place)) return {};
  const uint8_t* scan = kScans4x4[state.field_scan].data() + 1;
  unsigned last = 0;
  place.set(static_cast<uint8_t>(decode_block<BlockCategory::kChromaAc, 15>(
      engine_, contexts_, state.field_scan, last,
      [&](unsigned i, int32_t level) { out[scan[i]] = scale_4x4(level, scale[scan[i]]); })));
  return {true, true};
}

// The flags of DC blocks are bits of MacroblockContext::dc_blocks.
bool CabacSyntax::luma_dc(MacroblockState& state, std::array<int32_t, 16>& levels) {
  const auto flag = [&](const MacroblockContext& context) {
    const bool there = context.slice != MacroblockContext::kNoSlice;
    return there ? (context.dc_blocks & 1) != 0 : state.intra;
  };
  const size_t increment =
      (flag(*state.near.left[0].context) ? 1 : 0) + (flag(*state.near.top.context) ? 2 : 0);
  if (!decision(kCodedBlockFlag[0] + increment)) return false;
  state.context->dc_blocks |= 1;
  const uint8_t* scan = kScans4x4[state.field_scan].data();
  unsigned last = 0;
  decode_block<BlockCategory::kLumaDc, 16>(
      engine_, contexts_, state.field_scan, last,
      [&](unsigned i, int32_t level) { levels[scan[i]] = level; });
  return true;
}

bool CabacSyntax::chroma_dc(MacroblockState& state, int component, std::array<int32_t, 4>& levels) {
  const unsigned bit = 2u << component;
  const auto flag = [&](const MacroblockContext& context) {
    const bool there = context.slice != MacroblockContext::kNoSlice;
    return there ? (context.dc_blocks & bit) != 0 : state.intra;
  };
  const size_t increment =
      (flag(*state.near.left[0].context) ? 1 : 0) + (flag(*state.near.top.context) ? 2 : 0);
  if (!decision(kCodedBlockFlag[static_cast<size_t>(BlockCategory::kChromaDc)] + increment)) {
    return false;
  }
  state.context->dc_blocks |= static_cast<uint8_t>(bit);
  unsigned last = 0;
  decode_block<BlockCategory::kChromaDc, 4>(engine_, contexts_, state.field_scan, last,
                                            [&](unsigned i, int32_t level) { levels[i] = level; });
  return true;
}

}  // namespace daedalus::core::h264
