#include "decode_core/software/h264/edge_strengths.h"

#include <bit>
#include <cstring>

namespace daedalus::core::h264 {
namespace {

using Summary = EdgeStrengths::Summary;

bool is_intra(const Macroblock& macroblock) { return macroblock.kind != MacroblockKind::kInter; }

// nonzero_blocks is in the order of 6.4.3, whose index bits are y1 x1 y0 x0; raster is y1 y0 x1 x0.
uint32_t raster_mask(uint32_t by_index) {
  constexpr uint32_t kSwapped = 0x0C0C;
  const uint32_t difference = (by_index ^ (by_index >> 2)) & kSwapped;
  return by_index ^ difference ^ (difference << 2);
}

// Pictures are numbered by entry of the DPB and structure; unequal numbers are different pictures.
constexpr uint8_t kUnused = 0xFF;
constexpr uint8_t kUnknown = 63;  // no structure is 3

// How the reference indices of one macroblock are understood.
struct Referrer {
  const Slice& slice;
  bool field_of_frame;
  bool bottom;  // of a field macroblock

  uint8_t picture_of(size_t list, int8_t index) const {
    if (index < 0) return kUnused;
    const unsigned entry = static_cast<unsigned>(index) >> (field_of_frame ? 1 : 0);
    if (entry >= kMaxReferences) return kUnknown;
    const Reference& reference = slice.lists[list][entry];
    if (reference.entry == Reference::kMissing) return kUnknown;
    auto structure = static_cast<unsigned>(reference.structure);
    // 8.4.2.1: even indices are of the macroblock's own parity.
    if (field_of_frame) structure = bottom != ((index & 1) != 0) ? 2 : 1;
    return static_cast<uint8_t>(reference.entry * 4u + structure);
  }
};

uint64_t bit_of(uint8_t picture) { return picture == kUnused ? 0 : uint64_t{1} << (picture & 63); }

// Whether the pairing of one macroblock's first list with the other's second can match.
bool may_cross(const Summary& p, const Summary& q) {
  return ((p.used[0] & q.used[1]) | (p.used[1] & q.used[0])) != 0;
}

MacroblockStrengths intra_strengths(const Macroblock& macroblock, bool field,
                                    const FilteredNeighbours& neighbours) {
  constexpr EdgeStrength kInner = {3, 3, 3, 3};
  constexpr EdgeStrength kOuter = {4, 4, 4, 4};
  MacroblockStrengths strengths{};
  const bool all_edges = (macroblock.flags & Macroblock::kTransform8x8) == 0;
  for (auto& direction : strengths) {
    if (all_edges) direction[1] = direction[3] = kInner;
    direction[2] = kInner;
  }
  if (neighbours.left != kNoMacroblock) strengths[0][0] = kOuter;
  if (neighbours.top != kNoMacroblock) strengths[1][0] = field ? kInner : kOuter;
  return strengths;
}

// Vectors of four blocks, or of a byte for each of 16.
using Words = uint32_t __attribute__((vector_size(16)));
using Bytes = uint8_t __attribute__((vector_size(16)));
using Vectors = uint16_t __attribute__((vector_size(16)));  // x, y by turns

Words all(uint32_t value) { return Words{} + value; }

// The four blocks along one side of an edge.
struct Run {
  Words pictures[2];
  Vectors vectors[2];
};

// The motion of a macroblock's blocks.
class BlockMotion {
 public:
  BlockMotion(const Summary& summary, const MotionField& motion) : is_whole_(summary.is_whole) {
    for (size_t list = 0; list < 2; ++list) {
      const auto& [a, b, c, d] = summary.pictures[list];
      pictures_[list] = Words{a, b, c, d};
      vectors_[list] = summary.used[list] == 0 ? kNoVectors.data()
                                               : motion.vectors[list][summary.macroblock].data();
    }
  }

  template <size_t kColumn>
  Run column() const {
    constexpr int kUpper = kColumn / 2;
    Run run;
    for (size_t list = 0; list < 2; ++list) {
      run.pictures[list] = __builtin_shufflevector(pictures_[list], pictures_[list], kUpper, kUpper,
                                                   kUpper + 2, kUpper + 2);
      const MotionVector* const v = vectors_[list] + kColumn;
      run.vectors[list] =
          is_whole_ ? every(v[0]) : std::bit_cast<Vectors>(std::array{v[0], v[4], v[8], v[12]});
    }
    return run;
  }

  template <size_t kRow>
  Run row() const {
    constexpr int kLeft = kRow / 2 * 2;
    Run run;
    for (size_t list = 0; list < 2; ++list) {
      run.pictures[list] = __builtin_shufflevector(pictures_[list], pictures_[list], kLeft, kLeft,
                                                   kLeft + 1, kLeft + 1);
      std::memcpy(&run.vectors[list], vectors_[list] + kRow * 4, sizeof run.vectors[list]);
    }
    return run;
  }

