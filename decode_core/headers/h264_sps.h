// Sequence parameter sets of H.264 (7.3.2.1.1, annex E).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_H264_SPS_H_
#define DAEDALUS_DECODE_CORE_HEADERS_H264_SPS_H_

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// The part of the VUI parameters that the order of output depends on (E.2.1).
struct H264BitstreamRestriction {
  uint32_t max_num_reorder_frames = 0;   // frames, at most max_dec_frame_buffering
  uint32_t max_dec_frame_buffering = 0;  // frames, at most 16
};

// frame_crop_*_offset turned into luma samples of the frame. A window that leaves nothing is
// refused with the parameter set.
struct H264Cropping {
  uint32_t left = 0, right = 0, top = 0, bottom = 0;
};

// video_signal_type of the VUI parameters (E.2.1); the code points are those of ISO/IEC 23091-2.
struct H264Colour {
  uint8_t primaries = 2;  // 2: unspecified
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool full_range = false;
};

struct H264Sps {
  v4l2_ctrl_h264_sps control{};  // every field set, every value in the standard's range
  bool scaling_matrix_present = false;
  // After fall-back rule set A; flat where not present.
  v4l2_ctrl_h264_scaling_matrix scaling_matrix{};
  H264Cropping cropping;
  // Absent where the VUI lacks it, ends too early or contradicts itself.
  std::optional<H264BitstreamRestriction> restriction;
  H264Colour colour;
};

// `nal`: the whole NAL unit (type 7), no start code, emulation prevention kept. Any profile_idc is
// accepted; frames are at most core::kMaxDimension each way.
Result<H264Sps> parse_h264_sps(std::span<const uint8_t> nal);

inline bool h264_has_flag(const v4l2_ctrl_h264_sps& sps, uint32_t flag) {
  return (sps.flags & flag) != 0;
}
// ChromaArrayType (7.4.2.1.1).
int h264_chroma_array_type(const v4l2_ctrl_h264_sps& sps);
// PicWidthInMbs, PicSizeInMapUnits, FrameHeightInMbs (7.4.2.1.1).
uint32_t h264_width_in_mbs(const v4l2_ctrl_h264_sps& sps);
uint32_t h264_map_units(const v4l2_ctrl_h264_sps& sps);
uint32_t h264_frame_height_in_mbs(const v4l2_ctrl_h264_sps& sps);
// MaxDpbFrames (A.3.1 h, table A-1): 1 to 16. A level that the table does not know counts as the
// highest.
uint32_t h264_max_dpb_frames(const v4l2_ctrl_h264_sps& sps);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_H264_SPS_H_
