// Reference picture lists (8.2.4) and what follows from picture order counts: distance scale
// factors (8.4.1.2.3) and implicit weights (8.4.2.3.1).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_REFERENCE_LISTS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_REFERENCE_LISTS_H_

#include <array>
#include <cstdint>

#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/job.h"
#include "decode_core/software/h264/slice.h"

namespace daedalus::core::h264 {

// The picture order counts of the picture being decoded and of its references.
struct OrderCounts {
  // By PictureStructure: of a frame, its top and its bottom field (8.2.1).
  using Counts = std::array<int32_t, 3>;
  Counts current{};
  std::array<Counts, V4L2_H264_NUM_DPB_ENTRIES> references{};

  // decoded_fields: which fields of each entry there are (V4L2_H264_*_FIELD_REF), marked as
  // references or not; 0 where that is unknown. A single field's count is also its frame's.
  OrderCounts(const v4l2_ctrl_h264_decode_params& decode,
              const std::array<uint8_t, V4L2_H264_NUM_DPB_ENTRIES>& decoded_fields);

  // Of an entry of a list; 0 of a missing one.
  int32_t of(const Reference& reference) const;
};

// RefPicList0 and RefPicList1 after modification. Only `lists` and `list_sizes` of the slice are
// set; entries without a picture are kMissing.
void build_reference_lists(const v4l2_ctrl_h264_sps& sps,
                           const v4l2_ctrl_h264_decode_params& decode, const OrderCounts& counts,
                           Slice& slice);

// The reference that refIdx means: in a field macroblock of an MBAFF frame (macroblock: its
// parity) a field of an entry (8.4.2.1). index: below the list's size, there twice.
Reference macroblock_reference(const Slice& slice, size_t list, size_t index,
                               PictureStructure macroblock);

// DistScaleFactor, and 256, which leaves a vector as it is, where clause 8.4.1.2.3 takes it so.
int distance_scale_factor(int32_t current, int32_t count0, int32_t count1, bool long_term0);

// By refIdxL0, for temporal direct prediction with refIdxL1 0.
using DistanceScales = std::array<int16_t, kMaxReferences>;
DistanceScales distance_scales(const Slice& slice, const OrderCounts& counts,
                               PictureStructure picture, PictureStructure macroblock);

// Fills slice.implicit_weights.
void build_implicit_weights(const OrderCounts& counts, PictureStructure picture, bool mbaff,
                            Slice& slice);

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_REFERENCE_LISTS_H_
