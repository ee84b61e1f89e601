// The controls of one request, as VIDIOC_S_EXT_CTRLS wants them.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_REQUEST_CONTROLS_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_REQUEST_CONTROLS_H_

#include <cstdint>
#include <set>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/uapi/controls.h"
#include "test/clients/parsers/stream_parser.h"
#include "test/clients/v4l2/system_calls.h"

namespace daedalus::v4l2_client {

uint32_t coded_fourcc(core::Codec codec);  // V4L2_PIX_FMT_…

class RequestControls {
 public:
  // Asks which of the codec's controls the node has, and settles how H.264 is handed over: frame
  // based, with start codes where the node takes them.
  static Result<RequestControls> query(SystemCalls& calls, int video, core::Codec codec);

  // Into the request; below 0: at once, those of the sequence alone.
  Status set(const clients::Controls& controls, int request) const;
  bool start_codes() const { return start_codes_; }
  uint32_t fourcc() const { return fourcc_; }

 private:
  RequestControls(SystemCalls& calls, int video, uint32_t fourcc)
      : calls_(&calls), video_(video), fourcc_(fourcc) {}
  bool has(uint32_t id) const;
  Status choose_h264_modes();

  SystemCalls* calls_;
  int video_;
  uint32_t fourcc_;
  std::set<uint32_t> absent_;
  bool start_codes_ = true;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_REQUEST_CONTROLS_H_
