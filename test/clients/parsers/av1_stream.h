// AV1: temporal units to requests, and frames in display order.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_AV1_STREAM_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_AV1_STREAM_H_

#include <memory>
#include <vector>

#include "decode_core/job.h"
#include "test/clients/parsers/parsed_pictures.h"
#include "test/clients/parsers/stream_parser.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::clients {

// Headers and the order of display are those of tools/parsed_stream; dav1d, behind the decoder,
// reads neither. A frame that is shown once more is an earlier picture shown again, no request; the
// slots that a key frame takes by that are the next frame's references.
class Av1Stream final : public StreamParser {
 public:
  Av1Stream() : parser_(parsed_stream::create_av1_parser()) {}
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  void convert(std::vector<parsed_stream::Event>& theirs, std::vector<Event>& events);
  CodedPicture coded_picture(const core::DecodeJob& job);

  const std::unique_ptr<parsed_stream::Parser> parser_;
  ParsedPictures pictures_;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_AV1_STREAM_H_
