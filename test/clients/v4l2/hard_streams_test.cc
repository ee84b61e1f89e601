// What the clips of test/data do not have: field pairs, sizes that change, damage.
#include <cstdlib>
#include <fstream>
#include <random>

#include "test/catch.h"
#include "test/clients/v4l2/field_stream.h"
#include "test/clients/v4l2/testing.h"

namespace daedalus::v4l2_client::testing {
namespace {

std::string write_file(const std::string& name, const std::vector<uint8_t>& bytes) {
  const char* folder = std::getenv("TEST_TMPDIR");
  std::string path = std::string(folder != nullptr ? folder : "/tmp") + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
  return path;
}

// One clip of H.264 or AV1 after the other.
std::vector<uint8_t> joined(std::initializer_list<const char*> clips) {
  std::vector<uint8_t> bytes;
  for (const char* clip : clips) {
    const core::test::Stream stream = core::test::read_clip(clip);
    for (const auto& packet : stream.packets) {
      // Matroska leaves temporal delimiters out.
      if (stream.codec == core::Codec::kAv1) bytes.insert(bytes.end(), {0x12, 0});
      bytes.insert(bytes.end(), packet.begin(), packet.end());
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("field pairs: the first field holds the CAPTURE buffer for the second") {
  const InProcessNodes nodes(core::test::make_core(2));
  const std::string path = write_file("fields.h264", make_field_stream(40));
  const auto expected = decode_plainly(path);
  REQUIRE(expected.size() == 20);
  for (const uint32_t requests : {1U, 2U, 7U, 8U}) {
    DecoderOptions options;
    options.requests = requests;
    options.modes.slice_based = requests == 8;
    const auto decoded = decode(nodes, path, options);
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->played.decoded == 40);
    CHECK(decoded->played.errors == 0);
    CHECK(first_difference(decoded->frames, expected) == "");
  }
}

TEST_CASE("a last field without its second: what is held is flushed") {
  const InProcessNodes nodes(core::test::make_core(2));
  const std::string path = write_file("odd.h264", make_field_stream(21));
  const auto expected = decode_plainly(write_file("even.h264", make_field_stream(20)));
  const auto decoded = decode(nodes, path);
  if (!decoded) FAIL(decoded.error().message);
  CHECK(decoded->played.decoded == 21);
  CHECK(decoded->played.lost == 0);
  CHECK(first_difference(decoded->frames, expected) == "");
}

TEST_CASE("the size changes in mid-stream, twice") {
  const InProcessNodes nodes(core::test::make_core(2));
  const std::string path =
      write_file("sizes.h264", joined({"h264.mp4", "h264_interlaced.mp4", "h264.mp4"}));
  const auto expected = decode_plainly(path);
  CHECK(expected.front().width != expected[80].width);
  const auto decoded = decode(nodes, path);
  if (!decoded) FAIL(decoded.error().message);
  CHECK(first_difference(decoded->frames, expected) == "");
  CHECK(decoded->played.errors == 0);
  CHECK(decoded->open_files == 0);
}

TEST_CASE("AV1: size, depth and film grain change in mid-stream, twice") {
  const InProcessNodes nodes(core::test::make_core(2));
  const std::string path =
      write_file("sizes.obu", joined({"av1.webm", "av1_10bit.webm", "av1.webm"}));
  const auto expected = decode_plainly(path);
  REQUIRE(expected.size() == 60 + 50 + 60);
  CHECK(expected.front().width != expected[80].width);
  for (const uint32_t requests : {1U, 4U, 15U}) {
    DecoderOptions options;
    options.requests = requests;
    const auto decoded = decode(nodes, path, options);
    if (!decoded) FAIL(decoded.error().message);
    CHECK(first_difference(decoded->frames, expected) == "");
    CHECK(decoded->played.errors == 0);
    CHECK(decoded->open_files == 0);
  }
}

TEST_CASE("damaged streams end in order") {
  const InProcessNodes nodes(core::test::make_core(2));
  struct Sound {
    std::string name;
    std::vector<uint8_t> bytes;
  };
  const Sound streams[] = {{"damaged.h264", joined({"h264_interlaced.mp4"})},
                           {"damaged.h264", make_field_stream(40)},
                           {"damaged.obu", joined({"av1.webm", "av1_10bit.webm"})}};
  size_t shown = 0;
  for (uint32_t seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const Sound& sound = streams[seed % std::size(streams)];
    std::vector<uint8_t> bytes = sound.bytes;
    for (int i = 0; i < 30; ++i)
      bytes[random() % bytes.size()] ^= static_cast<uint8_t>(1 + random() % 255);
    const auto decoded = decode(nodes, write_file(sound.name, bytes));
    // An error of a call would be one of the client or the node, not of the stream.
    if (!decoded && decoded.error().code != ErrorCode::kUnsupported)
      FAIL_CHECK(decoded.error().message);
    if (!decoded) continue;
    shown += decoded->frames.size();
    CHECK(decoded->open_files == 0);
    CHECK(decoded->mappings == 0);
  }
  CHECK(shown > 200);
}

}  // namespace daedalus::v4l2_client::testing
