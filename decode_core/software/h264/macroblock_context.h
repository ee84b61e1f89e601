// What the parsing of a macroblock needs of those left of and above it (6.4.11, 6.4.12), kept for
// the row in work and the one before.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_CONTEXT_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_CONTEXT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace daedalus::core::h264 {

struct MacroblockContext {
  static constexpr uint32_t kNoSlice = UINT32_MAX;
  enum Flag : uint8_t {
    kIntra = 1,
    kSkipped = 2,
    kDirect = 4,  // B_Skip, B_Direct_16x16
    kNxN = 8,     // Intra4x4, Intra8x8
    kPcm = 16,
    kField = 32,  // a field macroblock of an MBAFF frame
    kTransform8x8 = 64,
  };

  bool has(Flag flag) const { return (flags & flag) != 0; }

  uint32_t slice = kNoSlice;  // the slice's place among those decoded; kNoSlice: not decoded
  uint8_t flags = 0;
  uint8_t coded_block_pattern = 0;  // luma 0 to 15, chroma << 4; of I_PCM 0x2F
  uint8_t dc_blocks = 0;            // coded_block_flag of Intra16x16's DC (1), Cb's (2), Cr's (4)
  uint8_t chroma_mode = 0;          // intra_chroma_pred_mode
  // At the right and at the lower edge, from the top and from the left: total_coeff of the 4x4
  // blocks, four of Y, two of Cb, two of Cr; with CABAC not 0: coded.
  std::array<uint8_t, 8> right_counts{};
  std::array<uint8_t, 8> lower_counts{};
  // Intra4x4PredMode or Intra8x8PredMode; 2 of other macroblocks.
  std::array<int8_t, 4> right_modes{2, 2, 2, 2};
  std::array<int8_t, 4> lower_modes{2, 2, 2, 2};
  // CABAC only, by list: refIdx by 8x8 block, 0 where it is not coded; magnitudes of mvd, x and y,
  // 127 at most, by 4x4 block.
  std::array<std::array<uint8_t, 2>, 2> right_references{};
  std::array<std::array<uint8_t, 2>, 2> lower_references{};
  std::array<std::array<std::array<uint8_t, 2>, 4>, 2> right_mvd{};
  std::array<std::array<std::array<uint8_t, 2>, 4>, 2> lower_mvd{};
};

// Where the neighbours of one macroblock are. Never null: what is not available is
// ContextRows::kAbsent.
struct Neighbours {
  // A macroblock with the number by which the motion field knows it; that of what is not available
  // is its last entry's.
  struct Place {
    const MacroblockContext* context = nullptr;
    uint32_t number = 0;
  };
  // Of the upper and of the lower half; differ only in MBAFF frames.
  std::array<Place, 2> left;
  Place top;
  Place top_right;
  Place top_left;
  // The row of 4x4 blocks of left[y / 2] that lies left of row y.
  std::array<uint8_t, 4> left_rows{0, 1, 2, 3};
  // The row of top_left that lies left above.
  uint8_t top_left_row = 3;
  // Left above the blocks of rows 1 to 3 of the first column, where the left pair is of the other
  // kind (MBAFF).
  bool mixed_left = false;
  std::array<Place, 4> diagonal;
  std::array<uint8_t, 4> diagonal_rows{};
  // A frame macroblock with field macroblocks left of it: intra prediction reads both.
  bool interleaved_left = false;
};

// The rows of contexts of a picture in work.
class ContextRows {
 public:
  // In macroblocks, of the picture.
  void resize(uint32_t width, uint32_t height, bool mbaff);

  // Forgets what the rows held before: the macroblocks of row `row` (of pairs: both their rows) are
  // not decoded yet.
  void begin_row(uint32_t row);

  // x from -1 to the width, y from the row above the one in work: beyond the picture are contexts
  // that are in no slice.
  MacroblockContext& at(uint32_t x, uint32_t y) { return contexts_[index(x, y)]; }
  const MacroblockContext& at(uint32_t x, uint32_t y) const { return contexts_[index(x, y)]; }

  // The neighbours of a macroblock of a frame or a field (6.4.11 with 6.4.12.1), as far as they are
  // in `slice`. Of `found` sets what may differ in such pictures.
  void find(uint32_t x, uint32_t y, uint32_t slice, Neighbours& found) const {
    const MacroblockContext* const here = &at(x, y);
    const MacroblockContext* const above = &at(x, y - 1);
    const uint32_t number = y * width_ + x;
    found.left[0] = found.left[1] = place(here[-1], number - 1, slice);
    found.top = place(above[0], number - width_, slice);
    found.top_right = place(above[1], number - width_ + 1, slice);
    found.top_left = place(above[-1], number - width_ - 1, slice);
  }
  // Of a macroblock of an MBAFF frame (6.4.12.2).
  Neighbours find_mbaff(uint32_t x, uint32_t y, bool field, uint32_t slice) const;
  // The pairs left of and above the pair that macroblock (x, y) is of: their upper macroblocks.
  const MacroblockContext& left_pair(uint32_t x, uint32_t y, uint32_t slice) const;
  const MacroblockContext& top_pair(uint32_t x, uint32_t y, uint32_t slice) const;

  // What is not available, as CABAC counts it (9.3.3.1.1): its conditions of mb_skip_flag, mb_type
  // and coded_block_pattern are then those of a macroblock that is skipped, direct and NxN, and has
  // luma coefficients everywhere.
  static const MacroblockContext kAbsent;

 private:
  size_t index(uint32_t x, uint32_t y) const {
    return size_t{y & (2 * height_ - 1)} * (width_ + 2) + uint32_t{x + 1};
  }
  Neighbours::Place place(const MacroblockContext& context, uint32_t number, uint32_t slice) const {
    const bool there = context.slice == slice;
    return {there ? &context : &kAbsent, there ? number : none_};
  }
  Neighbours::Place place(uint32_t x, uint32_t y, uint32_t slice) const;

  uint32_t width_ = 0;
  uint32_t height_ = 1;  // of a row in macroblocks; as many rows above it are kept
  uint32_t none_ = 0;    // the number of what is not available
  std::vector<MacroblockContext> contexts_;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_CONTEXT_H_
