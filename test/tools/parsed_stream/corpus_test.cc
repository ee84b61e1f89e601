// The parsers alone against real streams: as many frames are shown, each as large, as ffmpeg shows.
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "test/catch.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::parsed_stream {
namespace {

struct Row {
  std::string path;
  std::string codec;
  std::string pixel_format;
  uint32_t width = 0;
  uint32_t height = 0;
  size_t frames = 0;
  bool resized = false;  // the frames differ in size; the manifest then gives the container's
};

std::string corpus_folder() {
  const char* folder = std::getenv("DAEDALUS_CORPUS");
  return folder != nullptr && *folder != '\0' ? folder : "../shared/corpus";
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream split(line);
  for (std::string cell; std::getline(split, cell, '\t');) cells.push_back(cell);
  return cells;
}

uint32_t number_of(const std::string& cell) {
  return static_cast<uint32_t>(std::strtoul(cell.c_str(), nullptr, 10));
}

std::vector<Row> read_manifest(std::istream& in) {
  std::vector<Row> rows;
  std::map<std::string, size_t> column;
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (column.empty()) {
      for (size_t i = 0; i < cells.size(); ++i) column[cells[i]] = i;
      continue;
    }
    const auto at = [&](const char* name) { return cells.at(column.at(name)); };
    rows.push_back({at("path"), at("codec"), at("pix_fmt"), number_of(at("width")),
                    number_of(at("height")), number_of(at("frames")),
                    at("notes").find("differ in size") != std::string::npos});
  }
  return rows;
}

// What the manifest guesses of files that ffmpeg does not open.
void correct(std::vector<Row>& rows) {
  std::ifstream in("test/conformance/corrections.tsv");
  REQUIRE(in);
  size_t corrections = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    const std::vector<std::string> cells = cells_of(line);  // path, profile, pix_fmt, …
    for (Row& row : rows) {
      if (row.path != cells.at(0)) continue;
      row.pixel_format = cells.at(2);
      row.width = number_of(cells.at(3));
      row.height = number_of(cells.at(4));
      row.frames = number_of(cells.at(5));
    }
    ++corrections;
  }
  CHECK(corrections > 0);
}

void check(const std::string& folder, const Row& row) {
  INFO(row.path);
  auto stream = ParsedStream::open(folder + "/" + row.path);
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
  CHECK(outputs == row.frames);
  if (!row.resized) {
    CHECK(first.visible.width == row.width);
    CHECK(first.visible.height == row.height);
  }
  CHECK(errors == 0);
}

void check_codec(const std::string& codec) {
  const std::string folder = corpus_folder();
  std::ifstream manifest(folder + "/MANIFEST.tsv");
  if (!manifest) DAEDALUS_SKIP("no corpus in " << folder << " (DAEDALUS_CORPUS)");
  std::vector<Row> rows = read_manifest(manifest);
  correct(rows);
  size_t checked = 0;
  for (const Row& row : rows) {
    if (row.codec != codec) continue;
    const bool ten_bits = row.pixel_format == "yuv420p10le" && codec != "h264";
    if (row.pixel_format != "yuv420p" && !ten_bits) continue;
    check(folder, row);
    ++checked;
  }
  CHECK(checked > 0);
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
