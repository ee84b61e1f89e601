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
  bool unsure = false;   // ffmpeg does not open it: size, count and profile are guesses
};

std::string corpus_folder() {
  const char* folder = std::getenv("DAEDALUS_CORPUS");
  return folder != nullptr && *folder != '\0' ? folder : "../shared/corpus";
}

std::vector<Row> read_manifest(std::istream& in) {
  std::vector<Row> rows;
  std::map<std::string, size_t> column;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream split(line);
    for (std::string cell; std::getline(split, cell, '\t');) cells.push_back(cell);
    if (column.empty()) {
      for (size_t i = 0; i < cells.size(); ++i) column[cells[i]] = i;
      continue;
    }
    const auto at = [&](const char* name) { return cells.at(column.at(name)); };
    const auto number = [&](const char* name) {
      return std::strtoul(at(name).c_str(), nullptr, 10);
    };
    rows.push_back({at("path"), at("codec"), at("pix_fmt"), static_cast<uint32_t>(number("width")),
                    static_cast<uint32_t>(number("height")), number("frames"),
                    at("notes").find("differ in size") != std::string::npos,
                    at("notes").find("refuses it") != std::string::npos});
  }
  return rows;
}

void check(const std::string& folder, const Row& row) {
  INFO(row.path);
  auto stream = ParsedStream::open(folder + "/" + row.path);
  if (!stream.ok()) FAIL_CHECK(stream.error().message);
  if (!stream.ok()) return;
  if (row.unsure && !(*stream)->profile()) return;
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
  if (!row.unsure) CHECK(outputs == row.frames);
  if (!row.resized && !row.unsure) {
    CHECK(first.visible.width == row.width);
    CHECK(first.visible.height == row.height);
  }
  CHECK(errors == 0);
}

void check_codec(const std::string& codec) {
  const std::string folder = corpus_folder();
  std::ifstream manifest(folder + "/MANIFEST.tsv");
  if (!manifest) DAEDALUS_SKIP("no corpus in " << folder << " (DAEDALUS_CORPUS)");
  size_t checked = 0;
  for (const Row& row : read_manifest(manifest)) {
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