 private:
  static constexpr std::array<MotionVector, 16> kNoVectors{};
  static Vectors every(MotionVector vector) {
    return reinterpret_cast<Vectors>(all(std::bit_cast<uint32_t>(vector)));
  }

  bool is_whole_;
  Words pictures_[2];  // by 8x8 block
  const MotionVector* vectors_[2];
};

// Compares the motion of blocks across an edge: ~0 where it differs, else 0.
class MotionComparison {
 public:
  // `field`: vectors count in the lines of a field.
  explicit MotionComparison(bool field)
      : near_(reinterpret_cast<Vectors>(all(field ? 0x00010003u : 0x00030003u))) {}

  // Whether other pictures are referred to, or vectors differ by a whole frame sample or more.
  Words differ(const Run& p, const Summary& p_summary, const Run& q,
               const Summary& q_summary) const {
    Words straight = differ(p, 0, q, 0);
    if ((p_summary.used[1] | q_summary.used[1]) != 0) straight |= differ(p, 1, q, 1);
    if (!may_cross(p_summary, q_summary)) return straight;
    return straight & (differ(p, 1, q, 0) | differ(p, 0, q, 1));
  }

 private:
  Words differ(const Run& p, size_t p_list, const Run& q, size_t q_list) const {
    const Words& pictures = q.pictures[q_list];
    const auto others = reinterpret_cast<Words>(p.pictures[p_list] != pictures);
    const auto are_used = reinterpret_cast<Words>(pictures != all(kUnused));
    // Vectors of conforming streams are never 2^15 apart: a small distance is one.
    const Vectors distance = p.vectors[p_list] - q.vectors[q_list];
    const auto far = reinterpret_cast<Words>(distance + near_ > near_ + near_);
    return others | (are_used & reinterpret_cast<Words>(far != 0));
  }

