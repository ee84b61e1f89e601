#include "decode_core/hardware/codec_interface.h"

#include <algorithm>
#include <array>

namespace daedalus::core {
namespace {

constexpr uint32_t kH264Controls[] = {V4L2_CID_STATELESS_H264_SPS, V4L2_CID_STATELESS_H264_PPS,
                                      V4L2_CID_STATELESS_H264_DECODE_PARAMS};
constexpr uint32_t kHevcControls[] = {V4L2_CID_STATELESS_HEVC_SPS, V4L2_CID_STATELESS_HEVC_PPS,
                                      V4L2_CID_STATELESS_HEVC_DECODE_PARAMS};
constexpr uint32_t kMpeg2Controls[] = {V4L2_CID_STATELESS_MPEG2_SEQUENCE,
                                       V4L2_CID_STATELESS_MPEG2_PICTURE};
constexpr uint32_t kVp8Controls[] = {V4L2_CID_STATELESS_VP8_FRAME};
constexpr uint32_t kVp9Controls[] = {V4L2_CID_STATELESS_VP9_FRAME};
constexpr uint32_t kAv1Controls[] = {V4L2_CID_STATELESS_AV1_SEQUENCE, V4L2_CID_STATELESS_AV1_FRAME,
                                     V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY};

static_assert(V4L2_STATELESS_H264_DECODE_MODE_SLICE_BASED == kSliceBased);
static_assert(V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED == kFrameBased);
static_assert(V4L2_STATELESS_H264_START_CODE_NONE == kNoStartCode);
static_assert(V4L2_STATELESS_H264_START_CODE_ANNEX_B == kAnnexB);
static_assert(V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED == kSliceBased);
static_assert(V4L2_STATELESS_HEVC_DECODE_MODE_FRAME_BASED == kFrameBased);
static_assert(V4L2_STATELESS_HEVC_START_CODE_NONE == kNoStartCode);
static_assert(V4L2_STATELESS_HEVC_START_CODE_ANNEX_B == kAnnexB);

constexpr NalControls kH264Nal = {V4L2_CID_STATELESS_H264_DECODE_MODE,
                                  V4L2_CID_STATELESS_H264_START_CODE,
                                  V4L2_CID_STATELESS_H264_SLICE_PARAMS,
                                  {}};
constexpr NalControls kHevcNal = {
    V4L2_CID_STATELESS_HEVC_DECODE_MODE, V4L2_CID_STATELESS_HEVC_START_CODE,
    V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS};

const std::array<CodecInterface, 6> kInterfaces = {{
    {Codec::kH264, V4L2_PIX_FMT_H264_SLICE, kH264Controls, kH264Nal,
     V4L2_CID_MPEG_VIDEO_H264_PROFILE},
    {Codec::kVp9, V4L2_PIX_FMT_VP9_FRAME, kVp9Controls, {}, V4L2_CID_MPEG_VIDEO_VP9_PROFILE},
    {Codec::kVp8, V4L2_PIX_FMT_VP8_FRAME, kVp8Controls, {}, V4L2_CID_MPEG_VIDEO_VP8_PROFILE},
    {Codec::kMpeg2,
     V4L2_PIX_FMT_MPEG2_SLICE,
     kMpeg2Controls,
     {},
     V4L2_CID_MPEG_VIDEO_MPEG2_PROFILE},
    {Codec::kHevc, V4L2_PIX_FMT_HEVC_SLICE, kHevcControls, kHevcNal,
     V4L2_CID_MPEG_VIDEO_HEVC_PROFILE},
    {Codec::kAv1, V4L2_PIX_FMT_AV1_FRAME, kAv1Controls, {}, V4L2_CID_MPEG_VIDEO_AV1_PROFILE},
}};

}  // namespace

std::span<const CodecInterface> codec_interfaces() { return kInterfaces; }

const CodecInterface* codec_interface(Codec codec) {
  const auto* found =
      std::find_if(kInterfaces.begin(), kInterfaces.end(),
                   [&](const CodecInterface& candidate) { return candidate.codec == codec; });
  return found == kInterfaces.end() ? nullptr : found;
}

uint32_t profile_item(Profile profile) {
  switch (profile) {
    case Profile::kH264ConstrainedBaseline:
      return V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_BASELINE;
    case Profile::kH264Main:
      return V4L2_MPEG_VIDEO_H264_PROFILE_MAIN;
    case Profile::kH264High:
      return V4L2_MPEG_VIDEO_H264_PROFILE_HIGH;
    case Profile::kVp9Profile0:
      return V4L2_MPEG_VIDEO_VP9_PROFILE_0;
    case Profile::kVp9Profile2:
      return V4L2_MPEG_VIDEO_VP9_PROFILE_2;
    case Profile::kVp8:
      return V4L2_MPEG_VIDEO_VP8_PROFILE_0;
    case Profile::kMpeg2Simple:
      return V4L2_MPEG_VIDEO_MPEG2_PROFILE_SIMPLE;
    case Profile::kMpeg2Main:
      return V4L2_MPEG_VIDEO_MPEG2_PROFILE_MAIN;
    case Profile::kHevcMain:
      return V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN;
    case Profile::kHevcMainStillPicture:
      return V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN_STILL_PICTURE;
    case Profile::kHevcMain10:
      return V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN_10;
    case Profile::kAv1Main:
      return V4L2_MPEG_VIDEO_AV1_PROFILE_MAIN;
  }
  return 0;
}

}  // namespace daedalus::core
