// The macroblock list: what the entropy pass writes and every later pass reads. One picture's (a
// frame's or a field's) syntax, resolved as far as no pixel is needed. Clauses are H.264's.
//
// Owned by the job that decodes the picture. The entropy pass writes row after row of macroblocks
// (of pairs in an MBAFF frame) and never touches a row again that it has handed over; the passes
// behind it read only rows that were handed over, and the motion of those.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_LIST_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_LIST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "decode_core/software/h264/slice.h"

namespace daedalus::core::h264 {

enum class MacroblockKind : uint8_t {
  kMissing,  // no slice had it: it is concealed
  kIntra4x4,
  kIntra8x8,
  kIntra16x16,
  kPcm,
  kInter,
};

// How an inter macroblock, or a quarter of one, is divided for prediction (tables 7-13 to 7-18,
// direct and skipped ones included; equal motion may be merged).
enum class Partition : uint8_t { kWhole, kUpperLower, kLeftRight, kQuarters };

struct Macroblock {
  enum Flag : uint8_t {
    kField = 1,         // of an MBAFF frame: a field macroblock
    kTransform8x8 = 2,  // transform_size_8x8_flag, of inter and kIntra8x8 macroblocks
  };
  // Which neighbours intra prediction may use: inside the picture and the slice and, with
  // constrained_intra_pred_flag, intra coded (6.4.11, 8.3.1.2). The left one in an MBAFF frame may
  // differ for the upper and the lower half of the macroblock.
  enum Neighbour : uint8_t {
    kLeftUpper = 1,
    kLeftLower = 2,
    kTop = 4,
    kTopRight = 8,
    kTopLeft = 16
  };

  MacroblockKind kind = MacroblockKind::kMissing;
  uint8_t flags = 0;
  uint8_t intra_neighbours = 0;
  uint8_t chroma_mode = 0;      // intra_chroma_pred_mode (table 7-16)
  int8_t luma_qp = 0;           // QPY; 0 of kPcm. For deblocking
  uint8_t intra16x16_mode = 0;  // Intra16x16PredMode (table 8-4)
  uint16_t slice = 0;           // index into PictureList::slices
  // Residual: which 4x4 blocks have coefficients in the row's store. Bits 0 to 15: luma blocks by
  // index (6.4.3), those of 8x8 blocks are bits 0, 4, 8, 12; 16 to 19 Cb, 20 to 23 Cr (6.4.7).
  // A block of whose coefficients only the first is not zero is in dc_blocks alone.
  uint32_t full_blocks = 0;
  uint32_t dc_blocks = 0;
  // For deblocking (8.7.2.1): bit per luma 4x4 block by index that holds transform coefficients
  // (for 8x8 transforms all four bits of a block).
  uint16_t nonzero_blocks = 0;
  Partition partition = Partition::kWhole;  // of kInter
  std::array<Partition, 4> quarters{};      // with kQuarters
  // Where its coefficients begin in the row's store, in int16_t, a multiple of 16. First the full
  // blocks in the order of their bits, 16 or 64 values each, scaled (8.5.12.1), value [y * 4 + x]
  // (or y * 8 + x) of horizontal frequency x; then one value for each bit of dc_blocks. DC values
  // of Intra16x16 and chroma are those after their own transform (8.5.10, 8.5.11). kPcm: 256 + 64 +
  // 64 samples in their place, as bytes.
  uint32_t coefficients = 0;
  // Intra4x4PredMode by block index, Intra8x8PredMode by block index in the first four (8.3.1.1).
  std::array<uint8_t, 16> intra_modes{};
};

// Quarter luma samples.
struct alignas(4) MotionVector {
  int16_t x = 0;
  int16_t y = 0;
  bool operator==(const MotionVector&) const = default;
};

// One picture's motion, kept with the picture as long as it is a reference: later pictures' direct
// prediction reads it (8.4.1.2). Macroblock mb_y * width + mb_x; in an MBAFF frame the two of a
// pair lie one below the other, whether they are field or frame macroblocks.
struct MotionField {
  // One entry more than there are macroblocks: the last stands for what is not available to the
  // entropy pass.
  // By 4x4 block in raster order; undefined where the list is not used.
  std::array<std::vector<std::array<MotionVector, 16>>, 2> vectors;
  // refIdx by 8x8 block in raster order; -1: the list is not used. Intra: all -1.
  std::array<std::vector<std::array<int8_t, 4>>, 2> references;
  std::vector<uint16_t> slice;  // by macroblock: index into slice_references
  std::vector<uint8_t> field;   // by macroblock, of MBAFF frames: a field macroblock
  // What refIdx meant: id of the Picture and which part of it.
  struct ReferenceId {
    uint64_t picture = 0;
    PictureStructure structure = PictureStructure::kFrame;
  };
  std::vector<std::array<std::array<ReferenceId, kMaxReferences>, 2>> slice_references;
};

// The coefficients of one row of macroblocks (one pair's row in an MBAFF frame).
struct CoefficientRow {
  std::vector<int16_t> values;  // 64-byte aligned blocks are not promised
};

struct PictureList {
  PictureStructure structure = PictureStructure::kFrame;
  bool mbaff = false;
  uint32_t width = 0;                   // macroblocks
  uint32_t height = 0;                  // macroblocks, of the field in a field picture
  std::vector<Macroblock> macroblocks;  // mb_y * width + mb_x, as in MotionField
  std::vector<CoefficientRow> rows;     // by row; by pair's row in an MBAFF frame
  std::vector<Slice> slices;            // in the job's order; those not begun yet are empty
  std::shared_ptr<MotionField> motion;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_LIST_H_
