// VP9: (super)frames to decoding jobs, and frames in display order.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_VP9_PARSER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_VP9_PARSER_H_

#include <array>
#include <memory>
#include <vector>

#include "decode_core/headers/vp9_uncompressed_header.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::parsed_stream {

// Shows a picture for each show_frame and each show_existing_frame, at the frame's own size
// (render_size is a hint that ffmpeg ignores). An inter frame of which a reference is missing is
// left out, as ffmpeg does.
class Vp9Parser final : public Parser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  Status parse_frame(std::span<const uint8_t> frame, std::vector<Event>& events);
  Status show_existing(size_t slot, std::vector<Event>& events);

  headers::Vp9HeaderParser headers_;
  std::array<OutputEvent, headers::kVp9SlotCount> slots_{};  // null picture: no frame
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_VP9_PARSER_H_
