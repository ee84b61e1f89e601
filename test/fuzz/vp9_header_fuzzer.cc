// Any bytes as VP9 packets: the header parser and the stream parser.
#include <cstddef>
#include <cstdint>
#include <span>

#include "test/fuzz/vpx_packets.h"
#include "tools/parsed_stream/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parser = daedalus::parsed_stream::create_vp9_parser();
  daedalus::test::parse_packets(*parser, std::span(data, size));
  return 0;
}
