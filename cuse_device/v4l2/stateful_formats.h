// What the stateful decoder can do: its coded formats and its controls.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_FORMATS_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_FORMATS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cuse_device/v4l2/controls.h"
#include "decode_core/codec.h"
#include "decode_core/core.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// A bitstream that the OUTPUT queue takes.
struct CodedFormat {
  uint32_t fourcc;  // V4L2_PIX_FMT_…
  core::Codec codec;
  std::string_view description;  // the kernel's words (v4l_fill_fmtdesc)
  uint32_t flags;                // V4L2_FMT_FLAG_…
};

// Those whose codec is there.
std::vector<CodedFormat> coded_formats(std::span<const core::ProfileCapability> capabilities);

// CAPTURE buffers that a client should have at least: pictures are copied into them, so the decoder
// keeps none; with two, one is filled while the client has the other.
inline constexpr int64_t kMinCaptureBuffers = 2;

// Min-buffers, and the profiles and levels of the codecs (V4L2 "stateful decoder", querying
// capabilities, 4).
void add_stateful_controls(std::span<const core::ProfileCapability> capabilities,
                           ControlHandler* controls);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_FORMATS_H_
