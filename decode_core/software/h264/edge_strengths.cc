#include "decode_core/software/h264/edge_strengths.h"

#include <bit>
#include <cstring>

namespace daedalus::core::h264 {
namespace {

bool is_intra(const Macroblock& macroblock) { return macroblock.kind != MacroblockKind::kInter; }

// nonzero_blocks is in the order of 6.4.3, whose index bits are y1 x1 y0 x0; raster is y1 y0 x1 x0.
uint32_t raster_mask(uint32_t by_index) {
  constexpr uint32_t kSwapped = 0x0C0C;
  const uint32_t difference = (by_index ^ (by_index >> 2)) & kSwapped;
  return by_index ^ difference ^ (difference << 2);
}

// Which reference picture is meant, by entry of the DPB and structure; unequal ids are different
// pictures.
constexpr uint8_t kUnused = 0xFF;
constexpr uint8_t kUnknown = 63;  // no structure is 3

constexpr std::array<MotionVector, 16> kNoVectors{};

// What the lists of a macroblock refer to.
struct Motion {
  std::array<std::array<uint8_t, 4>, 2> pictures;  // by 8x8 block
  std::array<uint64_t, 2> used{};                  // bit per picture
  std::array<const MotionVector*, 2> vectors;      // by 4x4 block
};

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

Motion motion_of(const PictureList& picture, uint32_t index) {
  const Macroblock& macroblock = picture.macroblocks[index];
  const bool field_of_frame = (macroblock.flags & Macroblock::kField) != 0;
  const Referrer referrer = {picture.slices[macroblock.slice], field_of_frame,
                             field_of_frame && (index / picture.width & 1) != 0};
  const MotionField& field = *picture.motion;
  constexpr std::array<int8_t, 4> kNoReferences = {-1, -1, -1, -1};
  Motion motion;
  for (size_t list = 0; list < 2; ++list) {
    const bool present = index < field.references[list].size();
    const std::array<int8_t, 4> references =
        present ? field.references[list][index] : kNoReferences;
    motion.vectors[list] = present ? field.vectors[list][index].data() : kNoVectors.data();
    const uint8_t first = referrer.picture_of(list, references[0]);
    motion.pictures[list].fill(first);
    motion.used[list] = bit_of(first);
    constexpr uint32_t kEach = 0x01010101;
    if (std::bit_cast<uint32_t>(references) == static_cast<uint8_t>(references[0]) * kEach)
      continue;
    for (size_t block = 1; block < 4; ++block) {
      const uint8_t other = referrer.picture_of(list, references[block]);
      motion.pictures[list][block] = other;
      motion.used[list] |= bit_of(other);
    }
  }
  return motion;
}

// Whether the pairing of one macroblock's first list with the other's second can match.
bool may_cross(const Motion& p, const Motion& q) {
  return ((p.used[0] & q.used[1]) | (p.used[1] & q.used[0])) != 0;
}

void fill_intra(const Macroblock& macroblock, bool field, const FilteredNeighbours& neighbours,
                MacroblockStrengths& strengths) {
  constexpr EdgeStrength kInner = {3, 3, 3, 3};
  constexpr EdgeStrength kOuter = {4, 4, 4, 4};
  const bool all_edges = (macroblock.flags & Macroblock::kTransform8x8) == 0;
  for (auto& direction : strengths) {
    if (all_edges) direction[1] = direction[3] = kInner;
    direction[2] = kInner;
  }
  if (neighbours.left != kNoMacroblock) strengths[0][0] = kOuter;
  if (neighbours.top != kNoMacroblock) strengths[1][0] = field ? kInner : kOuter;
}

// Vectors hold a byte for each block in raster order, or a row of motion vectors.
using Bytes = uint8_t __attribute__((vector_size(16)));
using Words = uint32_t __attribute__((vector_size(16)));
using Masks = int16_t __attribute__((vector_size(16)));
using Row = int16_t __attribute__((vector_size(16)));
using Distances = uint16_t __attribute__((vector_size(16)));

template <typename To, typename From>
To load(const From* from) {
  To to;
  std::memcpy(&to, from, sizeof to);
  return to;
}

Bytes all(uint8_t value) { return Bytes{} + value; }

// The last four bytes of the one before the first twelve of the other.
template <typename V>
V shift_in(V before, V v) {
  return reinterpret_cast<V>(__builtin_shufflevector(reinterpret_cast<Words>(before),
                                                     reinterpret_cast<Words>(v), 3, 4, 5, 6));
}

// Pictures of 8x8 blocks by 4x4 block.
Bytes spread(const std::array<uint8_t, 4>& quarters) {
  uint32_t word;
  std::memcpy(&word, quarters.data(), sizeof word);
  const auto v = reinterpret_cast<Bytes>(Words{} + word);
  return __builtin_shufflevector(v, v, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3);
}

// The motion of 16 blocks.
struct Blocks {
  Bytes pictures[2];
  Row rows[2][4];

