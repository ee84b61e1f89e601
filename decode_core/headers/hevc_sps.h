// Sequence parameter sets of HEVC (H.265 7.3.2.2.1, annex E).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_SPS_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_SPS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/headers/hevc_reference_set.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// conf_win_*_offset turned into luma samples. A window that leaves nothing is refused with the
// parameter set.
struct HevcConformanceWindow {
  uint32_t left = 0, right = 0, top = 0, bottom = 0;
};

// video_signal_type of the VUI parameters (E.3.1); the code points are those of ISO/IEC 23091-2.
struct HevcColour {
  uint8_t primaries = 2;  // 2: unspecified
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool full_range = false;
};

// A long-term reference picture that slices may name by its index (lt_ref_pic_poc_lsb_sps).
struct HevcLongTermCandidate {
  uint16_t order_count_lsb = 0;
  bool used = false;  // used_by_curr_pic_lt_sps_flag
};

struct HevcSps {
  uint8_t id = 0;
  uint8_t chroma_format_idc = 1;
  uint32_t width = 0;  // luma samples, multiples of the smallest coding block
  uint32_t height = 0;
  HevcConformanceWindow window;
  uint8_t bit_depth_luma = 8;  // 8 to 16
  uint8_t bit_depth_chroma = 8;
  // Of the highest sub-layer: pictures in the decoded picture buffer, the current one included (1
  // to 16), and pictures that may precede another in decoding order and follow it in output order.
  uint8_t max_dec_pic_buffering = 1;
  uint8_t max_num_reorder_pics = 0;
  uint32_t max_latency_pictures = 0;  // SpsMaxLatencyPictures; 0: no limit
  HevcColour colour;                  // unspecified where the VUI ends too early

  // As the interfaces carry it, and what they lack.
  v4l2_ctrl_hevc_sps control{};
  // In force with V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED where the PPS has none.
  v4l2_ctrl_hevc_scaling_matrix scaling_matrix{};
  std::vector<HevcReferenceSet> reference_sets;
  std::vector<HevcLongTermCandidate> long_term_candidates;
};

// `nal`: the whole NAL unit (type 33, layer 0), no start code, emulation prevention kept. Any
// profile is accepted; pictures are at most core::kMaxDimension each way.
Result<HevcSps> parse_hevc_sps(std::span<const uint8_t> nal);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_SPS_H_
