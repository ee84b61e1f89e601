// Sequence and picture parameter sets of H.264 (7.3.2.1, 7.3.2.2) as V4L2's controls.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_H264_PARAMETER_SETS_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_H264_PARAMETER_SETS_H_

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "decode_core/uapi/controls.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

struct H264Sps {
  v4l2_ctrl_h264_sps control{};
  std::optional<v4l2_ctrl_h264_scaling_matrix> scaling;  // raster order
  Rectangle visible;                                     // the cropping window
  uint32_t dpb_frames = 1;                               // its size (A.3.1, E.2.1)
  bool reorders = true;                                  // unless max_num_reorder_frames says 0

  bool flag(uint32_t bit) const { return (control.flags & bit) != 0; }
  PictureFormat format() const;
  uint32_t max_frame_num() const { return 1U << (control.log2_max_frame_num_minus4 + 4); }
};

struct H264Pps {
  v4l2_ctrl_h264_pps control{};
  v4l2_ctrl_h264_scaling_matrix scaling{};  // with V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT
  uint32_t slice_group_change_cycle_bits = 0;
};

// Whole NAL units without start code.
Result<H264Sps> read_h264_sps(std::span<const uint8_t> nal);
Result<H264Pps> read_h264_pps(std::span<const uint8_t> nal, const H264Sps& sps);
// pic_parameter_set_id and seq_parameter_set_id of a picture parameter set.
struct H264PpsIds {
  uint32_t pps = 0, sps = 0;
};
H264PpsIds read_h264_pps_ids(std::span<const uint8_t> nal);

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_H264_PARAMETER_SETS_H_
