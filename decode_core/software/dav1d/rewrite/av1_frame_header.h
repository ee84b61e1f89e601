// uncompressed_header() of AV1 (5.9.2), written from parameters into a stream of our own: its
// sequence header is that of append_av1_sequence_header(), its slots are the writer's to choose.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_FRAME_HEADER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_FRAME_HEADER_H_

#include <array>
#include <cstdint>

#include "base/result.h"
#include "decode_core/software/libavcodec/rewrite/bit_writer.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

// What a frame leaves in its slot (7.20) that headers of later frames are coded against.
struct Av1SlotState {
  uint32_t order_hint = 0;
  // gm_params by reference, 1 to 7 (5.9.24); [0] is unused.
  std::array<std::array<int32_t, 6>, V4L2_AV1_TOTAL_REFS_PER_FRAME> global_motion{};
  // Of `flags`, ENABLED alone is meaningful; the features are those in force (5.9.14).
  v4l2_av1_segmentation segmentation{};
};

// One frame, in the terms of the stream that is written.
struct Av1FrameToWrite {
  const v4l2_ctrl_av1_sequence& sequence;
  const v4l2_ctrl_av1_frame& frame;  // its ref_frame_idx and refresh_frame_flags are not read
  std::array<uint8_t, V4L2_AV1_REFS_PER_FRAME> ref_frame_idx{};
  uint8_t refresh_frame_flags = 0;
  // Of each slot; null: empty. Those that an inter frame's ref_frame_idx names are not.
  std::array<const Av1SlotState*, V4L2_AV1_TOTAL_REFS_PER_FRAME> slots{};
};

// Never shown, and so never coded as shown: a shown key frame would replace every slot (5.9.2). A
// switch frame is written as an inter frame with error resilience, which differs in that alone.
// Values beyond their range are cut to it. Returns what the frame leaves behind. kInvalidArgument:
// tiles or global motion that no header can tell.
Result<Av1SlotState> write_av1_frame_header(BitWriter& bits, const Av1FrameToWrite& frame,
                                            unsigned tile_size_bytes);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_FRAME_HEADER_H_
