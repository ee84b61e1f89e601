// Boundary strengths of deblocking (8.7.2.1), from the macroblock list and its motion.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_EDGE_STRENGTHS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_EDGE_STRENGTHS_H_

#include <array>
#include <cstdint>

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

// All strengths of one macroblock, which is not missing. Inner edges 1 and 3 are 0 with 8x8
// transforms.
MacroblockStrengths edge_strengths(const PictureList& list, uint32_t macroblock,
                                   const FilteredNeighbours& neighbours);

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
