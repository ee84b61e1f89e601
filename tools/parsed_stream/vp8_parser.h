// VP8: frames to decoding jobs, and frames in display order.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_VP8_PARSER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_VP8_PARSER_H_

#include <memory>
#include <vector>

#include "decode_core/headers/vp8_frame_header.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::parsed_stream {

// Shows a picture for each frame with show_frame; the scales of a key frame are a hint that ffmpeg
// ignores. Frames before the first key frame are left out.
class Vp8Parser final : public Parser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  using PicturePtr = std::shared_ptr<core::Picture>;

  void update_references(const headers::Vp8Header& header, const PicturePtr& current);

  headers::Vp8HeaderParser headers_;
  PicturePtr last_;
  PicturePtr golden_;
  PicturePtr alternate_;
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_VP8_PARSER_H_
