// The decoded picture buffer of HEVC: reference picture sets (8.3.2) and output by bumping (C.5.2).
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_HEVC_DPB_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_HEVC_DPB_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/headers/hevc_sps.h"
#include "decode_core/image.h"
#include "decode_core/picture.h"

namespace daedalus::parsed_stream {

struct HevcFrame {
  enum class Reference : uint8_t { kNone, kShortTerm, kLongTerm };
  std::shared_ptr<core::Picture> picture;
  core::Rect visible;
  int32_t order_count = 0;
  bool needed_for_output = false;
  uint32_t latency = 0;  // PicLatencyCount
  Reference reference = Reference::kShortTerm;
};

class HevcDpb {
 public:
  using Frames = std::vector<HevcFrame>;

  // Marks the references of the picture that `header` begins, of order count `order_count`, and
  // describes them to `decode` and `references`, missing ones with a null picture.
  void mark(const headers::HevcSps& sps, const headers::HevcSliceHeader& header,
            int32_t order_count, v4l2_ctrl_hevc_decode_params& decode,
            std::vector<std::shared_ptr<core::Picture>>& references);
  // Before an IRAP picture that nothing before it may be output after (C.5.2.2): appends all that
  // wait to `shown`, or drops them.
  void clear(bool output, Frames& shown);
  // Before any other picture (C.5.2.2): makes room for it.
  void make_room(const headers::HevcSps& sps, Frames& shown);
  // C.5.2.3
  void add(const headers::HevcSps& sps, HevcFrame frame, Frames& shown);

 private:
  const HevcFrame* find(int64_t order_count, int64_t mask, bool any_reference) const;
  void bump(Frames& shown);
  void remove_unneeded();
  bool too_many_wait(const headers::HevcSps& sps) const;

  Frames frames_;
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_HEVC_DPB_H_
