// The coded formats of the stateless decoder, and which controls a request needs for each.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_FORMATS_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_FORMATS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/core.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// Parsed slices or frames that the OUTPUT queue takes.
struct StatelessFormat {
  uint32_t fourcc;  // V4L2_PIX_FMT_…
  core::Codec codec;
  std::string_view description;  // the kernel's words (v4l_fill_fmtdesc)
  uint32_t picture_control;      // every request must have it
  // These must have been set by then: in the request, in one before it or by themselves (stock
  // clients repeat them only when they change).
  std::span<const uint32_t> sequence_controls;
};

// Those whose codec the core has.
std::vector<StatelessFormat> stateless_formats(
    std::span<const core::ProfileCapability> capabilities);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_FORMATS_H_