  Blocks() = default;
  explicit Blocks(const Motion& motion) {
    for (size_t list = 0; list < 2; ++list) {
      pictures[list] = spread(motion.pictures[list]);
      for (size_t row = 0; row < 4; ++row) {
        rows[list][row] = load<Row>(motion.vectors[list] + row * 4);
      }
    }
  }

  // The blocks left of these.
  Blocks left(const Blocks& beyond) const {
    Blocks blocks;
    for (size_t list = 0; list < 2; ++list) {
      const auto before = reinterpret_cast<Words>(beyond.pictures[list]);
      const auto own = reinterpret_cast<Words>(pictures[list]);
      blocks.pictures[list] = reinterpret_cast<Bytes>(own << 8 | before >> 24);
      for (size_t row = 0; row < 4; ++row) {
        blocks.rows[list][row] = shift_in(beyond.rows[list][row], rows[list][row]);
      }
    }
    return blocks;
  }

  // The blocks above these.
  Blocks above(const Blocks& beyond) const {
    Blocks blocks;
    for (size_t list = 0; list < 2; ++list) {
      blocks.pictures[list] = shift_in(beyond.pictures[list], pictures[list]);
      blocks.rows[list][0] = beyond.rows[list][3];
      for (size_t row = 1; row < 4; ++row) blocks.rows[list][row] = rows[list][row - 1];
    }
    return blocks;
  }
};

// Compares the motion of blocks across edges. Results are bytes of 0xFF: yes, or 0.
class MotionComparison {
 public:
  // `field`: vectors count in the lines of a field.
  explicit MotionComparison(bool field)
      : near_(reinterpret_cast<Distances>(Words{} + (field ? 0x00010003u : 0x00030003u))) {}

  // Whether other pictures are referred to, or vectors differ by a whole frame sample or more.
  // `crossed`: the lists may have to be exchanged to match.
  Bytes differ(const Blocks& p, const Blocks& q, const std::array<uint64_t, 2>& q_used,
               bool crossed) const {
    const Bytes straight = differ(p, 0, q, 0, q_used[0] != 0) | differ(p, 1, q, 1, q_used[1] != 0);
    if (!crossed) return straight;
    return straight & (differ(p, 1, q, 0, q_used[0] != 0) | differ(p, 0, q, 1, q_used[1] != 0));
  }

 private:
  Bytes differ(const Blocks& p, size_t p_list, const Blocks& q, size_t q_list, bool used) const {
    const auto other = reinterpret_cast<Bytes>(p.pictures[p_list] != q.pictures[q_list]);
    if (!used) return other;
    const auto is_used = reinterpret_cast<Bytes>(q.pictures[q_list] != all(kUnused));
    return other | (is_used & are_far(p.rows[p_list], q.rows[q_list]));
  }

  Bytes are_far(const Row (&p)[4], const Row (&q)[4]) const {
    const auto upper = reinterpret_cast<Bytes>(either(is_far(p[0], q[0]), is_far(p[1], q[1])));
    const auto lower = reinterpret_cast<Bytes>(either(is_far(p[2], q[2]), is_far(p[3], q[3])));
    return __builtin_shufflevector(upper, lower, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26,
                                   28, 30);
  }

  // Of each block the horizontal or the vertical component.
  static Masks either(Masks first, Masks second) {
    return __builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14) |
           __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15);
  }

  Masks is_far(Row a, Row b) const {
    const auto up = reinterpret_cast<Distances>(a) - reinterpret_cast<Distances>(b);
    const Distances distance = a > b ? up : -up;
    return reinterpret_cast<Masks>(distance > near_);
  }

  const Distances near_;
};

Bytes strength_of(Bytes coded, Bytes different) { return coded != 0 ? all(2) : different & 1; }

