// HEVC: access units to requests, and pictures in display order.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_HEVC_STREAM_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_HEVC_STREAM_H_

#include <memory>
#include <vector>

#include "decode_core/job.h"
#include "test/clients/parsers/parsed_pictures.h"
#include "test/clients/parsers/stream_parser.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::clients {

// Parameter sets, reference picture sets and the order of display are those of
// tools/parsed_stream; slice headers are read here.
class HevcStream final : public StreamParser {
 public:
  HevcStream() : parser_(parsed_stream::create_hevc_parser()) {}
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  void convert(std::vector<parsed_stream::Event>& theirs, std::vector<Event>& events);
  CodedPicture coded_picture(const core::DecodeJob& job);

  const std::unique_ptr<parsed_stream::Parser> parser_;
  ParsedPictures pictures_;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_HEVC_STREAM_H_
