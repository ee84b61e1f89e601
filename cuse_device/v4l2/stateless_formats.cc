#include "cuse_device/v4l2/stateless_formats.h"

#include <algorithm>
#include <iterator>

#include "cuse_device/v4l2/codec_profiles.h"

namespace daedalus::v4l2 {
namespace {

constexpr uint32_t kH264Sequence[] = {V4L2_CID_STATELESS_H264_SPS, V4L2_CID_STATELESS_H264_PPS};
constexpr uint32_t kHevcSequence[] = {V4L2_CID_STATELESS_HEVC_SPS, V4L2_CID_STATELESS_HEVC_PPS};
constexpr uint32_t kAv1Sequence[] = {V4L2_CID_STATELESS_AV1_SEQUENCE,
                                     V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY};
constexpr uint32_t kMpeg2Sequence[] = {V4L2_CID_STATELESS_MPEG2_SEQUENCE};

constexpr StatelessFormat kFormats[] = {
    {V4L2_PIX_FMT_H264_SLICE, core::Codec::kH264, "H.264 Parsed Slice Data",
     V4L2_CID_STATELESS_H264_DECODE_PARAMS, kH264Sequence},
    {V4L2_PIX_FMT_VP8_FRAME, core::Codec::kVp8, "VP8 Frame", V4L2_CID_STATELESS_VP8_FRAME, {}},
    {V4L2_PIX_FMT_VP9_FRAME, core::Codec::kVp9, "VP9 Frame", V4L2_CID_STATELESS_VP9_FRAME, {}},
    {V4L2_PIX_FMT_MPEG2_SLICE, core::Codec::kMpeg2, "MPEG-2 Parsed Slice Data",
     V4L2_CID_STATELESS_MPEG2_PICTURE, kMpeg2Sequence},
    {V4L2_PIX_FMT_HEVC_SLICE, core::Codec::kHevc, "HEVC Parsed Slice Data",
     V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, kHevcSequence},
    {V4L2_PIX_FMT_AV1_FRAME, core::Codec::kAv1, "AV1 Frame", V4L2_CID_STATELESS_AV1_FRAME,
     kAv1Sequence},
};

}  // namespace

std::vector<StatelessFormat> stateless_formats(
    std::span<const core::ProfileCapability> capabilities) {
  std::vector<StatelessFormat> formats;
  std::copy_if(
      std::begin(kFormats), std::end(kFormats), std::back_inserter(formats),
      [&](const StatelessFormat& format) { return has_codec(capabilities, format.codec); });
  return formats;
}

}  // namespace daedalus::v4l2
