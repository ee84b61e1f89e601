// Parser: a coded stream as a client of the stateless interfaces sees it: headers parsed,
// references managed, display order restored. Independent of the engines: it is what tests and
// tools feed the core with where no stock client does.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_PARSER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_PARSER_H_

#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "base/result.h"
#include "decode_core/image.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"

namespace daedalus::parsed_stream {

// Decode this next (decoding order).
struct DecodeEvent {
  core::DecodeJob job;
};

// Show this next (display order): the part of the picture inside the cropping window or the render
// size that ffmpeg would show.
struct OutputEvent {
  std::shared_ptr<core::Picture> picture;
  core::Rect visible;
};

using Event = std::variant<DecodeEvent, OutputEvent>;

// One coded stream. Not thread-safe. Damaged input yields fewer or odd events and an error that
// says what was skipped, never an endless loop; parsing goes on with the next packet.
class Parser {
 public:
  virtual ~Parser() = default;
  // One demuxed packet: H.264, HEVC and MPEG-2 one access unit with start codes; VP9 one
  // (super)frame; VP8 one frame; AV1 one temporal unit. Appends to `events`, also when it returns
  // an error.
  virtual Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) = 0;
  // End of stream: shows what is still held back.
  virtual void flush(std::vector<Event>& events) = 0;
};

std::unique_ptr<Parser> create_h264_parser();
std::unique_ptr<Parser> create_hevc_parser();
std::unique_ptr<Parser> create_vp9_parser();
std::unique_ptr<Parser> create_vp8_parser();
std::unique_ptr<Parser> create_mpeg2_parser();
std::unique_ptr<Parser> create_av1_parser();

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_PARSER_H_
