// The reference picture lists of a slice (H.264 8.2.4), which VA's slice parameters carry ready
// made.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_H264_REFERENCE_LISTS_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_H264_REFERENCE_LISTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "decode_core/uapi/controls.h"
#include "test/clients/parsers/h264_slice_header.h"

namespace daedalus::clients {

// What the lists of a picture's slices are made of.
struct H264ListContext {
  const v4l2_ctrl_h264_sps& sps;
  const v4l2_ctrl_h264_decode_params& decode;  // the entries that are ACTIVE are references
  // PicOrderCnt of each entry: of a frame or pair the smaller one, of a single field its own.
  std::array<int32_t, V4L2_H264_NUM_DPB_ENTRIES> order_counts{};
};

// One entry: a picture of the dpb and which of its fields (V4L2_H264_*_REF).
struct H264Reference {
  static constexpr size_t kNone = ~size_t{0};
  size_t dpb_index = kNone;
  uint8_t fields = V4L2_H264_FRAME_REF;

  bool none() const { return dpb_index == kNone; }
  bool operator==(const H264Reference&) const = default;
};

// Lists 0 and 1 after modification, as long as the slice says; entries without a picture are
// none().
std::array<std::vector<H264Reference>, 2> h264_reference_lists(const H264ListContext& context,
                                                               const H264SliceHeader& slice);

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_H264_REFERENCE_LISTS_H_
