// RequestPlan: how the slices of a job are spread over media requests, and what the controls say of
// each slice.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_PLAN_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "decode_core/hardware/nal_mode.h"
#include "decode_core/job.h"

namespace daedalus::core {

// What one request carries of DecodeJob::slices.
struct RequestPart {
  size_t first = 0;
  size_t count = 0;
};

// The controls of one HEVC slice segment, as if its NAL unit stood alone in the OUTPUT buffer.
struct HevcSliceControls {
  v4l2_ctrl_hevc_slice_params slice{};
  std::vector<uint32_t> entry_points;  // bytes
};

// The controls of one H.264 slice.
struct H264SliceControls {
  v4l2_ctrl_h264_slice_params slice{};
  v4l2_ctrl_h264_pred_weights weights{};
  bool weighted = false;  // V4L2_H264_CTRL_PRED_WEIGHTS_REQUIRED
};

struct RequestPlan {
  std::vector<RequestPart> parts;  // in order, none empty; all but the last hold the CAPTURE buffer
  std::vector<HevcSliceControls> hevc;  // parallel to DecodeJob::slices, or empty: not to be sent
};

// `job` is valid. H.264's slice-based mode has one slice to a request. kCorrupt: a slice header
// that the controls are made of cannot be read. kUnsupported: the picture has more slices, or one
// of them more entry points, than the controls take.
Result<RequestPlan> plan_requests(const DecodeJob& job, const NalMode& mode);

// Of job.slices[slice], with its reference lists (8.2.4). `parameters` are the job's, the PPS's
// default reference counts filled in. kCorrupt: its header cannot be read.
Result<H264SliceControls> h264_slice_controls(const DecodeJob& job,
                                              const H264Parameters& parameters, size_t slice);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_PLAN_H_
