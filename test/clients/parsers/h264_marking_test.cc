// Random H.264 streams of headers: frames and fields, gaps, every marking operation. Both parsers
// must agree on references, picture order counts and output.
#include <random>

#include "test/catch.h"
#include "test/clients/parsers/compare.h"
#include "test/tools/parsed_stream/h264_stream_writer.h"

namespace daedalus::clients::testing {
namespace {

using test::Structure;
using test::TestPicture;

headers::H264MarkingOperation random_marking(std::mt19937& random) {
  switch (random() % 12) {
    case 0:
      return test::make_long(random() % 4, random() % 3);
    case 1:
      return test::unmark_long(random() % 4);
    case 2:
      return test::limit_long(random() % 4);
    case 3:
      return test::current_long(random() % 3);
    case 4:
      return test::reset_marking();
    default:
      return test::unmark_short(random() % 6);
  }
}

// A frame, or the two fields of one.
std::vector<TestPicture> random_frame(std::mt19937& random, bool fields, uint32_t frame_num,
                                      uint32_t order) {
  TestPicture picture;
  picture.frame_num = static_cast<uint16_t>(frame_num % 16);
  picture.order = static_cast<uint16_t>(order % 256);
  picture.reference = random() % 4 != 0;
  picture.intra = random() % 6 == 0;
  const bool marks = picture.reference && random() % 4 == 0;
  for (uint32_t i = random() % 3; marks && i > 0; --i)
    picture.marking.push_back(random_marking(random));
  if (!fields || random() % 3 == 0) return {picture};
  TestPicture second = picture;
  const bool top_first = random() % 4 != 0;
  picture.structure = top_first ? Structure::kTop : Structure::kBottom;
  second.structure = top_first ? Structure::kBottom : Structure::kTop;
  ++second.order;
  second.marking.clear();
  if (random() % 12 == 0) return {picture};
  return {picture, second};
}

std::vector<std::vector<uint8_t>> random_stream(std::mt19937& random, bool fields) {
  const auto references = static_cast<uint8_t>(1 + random() % 4);
  const test::H264StreamWriter writer =
      fields ? test::fields_of(references) : test::frames_of(references);
  std::vector<std::vector<uint8_t>> packets = {writer.parameter_sets()};
  TestPicture first;
  first.idr = true;
  packets.push_back(writer.slice(first));
  uint32_t frame_num = 1, base = 0;
  for (int i = 0; i < 60; ++i) {
    if (random() % 16 == 0) frame_num += random() % 3;  // a gap
    base += 4;
    const uint32_t order = base + 4 * (random() % 4);
    const auto frame = random_frame(random, fields, frame_num, order);
    for (const TestPicture& picture : frame) packets.push_back(writer.slice(picture));
    for (const auto& operation : frame.front().marking) {
      if (operation.operation == 5) frame_num = base = 0;
    }
    if (frame.front().reference) ++frame_num;
  }
  return packets;
}

}  // namespace

TEST_CASE("random marking, frames alone and fields") {
  const bool fields = GENERATE(false, true);
  for (uint32_t seed = 0; seed < 400; ++seed) {
    INFO("seed " << seed << (fields ? ", fields" : ", frames"));
    std::mt19937 random(seed);
    const Comparison result = compare_parsers(core::Codec::kH264, random_stream(random, fields));
    CHECK(result.difference == "");
    CHECK(result.decoded > 60);
    CHECK(result.shown > 10);
  }
}

}  // namespace daedalus::clients::testing
