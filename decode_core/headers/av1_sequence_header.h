// The sequence header of AV1 (AV1 5.5).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_SEQUENCE_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_SEQUENCE_HEADER_H_

#include <array>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

struct Av1OperatingPoint {
  uint16_t idc = 0;            // operating_point_idc
  bool decoder_model = false;  // decoder_model_present_for_this_op
};

// seq_force_screen_content_tools and seq_force_integer_mv: each frame tells.
inline constexpr uint8_t kAv1ChosenByFrame = 2;

struct Av1SequenceHeader {
  uint8_t profile = 0;
  uint32_t max_width = 0;  // luma samples
  uint32_t max_height = 0;
  uint8_t bit_depth = 8;  // 8, 10 or 12
  bool monochrome = false;
  bool subsampled_x = true;
  bool subsampled_y = true;
  // Code points of ISO/IEC 23091-2.
  uint8_t primaries = 2;
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool full_range = false;

  bool still_picture = false;
  bool reduced_still_picture = false;
  // V4L2_AV1_SEQUENCE_FLAG_…, those of the coding tools: from 128x128 superblocks to restoration,
  // film grain and separate deltas of the chroma quantisers.
  uint32_t tools = 0;
  uint8_t force_screen_content_tools = kAv1ChosenByFrame;
  uint8_t force_integer_mv = kAv1ChosenByFrame;
  uint8_t order_hint_bits = 0;  // OrderHintBits; 0: no order hints

  // Lengths of the syntax elements of the frame header, in bits.
  uint8_t width_bits = 16;
  uint8_t height_bits = 16;
  uint8_t frame_id_bits = 0;  // idLen; 0: no frame ids
  uint8_t delta_frame_id_bits = 0;
  bool decoder_model = false;  // decoder_model_info_present_flag
  bool equal_picture_interval = false;
  uint8_t removal_time_bits = 0;
  uint8_t presentation_time_bits = 0;

  std::array<Av1OperatingPoint, 32> operating_points{};
  uint8_t operating_point_count = 1;

  bool has(uint32_t tool) const { return (tools & tool) != 0; }
  int planes() const { return monochrome ? 1 : 3; }
  v4l2_ctrl_av1_sequence control() const;
};

// `payload` of a unit of type kSequenceHeader.
Result<Av1SequenceHeader> parse_av1_sequence_header(std::span<const uint8_t> payload);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_SEQUENCE_HEADER_H_
