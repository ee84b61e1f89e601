// The stateless client on the nodes in this process, on every stream of the corpus whose profile
// they have: the checksums of the manifest. Needs the corpus: DAEDALUS_CORPUS=FOLDER.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "test/catch.h"
#include "test/clients/v4l2/sink.h"
#include "test/clients/v4l2/testing.h"

namespace daedalus::v4l2_client::testing {
namespace {

std::string corpus_folder() {
  const char* folder = std::getenv("DAEDALUS_CORPUS");
  return folder != nullptr && *folder != '\0' ? folder : "../shared/corpus";
}

struct Row {
  std::string path, codec, profile, pixel_format, md5;
};

// The manifest's first columns; see its README.
std::vector<Row> read_manifest(std::istream& in, const std::string& codec) {
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    std::istringstream split(line);
    std::vector<std::string> cells;
    for (std::string cell; std::getline(split, cell, '\t');) cells.push_back(cell);
    if (cells.size() < 8 || cells[1] != codec) continue;
    rows.push_back({cells[0], cells[1], cells[2], cells[3], cells[7]});
  }
  return rows;
}

// 8-bit 4:2:0; VP9 and HEVC also with 10 bits.
bool is_advertised(const Row& row) {
  if (row.profile == "Rext") return false;  // range extensions
  const bool wide = row.codec == "vp9" || row.codec == "hevc";
  if (wide && row.pixel_format == "yuv420p10le") return true;
  return row.pixel_format == "yuv420p";
}

std::string md5_of(const InProcessNodes& nodes, const std::string& path,
                   const DecoderOptions& options) {
  InProcessCalls calls(nodes);
  Md5 md5;
  const auto played = play_file(calls, path, options, [&](const Frame& frame) -> Status {
    md5.add(frame.samples);
    return {};
  });
  if (!played) return played.error().message;
  const uint64_t faults = played->errors + played->lost + played->skipped;
  return md5.hex() + (faults == 0 ? "" : " with " + std::to_string(faults) + " errors");
}

void check(const InProcessNodes& nodes, const Row& row, const DecoderOptions& options) {
  INFO(row.path << " " << row.profile);
  const std::string path = corpus_folder() + "/" + row.path;
  const std::string md5 = md5_of(nodes, path, options);
  if (md5 == row.md5) return;
  // The inverse transform of MPEG-2 may be rounded in more than one right way.
  const auto decoded = decode(nodes, path, options);
  if (!decoded) FAIL_CHECK(decoded.error().message);
  if (!decoded) return;
  const std::string difference = first_difference(decoded->frames, decode_plainly(path));
  CHECK(difference == "");
  if (row.codec != "mpeg2") CHECK(md5 == row.md5);
}

}  // namespace

TEST_CASE("every stream of the corpus that the node has the profile for", "[corpus]") {
  const std::string manner =
      GENERATE("h264", "h264 in slices", "vp9", "vp8", "mpeg2", "hevc", "hevc in slices");
  const std::string codec = manner.substr(0, manner.find(' '));
  DecoderOptions options;
  options.modes.slice_based = codec != manner;
  std::ifstream manifest(corpus_folder() + "/MANIFEST.tsv");
  if (!manifest) DAEDALUS_SKIP("no corpus in " << corpus_folder() << " (DAEDALUS_CORPUS)");
  const InProcessNodes nodes(core::test::make_core(2));
  size_t checked = 0;
  for (const Row& row : read_manifest(manifest, codec)) {
    if (!is_advertised(row)) continue;
    check(nodes, row, options);
    ++checked;
  }
  CHECK(checked > 0);
}

}  // namespace daedalus::v4l2_client::testing
