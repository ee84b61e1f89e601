// The VP9 uncompressed header (VP9 6.2, 7.2) as the kernel's control structure, with the state that
// one frame leaves to the next.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_VP9_UNCOMPRESSED_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_VP9_UNCOMPRESSED_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

inline constexpr size_t kVp9SlotCount = 8;       // NUM_REF_FRAMES
inline constexpr size_t kVp9ReferenceCount = 3;  // REFS_PER_FRAME: last, golden, altref

struct Vp9Header {
  // show_existing_frame: the frame has no more than this; only show_existing_slot, show_frame
  // (true) and frame.profile are meaningful.
  bool show_existing_frame = false;
  uint8_t show_existing_slot = 0;  // frame_to_show_map_idx

  // Everything but what the compressed header holds (reference_mode is zero) and the timestamps.
  // Deltas, features and probabilities that the header does not transmit are those in force.
  // reset_frame_context and frame_context_idx are as transmitted, the former in the kernel's values
  // (0 and 1 both are V4L2_VP9_RESET_FRAME_CTX_NONE).
  v4l2_ctrl_vp9_frame frame{};

  bool show_frame = false;
  bool key_frame = false;
  bool intra_only = false;
  bool error_resilient_mode = false;
  uint8_t color_space = 0;
  uint8_t refresh_frame_flags = 0;
  // The slots of last, golden and altref; zero in key and intra-only frames.
  std::array<uint8_t, kVp9ReferenceCount> ref_frame_idx{};

  bool intra() const { return key_frame || intra_only; }               // FrameIsIntra
  uint32_t width() const { return frame.frame_width_minus_1 + 1u; }    // luma samples
  uint32_t height() const { return frame.frame_height_minus_1 + 1u; }  // luma samples
  // Bytes before the tile data.
  size_t header_bytes() const {
    return size_t{frame.uncompressed_header_size} + frame.compressed_header_size;
  }
};

// One chain of frames. Copyable: the copy goes on from the same state. Not thread-safe.
class Vp9HeaderParser {
 public:
  // A frame (superframes already split), of which at least the uncompressed and the compressed
  // header must be there. Leaves the state alone. kCorrupt: the header is damaged or incomplete or
  // takes its size from a slot that holds no frame; kUnsupported: it uses reserved values.
  Result<Vp9Header> parse(std::span<const uint8_t> data) const;

  // The frame is decoded: what it leaves to the next one takes effect (reference slot sizes, loop
  // filter deltas, segmentation, colour configuration). Nothing for a show_existing_frame.
  void update(const Vp9Header& header);

  // The frame size that `slot` (below kVp9SlotCount) holds, luma samples, for a caller that knows
  // it from elsewhere, after a seek for instance; 0x0: the slot holds no frame.
  void set_slot_size(size_t slot, uint32_t width, uint32_t height);

 private:
  struct Size {
    uint32_t width = 0;
    uint32_t height = 0;
  };

  std::array<Size, kVp9SlotCount> slots_{};
  // In force after the last frame.
  v4l2_vp9_loop_filter loop_filter_{};
  v4l2_vp9_segmentation segmentation_{};
  uint8_t color_space_ = 0;
  uint8_t bit_depth_ = 8;
  uint32_t color_flags_ = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;

  friend class Vp9HeaderReader;
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_VP9_UNCOMPRESSED_HEADER_H_
