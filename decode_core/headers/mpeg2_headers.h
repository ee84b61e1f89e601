// The headers of MPEG-2 video above the slice (ISO 13818-2 6.2.2, 6.2.3) as the kernel's control
// structures.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_MPEG2_HEADERS_H_
#define DAEDALUS_DECODE_CORE_HEADERS_MPEG2_HEADERS_H_

#include <cstdint>
#include <span>

#include "base/result.h"
#include "decode_core/headers/mpeg2_start_code.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// Sequence header and sequence extension.
struct Mpeg2Sequence {
  v4l2_ctrl_mpeg2_sequence control{};
  uint8_t aspect_ratio_information = 0;
  uint8_t frame_rate_code = 0;
  bool low_delay = false;

  bool operator==(const Mpeg2Sequence& other) const;
};

// Picture header and picture coding extension.
struct Mpeg2Picture {
  v4l2_ctrl_mpeg2_picture control{};  // without the timestamps
  uint16_t temporal_reference = 0;

  bool frame() const { return control.picture_structure == V4L2_MPEG2_PIC_FRAME; }
  bool bidirectional() const { return control.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B; }
};

// Collects the headers of one stream, unit by unit. Copyable. Not thread-safe.
class Mpeg2HeaderParser {
 public:
  // The next unit; slices, user data and extensions that decoding does not need are passed over.
  // kCorrupt: the unit is damaged. kUnsupported: the stream is MPEG-1 (its sequence header has no
  // extension; found at the first picture), scalable, or has D pictures. After an error the headers
  // that the unit belongs to are invalid until they come again.
  Status parse(const Mpeg2Unit& unit);

  // Both parts of the sequence's headers are there.
  bool has_sequence() const { return has_sequence_extension_; }
  const Mpeg2Sequence& sequence() const { return sequence_; }

  // Both parts of a picture's headers are there.
  bool has_picture() const { return has_picture_extension_; }
  const Mpeg2Picture& picture() const { return picture_; }

  // In force for that picture, in zigzag order (6.3.11).
  const v4l2_ctrl_mpeg2_quantisation& quantisation() const { return quantisation_; }

  // closed_gop of the last group of pictures header; false before the first.
  bool closed_gop() const { return closed_gop_; }

 private:
  Status sequence_header(std::span<const uint8_t> payload);
  Status extension(std::span<const uint8_t> payload);
  Status sequence_extension(std::span<const uint8_t> payload);
  Status quant_matrix_extension(std::span<const uint8_t> payload);
  Status picture_header(std::span<const uint8_t> payload);
  Status picture_coding_extension(std::span<const uint8_t> payload);

  bool has_sequence_header_ = false;
  bool has_sequence_extension_ = false;
  bool has_picture_header_ = false;
  bool has_picture_extension_ = false;
  bool closed_gop_ = false;
  Mpeg2Sequence sequence_;
  Mpeg2Picture picture_;
  v4l2_ctrl_mpeg2_quantisation quantisation_{};
};

// The matrices in force where a sequence header loads none (6.3.11), in zigzag order.
v4l2_ctrl_mpeg2_quantisation mpeg2_default_quantisation();

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_MPEG2_HEADERS_H_
