#include "tools/parsed_stream/vp8_parser.h"

#include "test/catch.h"
#include "test/decode_core/headers/vp8_header_writer.h"

namespace daedalus::parsed_stream {
namespace {

using test::vp8_key_frame;
using test::Vp8Bits;
using test::write_vp8;

// Parses one frame and gives its job.
core::DecodeJob decode(Vp8Parser& parser, const Vp8Bits& bits) {
  std::vector<Event> events;
  REQUIRE(parser.parse(write_vp8(bits), events).ok());
  REQUIRE(events.size() == (bits.tag.show_frame ? 2u : 1u));
  return std::move(std::get<DecodeEvent>(events.front()).job);
}

TEST_CASE("VP8 golden and alternate are refreshed and copied as they were before the frame") {
  Vp8Parser parser;
  const auto key = decode(parser, vp8_key_frame(16, 16));
  CHECK(key.references.empty());
  Vp8Bits bits;
  bits.refresh_golden = true;
  bits.refresh_last = false;
  const auto golden = decode(parser, bits);
  bits = {};
  bits.refresh_alternate = true;
  const auto alternate = decode(parser, bits);
  using Pictures = std::vector<std::shared_ptr<core::Picture>>;
  bits = {};
  bits.copy_to_golden = 2;  // the two change places
  bits.copy_to_alternate = 2;
  const auto swapping = decode(parser, bits);
  CHECK(swapping.references == Pictures{alternate.target, golden.target, alternate.target});
  bits = {};
  bits.copy_to_alternate = 1;
  const auto copying = decode(parser, bits);
  CHECK(copying.references == Pictures{swapping.target, alternate.target, golden.target});
  const auto last = decode(parser, {});
  CHECK(last.references == Pictures{copying.target, alternate.target, swapping.target});
}

TEST_CASE("VP8 frames are shown at the key frame's size unless they are hidden") {
  Vp8Parser parser;
  std::vector<Event> events;
  CHECK(parser.parse(write_vp8({}), events).error().code == ErrorCode::kCorrupt);
  CHECK(events.empty());
  const auto frame = write_vp8(vp8_key_frame(175, 143));
  REQUIRE(parser.parse(frame, events).ok());
  Vp8Bits hidden;
  hidden.tag.show_frame = false;
  REQUIRE(parser.parse(write_vp8(hidden), events).ok());
  REQUIRE(parser.parse(write_vp8({}), events).ok());
  REQUIRE(events.size() == 5);
  CHECK(std::get<DecodeEvent>(events[0]).job.bitstream == frame);
  const auto& shown = std::get<OutputEvent>(events[4]);
  CHECK(shown.picture == std::get<DecodeEvent>(events[3]).job.target);
  CHECK(shown.visible.width == 175);
  CHECK(shown.visible.height == 143);
}

}  // namespace
}  // namespace daedalus::parsed_stream
