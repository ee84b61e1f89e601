// Picture parameter sets of H.264 (7.3.2.2).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_H264_PPS_H_
#define DAEDALUS_DECODE_CORE_HEADERS_H264_PPS_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/headers/h264_sps.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// Flexible macroblock ordering: how macroblocks are given to slice groups.
struct H264SliceGroups {
  uint8_t map_type = 0;
  std::array<uint32_t, 8> run_length_minus1{};  // type 0
  std::array<uint32_t, 8> top_left{};           // type 2, map units
  std::array<uint32_t, 8> bottom_right{};       // type 2
  bool change_direction = false;                // types 3 to 5
  uint32_t change_rate_minus1 = 0;              // types 3 to 5, map units
  std::vector<uint8_t> slice_group_id;          // type 6, one a map unit
};

struct H264Pps {
  // Every field set, every value in the standard's range. V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT
  // is set where this set or the SPS has lists.
  v4l2_ctrl_h264_pps control{};
  v4l2_ctrl_h264_scaling_matrix
      scaling_matrix{};          // after the fall-back rules; flat without the flag
  H264SliceGroups slice_groups;  // meaningful with num_slice_groups_minus1 > 0
};

struct H264PpsIds {
  uint8_t pps_id;
  uint8_t sps_id;
};

// Which SPS is needed to parse this one. `nal`: the whole NAL unit (type 8).
Result<H264PpsIds> parse_h264_pps_ids(std::span<const uint8_t> nal);

// `sps` is the one that parse_h264_pps_ids names; the result is valid only together with it.
Result<H264Pps> parse_h264_pps(std::span<const uint8_t> nal, const H264Sps& sps);

// Size of slice_group_change_cycle in the slice headers, bits (7.4.3): 0 where they have none.
unsigned h264_slice_group_change_cycle_bits(const v4l2_ctrl_h264_sps& sps, const H264Pps& pps);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_H264_PPS_H_
