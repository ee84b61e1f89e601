#include "decode_core/software/h264/edge_strengths.h"

namespace daedalus::core::h264 {
namespace {

// Blocks are numbered in raster order here; a mask has a bit for each.
constexpr unsigned kBlockColumns = 4;
constexpr uint32_t kFirstColumn = 0x1111;
constexpr uint32_t kFirstRow = 0x000F;

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
constexpr uint8_t kUnknown = 0xFE;

struct Motion {
  std::array<std::array<uint8_t, 4>, 2> pictures;  // by 8x8 block
  std::array<const MotionVector*, 2> vectors;      // by 4x4 block
  Partition partition;
};

uint8_t picture_of(const Slice& slice, size_t list, int8_t index, bool field_of_frame,
                   bool bottom) {
  if (index < 0) return kUnused;
  const unsigned entry = static_cast<unsigned>(index) >> (field_of_frame ? 1 : 0);
  if (entry >= kMaxReferences) return kUnknown;
  const Reference& reference = slice.lists[list][entry];
  if (reference.entry == Reference::kMissing) return kUnknown;
  auto structure = static_cast<unsigned>(reference.structure);
  // 8.4.2.1: even indices are of the macroblock's own parity.
  if (field_of_frame) structure = bottom != ((index & 1) != 0) ? 2 : 1;
  return static_cast<uint8_t>(reference.entry << 2 | structure);
}

Motion motion_of(const PictureList& picture, uint32_t index) {
  const Macroblock& macroblock = picture.macroblocks[index];
  const Slice& slice = picture.slices[macroblock.slice];
  const MotionField& field = *picture.motion;
  const bool field_of_frame = (macroblock.flags & Macroblock::kField) != 0;
  const bool bottom = (index / picture.width & 1) != 0;
  Motion motion{};
  motion.partition = macroblock.partition;
  for (size_t list = 0; list < 2; ++list) {
    if (index >= field.references[list].size()) {
      motion.pictures[list].fill(kUnused);
      continue;
    }
    const std::array<int8_t, 4>& references = field.references[list][index];
    const auto first = picture_of(slice, list, references[0], field_of_frame, bottom);
    motion.pictures[list].fill(first);
    for (size_t block = 1; block < 4; ++block) {
      if (references[block] == references[0]) continue;
      motion.pictures[list][block] =
          picture_of(slice, list, references[block], field_of_frame, bottom);
    }
    motion.vectors[list] = field.vectors[list][index].data();
  }
  return motion;
}

class MotionComparison {
 public:
  // `field`: vectors count in the lines of a field.
  explicit MotionComparison(bool field) : vertical_limit_(field ? 2 : 4) {}

  // Whether other pictures are referred to, or vectors differ by a whole frame sample or more.
  bool differ(const Motion& p, unsigned p_block, const Motion& q, unsigned q_block) const {
    const unsigned p8 = eighth(p_block);
    const unsigned q8 = eighth(q_block);
    const uint8_t p0 = p.pictures[0][p8];
    const uint8_t p1 = p.pictures[1][p8];
    const uint8_t q0 = q.pictures[0][q8];
    const uint8_t q1 = q.pictures[1][q8];
    const bool straight = p0 == q0 && p1 == q1;
    const bool crossed = p0 == q1 && p1 == q0;
    if (!straight && !crossed) return true;
    return !(straight && close(p, 0, p_block, q, 0, q_block, p0) &&
             close(p, 1, p_block, q, 1, q_block, p1)) &&
           !(crossed && close(p, 0, p_block, q, 1, q_block, p0) &&
             close(p, 1, p_block, q, 0, q_block, p1));
  }

 private:
  // The 8x8 block of a 4x4 block.
  static unsigned eighth(unsigned block) { return (block >> 3) * 2 + (block >> 1 & 1); }

  bool close(const Motion& p, size_t p_list, unsigned p_block, const Motion& q, size_t q_list,
             unsigned q_block, uint8_t picture) const {
    if (picture == kUnused) return true;
    const MotionVector a = p.vectors[p_list][p_block];
    const MotionVector b = q.vectors[q_list][q_block];
    const int x = a.x - b.x;
    const int y = a.y - b.y;
    return x > -4 && x < 4 && y > -vertical_limit_ && y < vertical_limit_;
  }

