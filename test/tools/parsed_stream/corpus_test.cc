// The parsers alone against real streams: as many frames are shown, each as large, as ffmpeg shows.
#include "test/corpus.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "test/catch.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::parsed_stream {
namespace {

using daedalus::test::CorpusRow;

uint32_t number_of(const std::string& cell) {
  return static_cast<uint32_t>(std::strtoul(cell.c_str(), nullptr, 10));
}

// By path: what the manifest guesses of files that ffmpeg does not open.
std::map<std::string, CorpusRow> read_corrections() {
  std::map<std::string, CorpusRow> corrections;
  std::ifstream in("test/conformance/corrections.tsv");
  std::string comment;
  REQUIRE(std::getline(in, comment));
  for (const CorpusRow& row : daedalus::test::read_table(in)) corrections[row.at("# path")] = row;
  CHECK(!corrections.empty());
  return corrections;
}

void check(const std::string& path, const CorpusRow& row) {
  auto stream = ParsedStream::open(path);
  if (!stream.ok()) FAIL_CHECK(stream.error().message);
  if (!stream.ok()) return;
  size_t outputs = 0;
  size_t errors = 0;
  OutputEvent first;
  while (true) {
    Event event;
    const Result<bool> more = (*stream)->next(event);
    if (!more.ok()) {
      ++errors;
      UNSCOPED_INFO(more.error().message);
      continue;
    }
    if (!*more) break;
    if (const auto* decode = std::get_if<DecodeEvent>(&event)) {
      const Status valid = core::validate(decode->job);
      if (!valid.ok()) FAIL_CHECK(valid.error().message);
    } else if (outputs++ == 0) {
      first = std::get<OutputEvent>(event);
    }
  }
  CHECK(outputs == number_of(row.at("frames")));
  // Where the frames differ in size the manifest gives the container's.
  if (row.at("notes").find("differ in size") == std::string::npos) {
    CHECK(first.visible.width == number_of(row.at("width")));
    CHECK(first.visible.height == number_of(row.at("height")));
  }
  CHECK(errors == 0);
}

void check_codec(const std::string& codec) {
  const std::map<std::string, CorpusRow> corrections = read_corrections();
  daedalus::test::for_each_corpus_stream(
      codec, [&](const std::string& path, const CorpusRow& given) {
        CorpusRow row = given;
        if (const auto found = corrections.find(row.at("path")); found != corrections.end()) {
          for (const auto& [column, cell] : found->second) row[column] = cell;
        }
        if (!daedalus::test::has_420_samples(row)) return false;
        if (codec == "h264" && row.at("pix_fmt") != "yuv420p") return false;
        check(path, row);
        return true;
      });
}

}  // namespace

TEST_CASE("H.264 streams of the corpus show the frames that ffmpeg shows", "[corpus]") {
  check_codec("h264");
}

TEST_CASE("VP9 streams of the corpus show the frames that ffmpeg shows", "[corpus]") {
  check_codec("vp9");
}

TEST_CASE("VP8 streams of the corpus show the frames that ffmpeg shows", "[corpus]") {
  check_codec("vp8");
}

TEST_CASE("MPEG-2 streams of the corpus show the frames that ffmpeg shows", "[corpus]") {
  check_codec("mpeg2");
}

TEST_CASE("AV1 streams of the corpus show the frames that ffmpeg shows", "[corpus]") {
  check_codec("av1");
}

}  // namespace daedalus::parsed_stream