  const Vectors near_;
};

// A byte for each word of four.
Bytes narrow(const std::array<Words, 4>& edges) {
  const auto halves = [](Words a, Words b) {
    return __builtin_shufflevector(reinterpret_cast<Vectors>(a), reinterpret_cast<Vectors>(b), 0, 2,
                                   4, 6, 8, 10, 12, 14);
  };
  return __builtin_shufflevector(reinterpret_cast<Bytes>(halves(edges[0], edges[1])),
                                 reinterpret_cast<Bytes>(halves(edges[2], edges[3])), 0, 2, 4, 6, 8,
                                 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}

using Directed = std::array<EdgeStrength, 4>;

// bS by edge and run. `coded`: bytes by edge and run in which the bits `bits` say that blocks on
// either side have coefficients.
Directed strengths_of(Bytes coded, Bytes bits, const std::array<Words, 4>& different) {
  const Bytes two = reinterpret_cast<Bytes>(all(0x02020202));
  return std::bit_cast<Directed>((coded & bits) != 0 ? two : narrow(different) & 1);
}

// `coded`: bit per block in raster order whose left edge has coefficients on either side.
Directed vertical_strengths(uint32_t coded, const std::array<Words, 4>& different) {
  constexpr Bytes kBits = {1, 16, 1, 16, 2, 32, 2, 32, 4, 64, 4, 64, 8, 128, 8, 128};
  const uint32_t column = (coded & 0xFF) * 0x0101 | (coded >> 8 & 0xFF) * 0x01010000;
  return strengths_of(reinterpret_cast<Bytes>(all(column)), kBits, different);
}

// `coded`: the same for upper edges.
Directed horizontal_strengths(uint32_t coded, const std::array<Words, 4>& different) {
  constexpr Bytes kBits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  constexpr uint32_t kEach = 0x01010101;
  const uint32_t upper = (coded & 0xFF) * kEach;
  const uint32_t lower = (coded >> 8 & 0xFF) * kEach;
  return strengths_of(reinterpret_cast<Bytes>(Words{upper, upper, lower, lower}), kBits, different);
}

uint8_t mixed_strength(const PictureList& list, MixedBlock p, MixedBlock q, uint8_t intra) {
  const Macroblock& p_macroblock = list.macroblocks[p.macroblock];
  const Macroblock& q_macroblock = list.macroblocks[q.macroblock];
  if (is_intra(p_macroblock) || is_intra(q_macroblock)) return intra;
  const bool coded = ((raster_mask(p_macroblock.nonzero_blocks) >> p.block |
                       raster_mask(q_macroblock.nonzero_blocks) >> q.block) &
                      1) != 0;
  return coded ? 2 : 1;
}

}  // namespace

EdgeStrengths::EdgeStrengths(const PictureList& list) : list_(list) {
  // In an MBAFF frame two rows lie between field macroblocks.
  summaries_.resize(std::bit_ceil(size_t{list.width} * (list.mbaff ? 2 : 1) + 1));
}

const Summary& EdgeStrengths::summary_of(uint32_t macroblock) {
  Summary& summary = summaries_[macroblock & (summaries_.size() - 1)];
  if (summary.macroblock != macroblock) summary = summarize(macroblock);
  return summary;
}

Summary EdgeStrengths::summarize(uint32_t index) const {
  const Macroblock& macroblock = list_.macroblocks[index];
  const bool field_of_frame = (macroblock.flags & Macroblock::kField) != 0;
  const Referrer referrer = {list_.slices[macroblock.slice], field_of_frame,
                             field_of_frame && (index / list_.width & 1) != 0};
  Summary summary;
  summary.macroblock = index;
  summary.coded = static_cast<uint16_t>(raster_mask(macroblock.nonzero_blocks));
  summary.is_intra = is_intra(macroblock);
  summary.is_whole = macroblock.partition == Partition::kWhole;
  for (size_t list = 0; list < 2; ++list) {
    const auto& all_references = list_.motion->references[list];
    auto& pictures = summary.pictures[list];
    if (index >= all_references.size()) {
      pictures.fill(kUnused);
      continue;
    }
    const auto& references = all_references[index];
    pictures.fill(referrer.picture_of(list, references[0]));
    for (size_t block = 1; block < 4; ++block) {
      if (references[block] == references[0]) continue;
      pictures[block] = referrer.picture_of(list, references[block]);
      summary.used[list] |= bit_of(pictures[block]);
    }
    summary.used[list] |= bit_of(pictures[0]);
  }
  return summary;
}

MacroblockStrengths EdgeStrengths::of(uint32_t index, const FilteredNeighbours& neighbours) {
  const Macroblock& macroblock = list_.macroblocks[index];
  const bool field =
      list_.structure != PictureStructure::kFrame || (macroblock.flags & Macroblock::kField) != 0;
  if (is_intra(macroblock)) return intra_strengths(macroblock, field, neighbours);
  const Summary& own = summary_of(index);
  const Summary& left = neighbours.left == kNoMacroblock ? own : summary_of(neighbours.left);
  const Summary& top = neighbours.top == kNoMacroblock ? own : summary_of(neighbours.top);
  MacroblockStrengths strengths = inter_strengths(own, left, top, field);
  const auto fill = [](EdgeStrength& edge, uint8_t strength) { edge.fill(strength); };
  if (neighbours.left == kNoMacroblock) {
    fill(strengths[0][0], 0);
  } else if (left.is_intra) {
    fill(strengths[0][0], 4);
  }
  if (neighbours.top == kNoMacroblock) {
    fill(strengths[1][0], 0);
  } else if (top.is_intra) {
    fill(strengths[1][0], field ? 3 : 4);
  }
  return strengths;
}

// As if the neighbours were inter coded as well.
MacroblockStrengths EdgeStrengths::inter_strengths(const Summary& own, const Summary& left,
                                                   const Summary& top, bool field) const {
  const MotionField& motion = *list_.motion;
  const MotionComparison comparison(field);
  const BlockMotion blocks(own, motion);
  std::array<Words, 4> beside{};
  std::array<Words, 4> below{};
  beside[0] =
      comparison.differ(BlockMotion(left, motion).column<3>(), left, blocks.column<0>(), own);
  below[0] = comparison.differ(BlockMotion(top, motion).row<3>(), top, blocks.row<0>(), own);
  // With 8x8 transforms two of four edges are filtered.
  const bool all_edges = (list_.macroblocks[own.macroblock].flags & Macroblock::kTransform8x8) == 0;
  if (!own.is_whole) {
    const auto inner = [&](const Run& p, const Run& q) {
      return comparison.differ(p, own, q, own);
    };
    if (all_edges) {
      beside[1] = inner(blocks.column<0>(), blocks.column<1>());
      beside[3] = inner(blocks.column<2>(), blocks.column<3>());
      below[1] = inner(blocks.row<0>(), blocks.row<1>());
      below[3] = inner(blocks.row<2>(), blocks.row<3>());
    }
    beside[2] = inner(blocks.column<1>(), blocks.column<2>());
    below[2] = inner(blocks.row<1>(), blocks.row<2>());
  }
  constexpr uint32_t kFirstColumn = 0x1111;
  const uint32_t coded = own.coded;
  const uint32_t filtered_columns = all_edges ? 0xFFFF : 0x5555;
  const uint32_t filtered_rows = all_edges ? 0xFFFF : 0x0F0F;
  const uint32_t beside_coded =
      coded | (coded << 1 & ~kFirstColumn) | (left.coded >> 3 & kFirstColumn);
  const uint32_t below_coded = coded | coded << 4 | uint32_t{top.coded} >> 12;
  return {vertical_strengths(beside_coded & filtered_columns, beside),
          horizontal_strengths(below_coded & filtered_rows, below)};
}

uint8_t mixed_vertical_strength(const PictureList& list, MixedBlock p, MixedBlock q) {
  return mixed_strength(list, p, q, 4);
}

uint8_t mixed_horizontal_strength(const PictureList& list, MixedBlock p, MixedBlock q) {
  return mixed_strength(list, p, q, 3);
}

}  // namespace daedalus::core::h264
