#include "tools/parsed_stream/stream.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "test/catch.h"
#include "test/temporary_file.h"

namespace daedalus::parsed_stream {
namespace {

using test::TemporaryFile;

struct Clip {
  const char* path;
  core::Codec codec;
  core::Profile profile;
  uint32_t width, height;  // coded
  size_t frames;
};

constexpr Clip kClips[] = {
    {"test/data/h264.mp4", core::Codec::kH264, core::Profile::kH264High, 320, 192, 60},
    {"test/data/h264_interlaced.mp4", core::Codec::kH264, core::Profile::kH264High, 352, 288, 50},
    {"test/data/hevc.mp4", core::Codec::kHevc, core::Profile::kHevcMain, 320, 184, 60},
    {"test/data/hevc_10bit.mp4", core::Codec::kHevc, core::Profile::kHevcMain10, 176, 144, 50},
    {"test/data/av1.webm", core::Codec::kAv1, core::Profile::kAv1Main, 320, 180, 60},
    {"test/data/av1_10bit.webm", core::Codec::kAv1, core::Profile::kAv1Main, 176, 144, 50},
    {"test/data/mpeg2.mpg", core::Codec::kMpeg2, core::Profile::kMpeg2Main, 320, 180, 60},
    {"test/data/vp8.webm", core::Codec::kVp8, core::Profile::kVp8, 320, 180, 60},
    {"test/data/vp9.webm", core::Codec::kVp9, core::Profile::kVp9Profile0, 320, 180, 60},
    {"test/data/vp9_10bit.webm", core::Codec::kVp9, core::Profile::kVp9Profile2, 320, 180, 50},
};

struct Count {
  size_t outputs = 0;
  size_t jobs = 0;
  size_t errors = 0;
};

// Reads to the end; what is shown must have been decoded before.
Count read_all(ParsedStream& stream) {
  Count count;
  std::set<const core::Picture*> decoded;
  Event event;
  while (true) {
    const Result<bool> more = stream.next(event);
    if (!more.ok()) {
      ++count.errors;
      CHECK_FALSE(more.error().message.empty());
      continue;
    }
    if (!*more) return count;
    if (const auto* decode = std::get_if<DecodeEvent>(&event)) {
      ++count.jobs;
      decoded.insert(decode->job.target.get());
      if (decode->job.display != nullptr) decoded.insert(decode->job.display.get());
    } else {
      ++count.outputs;
      CHECK(decoded.count(std::get<OutputEvent>(event).picture.get()) == 1);
    }
  }
}

std::vector<uint8_t> contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST_CASE("every container's stream is known by its first picture and read to its end") {
  for (const Clip& clip : kClips) {
    INFO(clip.path);
    auto stream = ParsedStream::open(clip.path);
    REQUIRE(stream.ok());
    CHECK((*stream)->codec() == clip.codec);
    CHECK((*stream)->profile() == clip.profile);
    CHECK((*stream)->width() == clip.width);
    CHECK((*stream)->height() == clip.height);
    CHECK((*stream)->progress() < 0.5);
    const Count count = read_all(**stream);
    CHECK(count.outputs == clip.frames);
    CHECK(count.errors == 0);
    CHECK((*stream)->progress() > 0.9);
    Event event;
    CHECK_FALSE((*stream)->next(event).value());
  }
}

TEST_CASE("a file that is cut anywhere is read up to there") {
  for (const Clip& clip : kClips) {
    const std::vector<uint8_t> whole = contents(clip.path);
    for (size_t part = 0; part < 8; ++part) {
      INFO(clip.path << " " << part << "/8");
      const size_t size = whole.size() * part / 8;
      const TemporaryFile file({whole.data(), size});
      auto stream = ParsedStream::open(file.path());
      if (!stream.ok()) continue;
      const Count count = read_all(**stream);
      CHECK(count.outputs <= clip.frames);
      CHECK(count.jobs >= 1);
    }
  }
}

TEST_CASE("what is no stream of ours is refused with the reason") {
  const auto missing = ParsedStream::open("/nonexistent/film.mp4");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kNotFound);
  CHECK_THAT(missing.error().message, Catch::Matchers::ContainsSubstring("/nonexistent/film.mp4"));
  const std::vector<uint8_t> text(2000, 'x');
  CHECK_FALSE(ParsedStream::open(TemporaryFile(text).path()).ok());
}

uint32_t big_endian(const uint8_t* at) {
  return uint32_t{at[0]} << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

// The payload of the first box of that type, after version and flags.
uint8_t* find_box(std::vector<uint8_t>& file, const char* type) {
  const auto found = std::search(file.begin(), file.end(), type, type + 4);
  REQUIRE(file.end() - found > 20);
  return &*found + 8;
}

TEST_CASE("frames before the start of an edit list are decoded and not shown") {
  std::vector<uint8_t> file = contents("test/data/h264.mp4");
  uint8_t* const edits = find_box(file, "elst");        // count, then duration and media time
  const uint8_t* const times = find_box(file, "stts");  // count, then samples and ticks of each
  const uint32_t skipped = 10;
  const uint32_t start = big_endian(edits + 8) + skipped * big_endian(times + 8);
  for (int i = 0; i < 4; ++i) edits[8 + i] = static_cast<uint8_t>(start >> (24 - 8 * i));
  const TemporaryFile edited(file);
  auto stream = ParsedStream::open(edited.path());
  REQUIRE(stream.ok());
  const Count count = read_all(**stream);
  CHECK(count.jobs == 60);
  CHECK(count.outputs == 60 - skipped);
}

}  // namespace
}  // namespace daedalus::parsed_stream
