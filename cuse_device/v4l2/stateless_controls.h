// The controls of the stateless decoder: parsed parameters, with the bounds that the kernel checks
// (v4l2-ctrls-core.c, std_validate_compound).
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_CONTROLS_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_CONTROLS_H_

#include <span>

#include "cuse_device/v4l2/controls.h"
#include "decode_core/core.h"

namespace daedalus::v4l2 {

// Those of every codec that the core has, with their profiles and levels.
void add_stateless_controls(std::span<const core::ProfileCapability> capabilities,
                            ControlHandler* controls);

// What refuses a value: 0 or EINVAL. Elements that mean nothing beside others become 0, as do
// reserved ones. Beyond the kernel's own bounds these hold what its decoder drivers check: 4:2:0,
// 8 bits (VP9, HEVC and AV1: also 10).
int validate_control(v4l2_ctrl_h264_sps& sps);
int validate_control(v4l2_ctrl_h264_pps& pps);
int validate_control(v4l2_ctrl_h264_pred_weights& weights);
int validate_control(v4l2_ctrl_h264_slice_params& slice);
int validate_control(v4l2_ctrl_h264_decode_params& decode);
int validate_control(v4l2_ctrl_vp8_frame& frame);
int validate_control(v4l2_ctrl_vp9_frame& frame);
int validate_control(v4l2_ctrl_vp9_compressed_hdr& header);
int validate_control(v4l2_ctrl_mpeg2_sequence& sequence);
int validate_control(v4l2_ctrl_mpeg2_picture& picture);
int validate_control(v4l2_ctrl_hevc_sps& sps);
int validate_control(v4l2_ctrl_hevc_pps& pps);
int validate_control(v4l2_ctrl_hevc_slice_params& slice);
int validate_control(v4l2_ctrl_hevc_decode_params& decode);
int validate_control(v4l2_ctrl_av1_sequence& sequence);
int validate_control(v4l2_ctrl_av1_frame& frame);
int validate_control(v4l2_ctrl_av1_film_grain& grain);

// The most elements of the dynamic arrays of HEVC. Together with the other controls of a picture
// they fit into one call of every transport: 131,072 bytes over CUSE. Larger pictures need none of
// them, for the slices' own headers say the same.
inline constexpr uint32_t kMaxHevcSliceParams = 384;
inline constexpr uint32_t kMaxHevcEntryPoints = 4096;
// The same of AV1: as many tiles as a frame may have.
inline constexpr uint32_t kMaxAv1Tiles = V4L2_AV1_MAX_TILE_COLS * V4L2_AV1_MAX_TILE_ROWS;

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_CONTROLS_H_
