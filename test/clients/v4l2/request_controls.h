// The controls of one request, as VIDIOC_S_EXT_CTRLS wants them.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_REQUEST_CONTROLS_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_REQUEST_CONTROLS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <span>
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
  // How H.264 and HEVC are handed over. Where neither is asked for, frame based before slice based,
  // with start codes before without.
  struct NalModes {
    std::optional<bool> slice_based;
    std::optional<bool> start_codes;
  };
  // Asks which of the codec's controls the node has, and settles how NAL units are handed over.
  static Result<RequestControls> query(SystemCalls& calls, int video, core::Codec codec,
                                       const NalModes& modes);

  // Into the request; below 0: at once, those of the sequence alone. `slices`: those that the
  // request holds.
  Status set(const clients::Controls& controls, std::span<const clients::SliceControls> slices,
             int request) const;
  bool slice_based() const { return slice_based_; }
  bool start_codes() const { return start_codes_; }
  uint32_t fourcc() const { return fourcc_; }

 private:
  RequestControls(SystemCalls& calls, int video, uint32_t fourcc)
      : calls_(&calls), video_(video), fourcc_(fourcc) {}
  // The most elements; 0 where the node lacks it.
  uint32_t capacity(uint32_t id) const;
  bool has(uint32_t id) const { return capacity(id) != 0; }
  Status choose_modes(core::Codec codec, const NalModes& modes);

  SystemCalls* calls_;
  int video_;
  uint32_t fourcc_;
  std::set<uint32_t> absent_;
  // The most elements of the codec's SLICE_PARAMS and ENTRY_POINT_OFFSETS; 0 where it has none.
  uint32_t slice_capacity_ = 0;
  uint32_t entry_point_capacity_ = 0;
  bool slice_based_ = false;
  bool start_codes_ = true;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_REQUEST_CONTROLS_H_
