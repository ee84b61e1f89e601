// Compressed headers of real frames: a reader that misses one decision comes to another end.
#include "decode_core/headers/vp9_compressed_header.h"

#include <set>

#include "test/catch.h"
#include "test/clients/parsers/stream_parser.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::clients {
namespace {

std::vector<CodedPicture> pictures_of(const std::string& clip) {
  auto demuxer = parsed_stream::Demuxer::open("test/data/" + clip);
  if (!demuxer) FAIL(demuxer.error().message);
  const auto parser = create_parser((*demuxer)->codec());
  std::vector<Event> events;
  parsed_stream::Demuxer::Packet packet;
  while (*(*demuxer)->next(packet)) CHECK(parser->parse(packet.data, events).ok());
  std::vector<CodedPicture> pictures;
  for (Event& event : events) {
    if (auto* coded = std::get_if<CodedPicture>(&event)) pictures.push_back(std::move(*coded));
  }
  return pictures;
}

}  // namespace

TEST_CASE("the whole compressed header is read, and nothing else") {
  // An encoder ends with 32 bits that say nothing, and whole bytes.
  constexpr uint32_t kMostLeft = 32 + 16;
  const std::string clip = GENERATE("vp9.webm", "vp9_10bit.webm");
  INFO(clip);
  std::set<int> reference_modes, tx_modes;
  for (const CodedPicture& picture : pictures_of(clip)) {
    const auto& controls = std::get<Vp9Controls>(picture.controls);
    v4l2_ctrl_vp9_frame frame = controls.frame;
    const auto bytes = std::span(picture.bitstream)
                           .subspan(frame.uncompressed_header_size, frame.compressed_header_size);
    size_t consumed = 0;
    const auto header = headers::parse_vp9_compressed_header(bytes, frame, &consumed);
    REQUIRE(header.ok());
    CHECK(frame.reference_mode == controls.frame.reference_mode);
    const size_t bits = bytes.size() * 8;
    CHECK(consumed <= bits);
    CHECK(consumed + kMostLeft >= bits);
    reference_modes.insert(frame.reference_mode);
    tx_modes.insert(header->tx_mode);
  }
  // Not only the simplest of headers.
  CHECK(reference_modes.size() + tx_modes.size() > 2);
}

}  // namespace daedalus::clients
