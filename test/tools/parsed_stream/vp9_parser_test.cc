#include "tools/parsed_stream/vp9_parser.h"

#include "test/catch.h"
#include "test/decode_core/headers/vp9_header_writer.h"

namespace daedalus::parsed_stream {
namespace {

using test::Vp9Bits;
using test::write_vp9;

Vp9Bits inter_bits(uint32_t refresh_frame_flags) {
  Vp9Bits bits;
  bits.key_frame = false;
  bits.size_of_ref = 0;
  bits.refresh_frame_flags = refresh_frame_flags;
  return bits;
}

const core::DecodeJob& job(const std::vector<Event>& events, size_t index) {
  return std::get<DecodeEvent>(events.at(index)).job;
}

const OutputEvent& output(const std::vector<Event>& events, size_t index) {
  return std::get<OutputEvent>(events.at(index));
}

// The frames of one packet.
std::vector<uint8_t> superframe(const std::vector<std::vector<uint8_t>>& frames) {
  std::vector<uint8_t> packet;
  for (const auto& frame : frames) packet.insert(packet.end(), frame.begin(), frame.end());
  const auto marker = static_cast<uint8_t>(0xc0 | (frames.size() - 1));
  packet.push_back(marker);
  for (const auto& frame : frames) packet.push_back(static_cast<uint8_t>(frame.size()));
  packet.push_back(marker);
  return packet;
}

TEST_CASE("a hidden VP9 frame is decoded, and shown when a later frame says so") {
  Vp9Parser parser;
  std::vector<Event> events;
  REQUIRE(parser.parse(write_vp9({}), events).ok());
  REQUIRE(events.size() == 2);
  CHECK(output(events, 1).picture == job(events, 0).target);
  CHECK(job(events, 0).references.empty());
  CHECK(job(events, 0).refresh_frame_flags == 0xffu);

  Vp9Bits hidden = inter_bits(0x04);
  hidden.show_frame = false;
  hidden.size_of_ref.reset();
  hidden.width = 32;
  hidden.height = 16;
  const std::vector<uint8_t> hidden_frame = write_vp9(hidden);
  REQUIRE(parser.parse(superframe({hidden_frame, write_vp9(inter_bits(0x01))}), events).ok());
  REQUIRE(events.size() == 5);  // two jobs and one picture more
  CHECK(job(events, 2).bitstream == hidden_frame);
  CHECK(job(events, 2).slices[0].size == hidden_frame.size());
  CHECK(output(events, 4).picture == job(events, 3).target);
  CHECK(output(events, 4).visible.width == 64);

  Vp9Bits show;
  show.show_existing = 2;
  REQUIRE(parser.parse(write_vp9(show), events).ok());
  REQUIRE(events.size() == 6);
  CHECK(output(events, 5).picture == job(events, 2).target);
  CHECK(output(events, 5).visible.width == 32);
  CHECK(output(events, 5).visible.height == 16);
}

TEST_CASE("VP9 references are the pictures of the slots that the header names") {
  Vp9Parser parser;
  std::vector<Event> events;
  REQUIRE(parser.parse(write_vp9({}), events).ok());
  REQUIRE(parser.parse(write_vp9(inter_bits(0x20)), events).ok());
  Vp9Bits bits = inter_bits(0);
  bits.ref_frame_idx = {7, 5, 0};
  REQUIRE(parser.parse(write_vp9(bits), events).ok());
  const auto key = job(events, 0).target;
  const auto inter = job(events, 2).target;
  CHECK(job(events, 4).references == std::vector<std::shared_ptr<core::Picture>>{key, inter, key});
}

TEST_CASE("VP9 frames whose references are missing are left out, and the rest goes on") {
  Vp9Parser parser;
  std::vector<Event> events;
  Vp9Bits bits = inter_bits(0xff);
  bits.size_of_ref.reset();
  CHECK(parser.parse(write_vp9(bits), events).error().code == ErrorCode::kCorrupt);
  Vp9Bits show;
  show.show_existing = 1;
  CHECK_FALSE(parser.parse(write_vp9(show), events).ok());
  CHECK(events.empty());
  // The error of the first of two frames does not cost the second.
  CHECK_FALSE(parser.parse(superframe({write_vp9(bits), write_vp9({})}), events).ok());
  CHECK(events.size() == 2);
}

}  // namespace
}  // namespace daedalus::parsed_stream