  const int vertical_limit_;
};

// Where the motion left of, or above, a block is another.
struct Differences {
  uint32_t vertical = 0;
  uint32_t horizontal = 0;
};

void compare_left(const MotionComparison& comparison, const Motion& motion, unsigned first,
                  unsigned rows, Differences& differences) {
  for (unsigned row = 0; row < rows; ++row) {
    const unsigned block = first + row * kBlockColumns;
    if (comparison.differ(motion, block - 1, motion, block)) {
      differences.vertical |= 1u << block;
    }
  }
}

void compare_above(const MotionComparison& comparison, const Motion& motion, unsigned first,
                   unsigned columns, Differences& differences) {
  for (unsigned block = first; block < first + columns; ++block) {
    if (comparison.differ(motion, block - kBlockColumns, motion, block)) {
      differences.horizontal |= 1u << block;
    }
  }
}

Differences inner_differences(const MotionComparison& comparison, const Macroblock& macroblock,
                              const Motion& motion) {
  Differences differences;
  const Partition partition = macroblock.partition;
  if (partition == Partition::kLeftRight || partition == Partition::kQuarters) {
    compare_left(comparison, motion, 2, 4, differences);
  }
  if (partition == Partition::kUpperLower || partition == Partition::kQuarters) {
    compare_above(comparison, motion, 8, 4, differences);
  }
  // Edges inside of quarters are not filtered with 8x8 transforms.
  if (partition != Partition::kQuarters || (macroblock.flags & Macroblock::kTransform8x8) != 0) {
    return differences;
  }
  for (unsigned quarter = 0; quarter < 4; ++quarter) {
    const Partition division = macroblock.quarters[quarter];
    const unsigned first = (quarter >> 1) * 8 + (quarter & 1) * 2;
    if (division == Partition::kLeftRight || division == Partition::kQuarters) {
      compare_left(comparison, motion, first + 1, 2, differences);
    }
    if (division == Partition::kUpperLower || division == Partition::kQuarters) {
      compare_above(comparison, motion, first + kBlockColumns, 2, differences);
    }
  }
  return differences;
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

// bS of the edge between q's first column, or row, and p's last one.
EdgeStrength outer_strength(const PictureList& list, const MotionComparison& comparison,
                            uint32_t p_index, const Macroblock& q, const Motion& q_motion,
                            bool vertical) {
  const Macroblock& p = list.macroblocks[p_index];
  const unsigned step = vertical ? kBlockColumns : 1;
  const unsigned p_first = vertical ? 3 : 12;
  const uint32_t p_coded = raster_mask(p.nonzero_blocks);
  const uint32_t q_coded = raster_mask(q.nonzero_blocks);
  const Motion p_motion = motion_of(list, p_index);
  const bool whole = p.partition == Partition::kWhole && q.partition == Partition::kWhole;
  EdgeStrength strength{};
  bool different = false;
  for (unsigned run = 0; run < 4; ++run) {
    const unsigned q_block = run * step;
    const unsigned p_block = p_first + run * step;
    if (run == 0 || !whole) different = comparison.differ(p_motion, p_block, q_motion, q_block);
    const bool coded = ((p_coded >> p_block | q_coded >> q_block) & 1) != 0;
    strength[run] = coded ? 2 : different ? 1 : 0;
  }
  return strength;
}

void fill_inner(const Macroblock& macroblock, const Differences& differences,
                MacroblockStrengths& strengths) {
  const uint32_t coded = raster_mask(macroblock.nonzero_blocks);
  const uint32_t vertical_coded = (coded | coded << 1) & ~kFirstColumn;
  const uint32_t horizontal_coded = (coded | coded << kBlockColumns) & ~kFirstRow;
  if (((vertical_coded | horizontal_coded) & 0xFFFF) == 0 &&
      (differences.vertical | differences.horizontal) == 0) {
    return;
  }
  const unsigned step = (macroblock.flags & Macroblock::kTransform8x8) != 0 ? 2 : 1;
  for (unsigned edge = step; edge < 4; edge += step) {
    for (unsigned run = 0; run < 4; ++run) {
      const unsigned beside = run * kBlockColumns + edge;
      const unsigned below = edge * kBlockColumns + run;
      strengths[0][edge][run] = (vertical_coded >> beside & 1) != 0
                                    ? 2
                                    : static_cast<uint8_t>(differences.vertical >> beside & 1);
      strengths[1][edge][run] = (horizontal_coded >> below & 1) != 0
                                    ? 2
                                    : static_cast<uint8_t>(differences.horizontal >> below & 1);
    }
  }
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
  const MotionComparison comparison(field);
  const Motion motion = motion_of(list, index);
  fill_inner(macroblock, inner_differences(comparison, macroblock, motion), strengths);
  if (neighbours.left != kNoMacroblock) {
    strengths[0][0] = is_intra(list.macroblocks[neighbours.left])
                          ? EdgeStrength{4, 4, 4, 4}
                          : outer_strength(list, comparison, neighbours.left, macroblock, motion,
                                           /*vertical=*/true);
  }
  if (neighbours.top != kNoMacroblock) {
    const uint8_t intra = field ? 3 : 4;
    strengths[1][0] = is_intra(list.macroblocks[neighbours.top])
                          ? EdgeStrength{intra, intra, intra, intra}
                          : outer_strength(list, comparison, neighbours.top, macroblock, motion,
                                           /*vertical=*/false);
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
