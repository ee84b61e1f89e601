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

  Referrer(const PictureList& list, uint32_t index)
      : slice(list.slices[list.macroblocks[index].slice]),
        field_of_frame((list.macroblocks[index].flags & Macroblock::kField) != 0),
        bottom(field_of_frame && (index / list.width & 1) != 0) {}

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

using Words = EdgeStrengths::Words;
using Run = EdgeStrengths::Run;
using Halves = uint16_t __attribute__((vector_size(16)));
using Bytes = uint8_t __attribute__((vector_size(16)));

Words all(uint32_t value) { return Words{} + value; }

// Compares the motion of blocks across an edge: ~0 where it differs, else 0.
class MotionComparison {
 public:
  // `field`: vectors count in the lines of a field.
  explicit MotionComparison(bool field)
      : near_(reinterpret_cast<Halves>(all(field ? 0x00010003u : 0x00030003u))) {}

  // Whether other pictures are referred to, or vectors differ by a whole frame sample or more.
  Words differ(const Run& p, const Summary& p_summary, const Run& q,
               const Summary& q_summary) const {
    Words straight = differ(p, 0, q, 0);
    if ((p_summary.used[1] | q_summary.used[1]) != 0) straight |= differ(p, 1, q, 1);
    const auto different = reinterpret_cast<Words>(straight != 0);
    if (!may_cross(p_summary, q_summary)) return different;
    return different & reinterpret_cast<Words>((differ(p, 1, q, 0) | differ(p, 0, q, 1)) != 0);
  }

 private:
  // Not 0 where they do.
  Words differ(const Run& p, size_t p_list, const Run& q, size_t q_list) const {
    const auto others = reinterpret_cast<Words>(p.pictures[p_list] != q.pictures[q_list]);
    // Vectors of conforming streams are never 2^15 apart: a small distance is one.
    const Halves distance =
        reinterpret_cast<Halves>(p.vectors[p_list]) - reinterpret_cast<Halves>(q.vectors[q_list]);
    return others | reinterpret_cast<Words>(distance + near_ > near_ + near_);
  }

  const Halves near_;
};

