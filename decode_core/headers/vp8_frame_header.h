// The VP8 frame header (RFC 6386 9, 19.2) as the kernel's control structure, with the state that
// one frame leaves to the next.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_VP8_FRAME_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_VP8_FRAME_HEADER_H_

#include <cstdint>
#include <span>

#include "base/result.h"
#include "decode_core/headers/vp8_frame_tag.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// copy_buffer_to_golden and copy_buffer_to_alternate (RFC 6386 9.7), taken from the buffers as they
// were before this frame.
enum class Vp8BufferCopy : uint8_t { kNone = 0, kLast = 1, kOther = 2, kReserved = 3 };

struct Vp8Header {
  // Everything but the timestamps. Segmentation data, deltas and probabilities that the header does
  // not transmit are those in force, in a key frame the modes' fixed ones. Versions above 3 are the
  // experimental flag and the low two bits. coder_state is the decoder's at the first macroblock,
  // first_part_header_bits the number of bits consumed until there, both as ffmpeg and GStreamer
  // hand them over.
  v4l2_ctrl_vp8_frame frame{};

  Vp8FrameTag tag;
  uint8_t color_space = 0;    // key frames only
  uint8_t clamping_type = 0;  // key frames only
  bool refresh_last = false;
  bool refresh_golden = false;
  bool refresh_alternate = false;
  Vp8BufferCopy copy_to_golden = Vp8BufferCopy::kNone;     // kOther: from the alternate
  Vp8BufferCopy copy_to_alternate = Vp8BufferCopy::kNone;  // kOther: from golden
  bool refresh_entropy_probs = false;
  // The probabilities that the next frame starts from.
  v4l2_vp8_entropy next_entropy{};
};

// One chain of frames. Copyable: the copy goes on from the same state. Not thread-safe.
class Vp8HeaderParser {
 public:
  // A whole frame, tag first. Leaves the state alone. kCorrupt: the header is damaged, or a
  // partition is missing or reaches beyond the frame, or no key frame came before.
  Result<Vp8Header> parse(std::span<const uint8_t> data) const;

  // The frame is decoded: what it leaves to the next one takes effect.
  void update(const Vp8Header& header);

 private:
  bool key_frame_seen_ = false;
  uint16_t width_ = 0;
  uint16_t height_ = 0;
  uint8_t horizontal_scale_ = 0;
  uint8_t vertical_scale_ = 0;
  // In force after the last frame.
  v4l2_vp8_segment segment_{};
  v4l2_vp8_loop_filter loop_filter_{};
  v4l2_vp8_entropy entropy_{};

  friend class Vp8HeaderReader;
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_VP8_FRAME_HEADER_H_
