// SelfContainedFrames: jobs from frames that carry their headers, for OUTPUT buffers without
// request.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_SELF_CONTAINED_FRAMES_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_SELF_CONTAINED_FRAMES_H_

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/headers/mpeg2_headers.h"
#include "decode_core/headers/vp8_frame_header.h"
#include "decode_core/headers/vp9_uncompressed_header.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"

namespace daedalus::v4l2 {

// One chain of frames: their headers' state and reference pictures. Not thread-safe.
class SelfContainedFrames {
 public:
  // VP8, VP9 and MPEG-2 begin each frame with its headers. Parameter sets and reference marking of
  // H.264 and HEVC are kept over many pictures, the frames of AV1 need their sequence header: these
  // need requests.
  static bool possible(core::Codec codec) {
    return codec == core::Codec::kVp8 || codec == core::Codec::kVp9 || codec == core::Codec::kMpeg2;
  }

  struct Frame {
    std::vector<core::DecodeJob> jobs;       // with their targets; none: an older picture again
    std::shared_ptr<core::Picture> picture;  // what the buffer shows
    core::Profile profile = core::Profile::kVp8;
  };
  // `data`: a VP8 frame, a VP9 frame or superframe (which shows its last frame), or an MPEG-2
  // access unit. kCorrupt, kUnsupported: as the header parsers say, and what came before stays in
  // force.
  Result<Frame> parse(core::Codec codec, std::span<const uint8_t> data);

 private:
  using PicturePtr = std::shared_ptr<core::Picture>;

  Status parse_vp8(std::span<const uint8_t> data, Frame* out);
  Status parse_vp9(std::span<const uint8_t> data, Frame* out);
  Status parse_mpeg2(std::span<const uint8_t> data, Frame* out);
  core::DecodeJob begin_mpeg2(Frame* out);

  headers::Vp8HeaderParser vp8_;
  std::array<PicturePtr, 3> vp8_references_;  // last, golden, altref
  headers::Vp9HeaderParser vp9_;
  std::array<PicturePtr, headers::kVp9SlotCount> vp9_slots_;
  headers::Mpeg2HeaderParser mpeg2_;
  std::array<PicturePtr, 2> mpeg2_references_;  // the last two frames that are: older, newer
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_SELF_CONTAINED_FRAMES_H_