// A byte for each word of four.
Bytes narrow(const std::array<Words, 4>& edges) {
  const auto halves = [](Words a, Words b) {
    return __builtin_shufflevector(reinterpret_cast<Halves>(a), reinterpret_cast<Halves>(b), 0, 2,
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

// The motion of a macroblock whose blocks do not all move alike.
class EdgeStrengths::Blocks {
 public:
  Blocks(const EdgeStrengths& picture, uint32_t index) {
    const Referrer referrer(picture.list_, index);
    for (size_t i = 0; i < 2; ++i) {
      if (picture.references_[i] == nullptr) {
        set(i, all(kUnused), kNoVectors);
        continue;
      }
      const std::array<int8_t, 4>& references = picture.references_[i][index];
      const uint8_t first = referrer.picture_of(i, references[0]);
      Words quarters = all(first);
      used_[i] = bit_of(first);
      for (size_t block = 1; block < 4; ++block) {
        if (references[block] == references[0]) continue;
        const uint8_t other = referrer.picture_of(i, references[block]);
        used_[i] |= bit_of(other);
        quarters[block] = other;
      }
      set(i, quarters, picture.vectors_[i][index]);
    }
  }

  const std::array<uint64_t, 2>& used() const { return used_; }
  const Run& row(size_t y) const { return rows_[y]; }
  const Run& column(size_t x) const { return columns_[x]; }

 private:
  static constexpr std::array<MotionVector, 16> kNoVectors{};

  // `quarters`: numbers of pictures.
  void set(size_t list, Words quarters, const std::array<MotionVector, 16>& vectors) {
    const Words upper = __builtin_shufflevector(quarters, quarters, 0, 0, 1, 1);
    const Words lower = __builtin_shufflevector(quarters, quarters, 2, 2, 3, 3);
    const Words left = __builtin_shufflevector(quarters, quarters, 0, 0, 2, 2);
    const Words right = __builtin_shufflevector(quarters, quarters, 1, 1, 3, 3);
    Words v[4];
    std::memcpy(v, vectors.data(), sizeof v);
    for (size_t i = 0; i < 4; ++i) {
      const Words pictures = i < 2 ? upper : lower;
      v[i] &= reinterpret_cast<Words>(pictures != all(kUnused));
      rows_[i].pictures[list] = pictures;
      rows_[i].vectors[list] = v[i];
      columns_[i].pictures[list] = i < 2 ? left : right;
    }
    const Words first02 = __builtin_shufflevector(v[0], v[2], 0, 4, 1, 5);
    const Words first13 = __builtin_shufflevector(v[1], v[3], 0, 4, 1, 5);
    const Words last02 = __builtin_shufflevector(v[0], v[2], 2, 6, 3, 7);
    const Words last13 = __builtin_shufflevector(v[1], v[3], 2, 6, 3, 7);
    columns_[0].vectors[list] = __builtin_shufflevector(first02, first13, 0, 4, 1, 5);
    columns_[1].vectors[list] = __builtin_shufflevector(first02, first13, 2, 6, 3, 7);
    columns_[2].vectors[list] = __builtin_shufflevector(last02, last13, 0, 4, 1, 5);
    columns_[3].vectors[list] = __builtin_shufflevector(last02, last13, 2, 6, 3, 7);
  }

  std::array<uint64_t, 2> used_{};
  Run rows_[4];
  Run columns_[4];
};

EdgeStrengths::EdgeStrengths(const PictureList& list) : list_(list) {
  for (size_t i = 0; i < 2; ++i) {
    const MotionField& motion = *list.motion;
    const bool is_used = motion.references[i].size() >= list.macroblocks.size();
    references_[i] = is_used ? motion.references[i].data() : nullptr;
    vectors_[i] = is_used ? motion.vectors[i].data() : nullptr;
  }
  // In an MBAFF frame two rows lie between field macroblocks.
  summaries_.resize(std::bit_ceil(size_t{list.width} * (list.mbaff ? 2 : 1) + 1));
  place_mask_ = static_cast<uint32_t>(summaries_.size() - 1);
}

void EdgeStrengths::summarize(uint32_t index, Summary& summary) const {
  const Macroblock& macroblock = list_.macroblocks[index];
  summary.macroblock = index;
  summary.coded = static_cast<uint16_t>(raster_mask(macroblock.nonzero_blocks));
  summary.is_intra = is_intra(macroblock);
  summary.is_whole = macroblock.partition == Partition::kWhole;
  if (summary.is_whole) {
    summarize_motion(index, summary);
    return;
  }
  const Blocks blocks(*this, index);
  summary.used = blocks.used();
  summary.right = blocks.column(3);
  summary.bottom = blocks.row(3);
}

// Of a macroblock that is whole.
void EdgeStrengths::summarize_motion(uint32_t index, Summary& summary) const {
  const Referrer referrer(list_, index);
  for (size_t i = 0; i < 2; ++i) {
    const uint8_t number =
        references_[i] == nullptr ? kUnused : referrer.picture_of(i, references_[i][index][0]);
    const uint32_t vector = number == kUnused ? 0 : std::bit_cast<uint32_t>(vectors_[i][index][0]);
    summary.used[i] = bit_of(number);
    summary.right.pictures[i] = summary.bottom.pictures[i] = all(number);
    summary.right.vectors[i] = summary.bottom.vectors[i] = all(vector);
  }
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
  const MotionComparison comparison(field);
  // With 8x8 transforms two of four edges are filtered.
  const bool all_edges = (list_.macroblocks[own.macroblock].flags & Macroblock::kTransform8x8) == 0;
  std::array<Words, 4> beside{};
  std::array<Words, 4> below{};
  if (own.is_whole) {
    beside[0] = comparison.differ(left.right, left, own.right, own);
    below[0] = comparison.differ(top.bottom, top, own.right, own);
  } else {
    const Blocks blocks(*this, own.macroblock);
    beside[0] = comparison.differ(left.right, left, blocks.column(0), own);
    below[0] = comparison.differ(top.bottom, top, blocks.row(0), own);
    const size_t step = all_edges ? 1 : 2;
    for (size_t edge = step; edge < 4; edge += step) {
      beside[edge] = comparison.differ(blocks.column(edge - 1), own, blocks.column(edge), own);
      below[edge] = comparison.differ(blocks.row(edge - 1), own, blocks.row(edge), own);
    }
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
