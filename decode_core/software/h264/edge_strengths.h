// Boundary strengths of deblocking (8.7.2.1), from the macroblock list and its motion.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_EDGE_STRENGTHS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_EDGE_STRENGTHS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "decode_core/software/h264/macroblock_list.h"

namespace daedalus::core::h264 {

// bS, 0 to 4, of an edge's runs of four luma samples.
using EdgeStrength = std::array<uint8_t, 4>;
// [vertical, horizontal][edge from left or top].
using MacroblockStrengths = std::array<std::array<EdgeStrength, 4>, 2>;

inline constexpr uint32_t kNoMacroblock = UINT32_MAX;

// Which of the picture's macroblocks lie beyond the left and top edge of one; kNoMacroblock: that
// edge is not filtered. Both are of its own kind, frame or field macroblocks. None is missing.
struct FilteredNeighbours {
  uint32_t left = kNoMacroblock;
  uint32_t top = kNoMacroblock;
};

// Finds the strengths of a picture's macroblocks, one after another.
class EdgeStrengths {
 public:
  // It outlives this.
  explicit EdgeStrengths(const PictureList& list);

  // All of one macroblock, which is not missing. Inner edges 1 and 3 are 0 with 8x8 transforms. The
  // list has changed no macroblock that was asked for before, nor its neighbours.
  MacroblockStrengths of(uint32_t macroblock, const FilteredNeighbours& neighbours);

  // What the edges of a macroblock depend on, and those of the next ones that it shares.
  struct Summary {
    uint32_t macroblock = kNoMacroblock;  // whose this is
    uint16_t coded = 0;                   // bit per block in raster order: it has coefficients
    bool is_intra = false;
    bool is_whole = false;  // all blocks move alike
    // By list and 8x8 block: the number of the picture referred to; equal numbers are the same.
    std::array<std::array<uint8_t, 4>, 2> pictures{};
    std::array<uint64_t, 2> used{};  // bit per number, by list
  };

 private:
  const Summary& summary_of(uint32_t macroblock);
  Summary summarize(uint32_t macroblock) const;
  MacroblockStrengths inter_strengths(const Summary& own, const Summary& left, const Summary& top,
                                      bool field) const;

  const PictureList& list_;
  // Those of the last macroblocks, by the lower bits of their indices: neighbours are found again.
  std::vector<Summary> summaries_;
};

// One strength across an edge between a field and a frame macroblock of an MBAFF frame
// (mixedModeEdgeFlag 1); blocks in raster order.
struct MixedBlock {
  uint32_t macroblock;
  unsigned block;
};
uint8_t mixed_vertical_strength(const PictureList& list, MixedBlock p, MixedBlock q);
uint8_t mixed_horizontal_strength(const PictureList& list, MixedBlock p, MixedBlock q);

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_EDGE_STRENGTHS_H_
