// Picture order counts of H.264 (8.2.1), from one picture to the next.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_H264_ORDER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_H264_ORDER_H_

#include <array>
#include <cstdint>

#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::parsed_stream {

// TopFieldOrderCnt and BottomFieldOrderCnt; of a field picture only its own counts.
using H264OrderCounts = std::array<int32_t, 2>;

class H264Order {
 public:
  // The counts of the picture that `header` begins. Call finish() before the next.
  H264OrderCounts compute(const v4l2_ctrl_h264_sps& sps, const headers::H264SliceHeader& header);
  // The picture of the last compute() has been marked. `reset`: it had
  // memory_management_control_operation 5, and `top_after_reset` is its TopFieldOrderCnt after that
  // (0 for a bottom field).
  void finish(bool reset, int32_t top_after_reset);

  // The counts of an inferred frame (8.2.5.2), as if it had been computed and finished.
  H264OrderCounts infer(const v4l2_ctrl_h264_sps& sps, uint32_t frame_num);
  // As infer() up to and without `frame_num`, for a gap too long to be walked.
  void skip_to(const v4l2_ctrl_h264_sps& sps, uint32_t frame_num);

 private:
  int64_t next_frame_num_offset(const v4l2_ctrl_h264_sps& sps, uint32_t frame_num) const;
  H264OrderCounts by_lsb(const v4l2_ctrl_h264_sps& sps, const headers::H264SliceHeader& header);
  H264OrderCounts by_cycle(const v4l2_ctrl_h264_sps& sps, const headers::H264SliceHeader& header);
  H264OrderCounts by_frame_num(const headers::H264SliceHeader& header);

  // Of the last reference picture, type 0.
  int64_t previous_msb_ = 0;
  int64_t previous_lsb_ = 0;
  // Of the last picture, types 1 and 2.
  uint32_t previous_frame_num_ = 0;
  int64_t previous_frame_num_offset_ = 0;
  // Of the picture between compute() and finish().
  bool reference_ = false;
  uint32_t frame_num_ = 0;
  int64_t msb_ = 0;
  int64_t lsb_ = 0;
  int64_t frame_num_offset_ = 0;
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_H264_ORDER_H_
