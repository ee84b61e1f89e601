// MPEG-2: access units to decoding jobs, and frames in display order.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_MPEG2_PARSER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_MPEG2_PARSER_H_

#include <memory>
#include <optional>
#include <vector>

#include "decode_core/headers/mpeg2_headers.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::parsed_stream {

// I and P frames are shown when the next of them begins (ISO 13818-2 6.1.1.11), B frames at once;
// with low_delay every frame at once. As ffmpeg does, a B frame at the start without a forward
// reference is left out unless its group of pictures is closed, a B frame of a single field is not
// shown, and a sequence of another size or aspect ratio begins without references and drops the
// frame that was still to be shown.
class Mpeg2Parser final : public Parser {
 public:
  // May hold any number of pictures; ends the last.
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  // The frame whose first field is there.
  struct OpenFrame {
    uint8_t first_structure = 0;  // V4L2_MPEG2_PIC_…
    bool bidirectional = false;
  };

  Status parse_unit(const headers::Mpeg2Unit& unit, std::vector<Event>& events);
  void begin_sequence();
  void begin_picture();
  bool is_second_field(const headers::Mpeg2Picture& picture) const;
  void begin_frame(const headers::Mpeg2Picture& picture);
  void add_slice(std::span<const uint8_t> slice);
  void end_picture(std::vector<Event>& events);

  headers::Mpeg2HeaderParser headers_;
  std::optional<headers::Mpeg2Sequence> sequence_;  // in force
  // The last two reference frames in decoding order; null picture: none.
  OutputEvent past_;
  OutputEvent future_;
  bool future_to_show_ = false;
  std::optional<OutputEvent> due_;  // to be shown after the picture that is being gathered
  OutputEvent current_;             // the frame whose pictures are being gathered
  std::optional<OpenFrame> open_frame_;
  std::optional<core::DecodeJob> job_;  // the picture whose slices are being gathered
  bool left_out_ = true;                // slices are left out up to the next picture header
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_MPEG2_PARSER_H_
