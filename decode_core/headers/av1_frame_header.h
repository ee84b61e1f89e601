// The frame header of AV1 (AV1 5.9) and what frames leave to those that follow (7.20, 7.21).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_FRAME_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_FRAME_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "decode_core/headers/av1_sequence_header.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

inline constexpr size_t kAv1SlotCount = 8;            // NUM_REF_FRAMES
inline constexpr size_t kAv1ReferenceCount = 7;       // REFS_PER_FRAME
inline constexpr uint8_t kAv1NoPrimaryReference = 7;  // PRIMARY_REF_NONE
inline constexpr uint8_t kAv1AllSlots = 0xff;         // of refresh_frame_flags

inline bool av1_is_intra(uint32_t frame_type) {
  return frame_type == V4L2_AV1_KEY_FRAME || frame_type == V4L2_AV1_INTRA_ONLY_FRAME;
}

// Whether it takes every slot without saying so (5.9.2).
inline bool av1_refreshes_all(const v4l2_ctrl_av1_frame& frame) {
  const bool shown = (frame.flags & V4L2_AV1_FRAME_FLAG_SHOW_FRAME) != 0;
  return frame.frame_type == V4L2_AV1_SWITCH_FRAME ||
         (frame.frame_type == V4L2_AV1_KEY_FRAME && shown);
}

// CodedLossless (5.9.2), of the frame's quantization and segmentation.
bool av1_is_coded_lossless(const v4l2_ctrl_av1_frame& frame);

struct Av1FrameHeader {
  // Nothing is decoded: the frame of slot `frame_to_show` is shown. `frame` and `film_grain` are
  // then that frame's (7.21), but for refresh_frame_flags: those of this header.
  bool show_existing_frame = false;
  uint8_t frame_to_show = 0;

  // reference_frame_ts is unused. frame_width_minus_1 counts the samples before super-resolution,
  // upscaled_width those after it.
  v4l2_ctrl_av1_frame frame{};
  // All zero where the frame has none. A frame that takes the parameters of another one
  // (update_grain 0) has them here.
  v4l2_ctrl_av1_film_grain film_grain{};

  uint8_t tile_columns_log2 = 0;
  uint8_t tile_rows_log2 = 0;
  // The header's length in the payload, before any alignment.
  size_t bits = 0;
  uint8_t temporal_id = 0;
  uint8_t spatial_id = 0;

  bool has(uint32_t frame_flag) const { return (frame.flags & frame_flag) != 0; }
  bool key_frame() const { return frame.frame_type == V4L2_AV1_KEY_FRAME; }
  bool intra() const { return av1_is_intra(frame.frame_type); }
  bool show_frame() const { return has(V4L2_AV1_FRAME_FLAG_SHOW_FRAME); }
  // Sizes in luma samples, after super-resolution.
  uint32_t width() const { return frame.upscaled_width; }
  uint32_t height() const { return frame.frame_height_minus_1 + 1; }
  size_t tile_count() const {
    return size_t{frame.tile_info.tile_cols} * frame.tile_info.tile_rows;
  }
};

using Av1Frame = std::shared_ptr<const Av1FrameHeader>;
using Av1Slots = std::array<Av1Frame, kAv1SlotCount>;  // null: no frame

// What of the unit's extension the frame header depends on.
struct Av1LayerIds {
  uint8_t temporal_id = 0;
  uint8_t spatial_id = 0;
};

// Reads the headers of one stream. parse() changes nothing; update() does, once the caller wants
// the frame decoded. Copyable: a copy goes on from the same state.
class Av1HeaderParser {
 public:
  Av1HeaderParser() = default;
  // As if these frames had been decoded.
  explicit Av1HeaderParser(const Av1Slots& slots) : slots_(slots) {}

  void set_sequence(const Av1SequenceHeader& sequence) { sequence_ = sequence; }
  const std::optional<Av1SequenceHeader>& sequence() const { return sequence_; }

  // `payload` of a unit of type kFrameHeader, kRedundantFrameHeader or kFrame. kCorrupt: damaged,
  // or it refers to what is not there; kUnsupported: none.
  Result<Av1FrameHeader> parse(std::span<const uint8_t> payload, Av1LayerIds ids) const;
  // 7.20: the frame takes the slots that it refreshes.
  void update(const Av1FrameHeader& header);

  const Av1Slots& slots() const { return slots_; }

 private:
  std::optional<Av1SequenceHeader> sequence_;
  Av1Slots slots_;
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_FRAME_HEADER_H_
