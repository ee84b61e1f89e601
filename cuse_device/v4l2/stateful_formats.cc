#include "cuse_device/v4l2/stateful_formats.h"

#include <algorithm>

#include "cuse_device/v4l2/codec_profiles.h"

namespace daedalus::v4l2 {
namespace {

constexpr uint32_t kParserFlags =
    V4L2_FMT_FLAG_CONTINUOUS_BYTESTREAM | V4L2_FMT_FLAG_DYN_RESOLUTION;

// VP8, VP9 and AV1 have no start codes: one frame, or temporal unit, a buffer.
constexpr CodedFormat kCodedFormats[] = {
    {V4L2_PIX_FMT_H264, core::Codec::kH264, "H.264", kParserFlags},
    {V4L2_PIX_FMT_HEVC, core::Codec::kHevc, "HEVC", kParserFlags},
    {V4L2_PIX_FMT_VP8, core::Codec::kVp8, "VP8", V4L2_FMT_FLAG_DYN_RESOLUTION},
    {V4L2_PIX_FMT_VP9, core::Codec::kVp9, "VP9", V4L2_FMT_FLAG_DYN_RESOLUTION},
    {V4L2_PIX_FMT_MPEG2, core::Codec::kMpeg2, "MPEG-2 ES", kParserFlags},
    {V4L2_PIX_FMT_AV1, core::Codec::kAv1, "AV1 OBU Stream", V4L2_FMT_FLAG_DYN_RESOLUTION},
};

}  // namespace

std::vector<CodedFormat> coded_formats(std::span<const core::ProfileCapability> capabilities) {
  std::vector<CodedFormat> formats;
  std::copy_if(std::begin(kCodedFormats), std::end(kCodedFormats), std::back_inserter(formats),
               [&](const CodedFormat& format) { return has_codec(capabilities, format.codec); });
  return formats;
}

void add_stateful_controls(std::span<const core::ProfileCapability> capabilities,
                           ControlHandler* controls) {
  ControlInfo buffers;
  buffers.id = V4L2_CID_MIN_BUFFERS_FOR_CAPTURE;
  buffers.name = "Min Number of Capture Buffers";
  buffers.minimum = 1;
  buffers.maximum = 32;
  buffers.default_value = kMinCaptureBuffers;
  buffers.flags = V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_VOLATILE;
  controls->add(buffers);
  add_profile_controls(capabilities, controls);
}

}  // namespace daedalus::v4l2
