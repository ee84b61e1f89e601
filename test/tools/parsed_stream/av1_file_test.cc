// The plain AV1 files: the same temporal units whichever of the three formats holds them, and an
// error where one ends too early.
#include "tools/parsed_stream/av1_file.h"

#include <span>
#include <string>
#include <vector>

#include "decode_core/headers/av1_obu.h"
#include "test/catch.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/demuxer.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::parsed_stream {
namespace {

using test::TemporaryFile;
using Bytes = std::vector<uint8_t>;

void append(Bytes& out, std::span<const uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_leb128(Bytes& out, size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

// Behind its length in bytes, as annex B has everything.
Bytes sized(std::span<const uint8_t> bytes) {
  Bytes out;
  append_leb128(out, bytes.size());
  append(out, bytes);
  return out;
}

// The clip's temporal units, each with the delimiter that its container leaves out.
std::vector<Bytes> temporal_units() {
  auto demuxer = Demuxer::open("test/data/av1.webm");
  REQUIRE(demuxer.ok());
  std::vector<Bytes> units;
  Demuxer::Packet packet;
  while (true) {
    const auto more = (*demuxer)->next(packet);
    REQUIRE(more.ok());
    if (!*more) return units;
    units.push_back({0x12, 0x00});
    append(units.back(), packet.data);
  }
}

Bytes low_overhead(const std::vector<Bytes>& units) {
  Bytes file;
  for (const Bytes& unit : units) append(file, unit);
  return file;
}

// With a frame rate of 0 to 0, which libavformat refuses.
Bytes ivf(const std::vector<Bytes>& units) {
  Bytes file = {'D', 'K', 'I', 'F', 0, 0, 32, 0, 'A', 'V', '0', '1'};
  file.resize(32);
  for (const Bytes& unit : units) {
    for (size_t i = 0; i < 4; ++i) file.push_back(static_cast<uint8_t>(unit.size() >> (8 * i)));
    file.resize(file.size() + 8);
    append(file, unit);
  }
  return file;
}

// Without obu_size, which the length before each unit replaces.
Bytes annex_b(const std::vector<Bytes>& units) {
  Bytes file;
  for (const Bytes& unit : units) {
    Bytes frame;
    headers::Av1Obus obus(unit);
    while (const auto obu = obus.next()) {
      Bytes bytes = {static_cast<uint8_t>(static_cast<uint8_t>(obu->type) << 3)};
      append(bytes, obu->payload);
      append(frame, sized(bytes));
    }
    append(file, sized(sized(frame)));
  }
  return file;
}

std::vector<Bytes> files_of(const std::vector<Bytes>& units) {
  return {low_overhead(units), ivf(units), annex_b(units)};
}

TEST_CASE("every plain AV1 file gives the temporal units that were put into it") {
  const std::vector<Bytes> units = temporal_units();
  REQUIRE(units.size() == 60);
  for (const Bytes& bytes : files_of(units)) {
    const TemporaryFile file(bytes);
    auto opened = Av1File::open(file.path());
    REQUIRE(opened.has_value());
    for (const Bytes& unit : units) {
      const auto read = opened->next();
      REQUIRE(read.ok());
      CHECK(Bytes(read->begin(), read->end()) == unit);
    }
    const auto end = opened->next();
    REQUIRE(end.ok());
    CHECK(end->empty());
    CHECK(opened->progress() == 1.0);
  }
}

TEST_CASE("a plain AV1 file is a stream as any other") {
  for (const Bytes& bytes : files_of(temporal_units())) {
    const TemporaryFile file(bytes);
    auto stream = ParsedStream::open(file.path());
    REQUIRE(stream.ok());
    CHECK((*stream)->profile() == core::Profile::kAv1Main);
    size_t shown = 0;
    Event event;
    while (true) {
      const auto more = (*stream)->next(event);
      REQUIRE(more.ok());
      if (!*more) break;
      shown += std::holds_alternative<OutputEvent>(event);
    }
    CHECK(shown == 60);
  }
}

TEST_CASE("a plain AV1 file that ends inside a temporal unit says so, once") {
  const std::vector<Bytes> units = temporal_units();
  for (const Bytes& bytes : {ivf(units), annex_b(units)}) {
    const std::span<const uint8_t> cut(bytes.data(), bytes.size() - 5);
    const TemporaryFile file(cut);
    auto opened = Av1File::open(file.path());
    REQUIRE(opened.has_value());
    for (size_t i = 0; i + 1 < units.size(); ++i) REQUIRE(opened->next().ok());
    CHECK_FALSE(opened->next().ok());
    const auto end = opened->next();
    REQUIRE(end.ok());
    CHECK(end->empty());
  }
}

TEST_CASE("other files are left to others") {
  CHECK_FALSE(Av1File::open("test/data/av1.webm").has_value());
  CHECK_FALSE(Av1File::open("test/data/h264.mp4").has_value());
  CHECK_FALSE(Av1File::open("/nonexistent/film.obu").has_value());
  CHECK_FALSE(Av1File::open(TemporaryFile(Bytes(100, 0)).path()).has_value());
}

}  // namespace
}  // namespace daedalus::parsed_stream