// Lane 8 after lane 0, 9 after 1 and so on; twice transposes rows of four.
Bytes zip_halves(Bytes v) {
  return __builtin_shufflevector(v, v, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
}

// Strengths of vertical edges by edge, of a mask and bytes by block.
Bytes vertical_strengths(uint32_t coded, Bytes different) {
  constexpr Bytes kBits = {1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 128, 128};
  const auto halves = reinterpret_cast<Bytes>(Words{} + (coded | coded << 16));
  return zip_halves(strength_of(halves & kBits, zip_halves(different)));
}

Bytes horizontal_strengths(uint32_t coded, Bytes different) {
  constexpr Bytes kBits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  constexpr uint64_t kEach = 0x0101010101010101;
  const std::array<uint64_t, 2> halves = {(coded & 0xFF) * kEach, (coded >> 8 & 0xFF) * kEach};
  return strength_of(load<Bytes>(&halves) & kBits, different);
}

// A macroblock and those beyond its left and top edge.
struct Triple {
  uint32_t own;
  uint32_t left;
  uint32_t top;
};

// All strengths of an inter macroblock, as if its neighbours were inter coded as well.
void fill_inter(const PictureList& list, const Triple& macroblocks, bool field,
                MacroblockStrengths& strengths) {
  const Motion motion = motion_of(list, macroblocks.own);
  const Motion left_motion = motion_of(list, macroblocks.left);
  const Motion top_motion = motion_of(list, macroblocks.top);
  const Blocks own(motion);
  const MotionComparison comparison(field);
  const bool crossed = may_cross(motion, motion);
  const Bytes beside = comparison.differ(own.left(Blocks(left_motion)), own, motion.used,
                                         crossed || may_cross(left_motion, motion));
  const Bytes below = comparison.differ(own.above(Blocks(top_motion)), own, motion.used,
                                        crossed || may_cross(top_motion, motion));

  const Macroblock& macroblock = list.macroblocks[macroblocks.own];
  constexpr uint32_t kFirstColumn = 0x1111;
  const uint32_t coded = raster_mask(macroblock.nonzero_blocks);
  const uint32_t left_coded = raster_mask(list.macroblocks[macroblocks.left].nonzero_blocks);
  const uint32_t top_coded = raster_mask(list.macroblocks[macroblocks.top].nonzero_blocks);
  const uint32_t beside_coded =
      coded | (coded << 1 & ~kFirstColumn) | (left_coded >> 3 & kFirstColumn);
  const uint32_t below_coded = coded | coded << 4 | top_coded >> 12;

  // With 8x8 transforms two of four edges are filtered.
  const bool transform_8x8 = (macroblock.flags & Macroblock::kTransform8x8) != 0;
  const uint32_t odd = transform_8x8 ? 0 : UINT32_MAX;
  const auto filtered = reinterpret_cast<Bytes>(Words{UINT32_MAX, odd, UINT32_MAX, odd});
  strengths = std::bit_cast<MacroblockStrengths>(
      std::array{filtered & vertical_strengths(beside_coded & 0xFFFF, beside),
                 filtered & horizontal_strengths(below_coded & 0xFFFF, below)});
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

MacroblockStrengths edge_strengths(const PictureList& list, uint32_t index,
                                   const FilteredNeighbours& neighbours) {
  MacroblockStrengths strengths{};
  const Macroblock& macroblock = list.macroblocks[index];
  const bool field =
      list.structure != PictureStructure::kFrame || (macroblock.flags & Macroblock::kField) != 0;
  if (is_intra(macroblock)) {
    fill_intra(macroblock, field, neighbours, strengths);
    return strengths;
  }
  const uint32_t left = neighbours.left;
  const uint32_t top = neighbours.top;
  constexpr EdgeStrength kOff = {0, 0, 0, 0};
  fill_inter(list,
             {index, left == kNoMacroblock ? index : left, top == kNoMacroblock ? index : top},
             field, strengths);
  if (left == kNoMacroblock) {
    strengths[0][0] = kOff;
  } else if (is_intra(list.macroblocks[left])) {
    strengths[0][0] = {4, 4, 4, 4};
  }
  if (top == kNoMacroblock) {
    strengths[1][0] = kOff;
  } else if (is_intra(list.macroblocks[top])) {
    const uint8_t intra = field ? 3 : 4;
    strengths[1][0] = {intra, intra, intra, intra};
  }
  return strengths;
}

uint8_t mixed_vertical_strength(const PictureList& list, MixedBlock p, MixedBlock q) {
  return mixed_strength(list, p, q, 4);
}

uint8_t mixed_horizontal_strength(const PictureList& list, MixedBlock p, MixedBlock q) {
  return mixed_strength(list, p, q, 3);
}

}  // namespace daedalus::core::h264
