// Direct prediction of B macroblocks (8.4.1.2): co-located motion of frames, fields and MBAFF
// frames, spatial and temporal derivation.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_DIRECT_PREDICTION_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_DIRECT_PREDICTION_H_

#include <array>
#include <cstdint>

#include "decode_core/software/h264/entropy_decoder.h"
#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/motion_cache.h"
#include "decode_core/software/h264/reference_lists.h"

namespace daedalus::core::h264 {

// A direct macroblock's motion by list; vectors of its 4x4 blocks in raster order.
struct DirectMotion {
  std::array<std::array<int8_t, 4>, 2> references{};  // by 8x8 block
  std::array<std::array<MotionVector, 16>, 2> vectors{};
  // Whether all of an 8x8 block, and all of the macroblock, moves alike.
  std::array<bool, 4> uniform{};
  bool whole = false;
};

// Of one slice.
class DirectPrediction {
 public:
  struct Picture {
    PictureStructure structure = PictureStructure::kFrame;
    bool mbaff = false;
    bool inference_8x8 = false;  // direct_8x8_inference_flag
    uint32_t width = 0;          // macroblocks
    uint32_t height = 0;
  };

  // colocated: the motion of RefPicList1[0]'s picture. references: the ids of the slice's list 0.
  // All outlive it.
  void begin_slice(const Picture& picture, const Slice& slice, const OrderCounts& counts,
                   const ReferenceMotion& colocated,
                   const std::array<MotionField::ReferenceId, kMaxReferences>& references);

  // Of macroblock (x, y). field: a field macroblock of an MBAFF frame. Spatial prediction reads the
  // neighbours that the caches hold.
  void derive(uint32_t x, uint32_t y, bool field, const std::array<MotionCache, 2>& caches,
              DirectMotion& motion) const;

 private:
  enum class Scale : uint8_t { kOneToOne, kFrameToField, kFieldToFrame };
  // Where the co-located blocks of a macroblock are.
  struct Source {
    const MotionField* motion = nullptr;  // null: it counts as intra
    Scale scale = Scale::kOneToOne;
    uint32_t macroblock = 0;  // with kFrameToField that of the upper half
    uint32_t row = 0;         // with kFieldToFrame: the first row of 4x4 blocks
    // The parity of the fields that its references are relative to, where it is a field macroblock
    // of an MBAFF frame.
    PictureStructure macroblock_structure = PictureStructure::kFrame;
  };
  struct Colocated {
    int8_t reference = -1;  // refIdxCol, negative: intra
    MotionVector vector;    // mvCol
    size_t list = 0;        // the one that refIdxCol is of
    size_t macroblock = 0;
  };

  Source find_source(uint32_t x, uint32_t y, bool field) const;
  Source in_frame(const MotionField& motion, uint32_t x, uint32_t y, bool field) const;
  Source in_field(const MotionField* motion, uint32_t x, uint32_t y, bool current_is_frame) const;
  Colocated colocated(const Source& source, size_t block_x, size_t block_y) const;
  static MotionField::ReferenceId id_of(const Source& source, const Colocated& colocated);
  bool fits(const MotionField& motion, uint32_t rows) const;

  void derive_spatial(const Source& source, const std::array<MotionCache, 2>& caches,
                      DirectMotion& motion) const;
  void derive_temporal(const Source& source, PictureStructure macroblock,
                       DirectMotion& motion) const;
  void zero_still_blocks(const Source& source, const std::array<int8_t, 2>& references,
                         DirectMotion& motion) const;
  int8_t map_to_list0(const Source& source, const Colocated& colocated,
                      PictureStructure macroblock) const;

  Picture picture_;
  const Slice* slice_ = nullptr;
  const ReferenceMotion* colocated_ = nullptr;
  const std::array<MotionField::ReferenceId, kMaxReferences>* references_ = nullptr;
  const MotionField* plain_ = nullptr;  // of frames without MBAFF: the co-located frame's
  bool spatial_ = false;
  bool short_term_ = false;     // RefPicList1[0] is a short-term reference
  bool bottom_closer_ = false;  // which field of RefPicList1[0] a frame macroblock takes
  std::array<DistanceScales, 3>
      scales_{};  // of macroblocks of the picture, the top, the bottom field
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_DIRECT_PREDICTION_H_
