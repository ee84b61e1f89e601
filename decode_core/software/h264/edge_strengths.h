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

// Whether the macroblock's edges are filtered at all, and that with another one, which exists
// (disable_deblocking_filter_idc; missing macroblocks are left alone).
inline bool is_filtered(const PictureList& list, const Macroblock& macroblock) {
  constexpr uint8_t kOff = 1;
  return macroblock.kind != MacroblockKind::kMissing &&
         list.slices[macroblock.slice].header.slice.disable_deblocking_filter_idc != kOff;
}
inline bool filters_across(const PictureList& list, const Macroblock& macroblock, uint32_t beyond) {
  constexpr uint8_t kNotAcrossSlices = 2;
  const Macroblock& other = list.macroblocks[beyond];
  if (other.kind == MacroblockKind::kMissing) return false;
  return other.slice == macroblock.slice ||
         list.slices[macroblock.slice].header.slice.disable_deblocking_filter_idc !=
             kNotAcrossSlices;
}

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

  // A word for each of four blocks: a picture's number, or a vector.
  using Words = uint32_t __attribute__((vector_size(16)));
  // The four blocks along one side of an edge, by list. Equal numbers are the same picture; the
  // vectors of lists that are not used are 0.
  struct Run {
    Words pictures[2];
    Words vectors[2];
  };
  // What the edges of a macroblock depend on that it shares with the next ones.
  struct Summary {
    uint32_t macroblock = kNoMacroblock;  // whose this is
    uint16_t coded = 0;                   // bit per block in raster order: it has coefficients
    bool is_intra = false;
    bool is_whole = false;           // all blocks move alike: `right` stands for any run
    std::array<uint64_t, 2> used{};  // bit per number of a picture, by list
    Run right{};                     // the last column
    Run bottom{};                    // the last row
  };

 private:
  class Blocks;
  const Summary& summary_of(uint32_t macroblock) {
    Summary& summary = summaries_[macroblock & place_mask_];
    if (summary.macroblock != macroblock) summarize(macroblock, summary);
    return summary;
  }
  void summarize(uint32_t macroblock, Summary& summary) const;
  void summarize_motion(uint32_t macroblock, Summary& summary) const;
  MacroblockStrengths inter_strengths(const Summary& own, const Summary& left, const Summary& top,
                                      bool field) const;

  const PictureList& list_;
  // By list; null: the picture does not use it.
  std::array<const std::array<int8_t, 4>*, 2> references_;
  std::array<const std::array<MotionVector, 16>*, 2> vectors_;
  // Those of the last macroblocks, by the lower bits of their indices: neighbours are found again.
  std::vector<Summary> summaries_;
  uint32_t place_mask_;
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
