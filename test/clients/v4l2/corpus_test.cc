// The stateless client on the nodes in this process, on every stream of the corpus whose profile
// they have: the checksums of the manifest. Needs the corpus: DAEDALUS_CORPUS=FOLDER.
#include "test/corpus.h"

#include "test/catch.h"
#include "test/clients/v4l2/sink.h"
#include "test/clients/v4l2/testing.h"

namespace daedalus::v4l2_client::testing {
namespace {

using daedalus::test::CorpusRow;

// 8-bit 4:2:0; VP9 and HEVC also with 10 bits.
bool is_advertised(const CorpusRow& row) {
  if (row.at("profile") == "Rext") return false;  // range extensions
  const bool wide = row.at("codec") == "vp9" || row.at("codec") == "hevc";
  return row.at("pix_fmt") == "yuv420p" || (wide && daedalus::test::has_420_samples(row));
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

void check(const InProcessNodes& nodes, const std::string& path, const CorpusRow& row,
           const DecoderOptions& options) {
  const std::string md5 = md5_of(nodes, path, options);
  if (md5 == row.at("md5")) return;
  // The inverse transform of MPEG-2 may be rounded in more than one right way.
  const auto decoded = decode(nodes, path, options);
  if (!decoded) FAIL_CHECK(decoded.error().message);
  if (!decoded) return;
  const std::string difference = first_difference(decoded->frames, decode_plainly(path));
  CHECK(difference == "");
  if (row.at("codec") != "mpeg2") CHECK(md5 == row.at("md5"));
}

}  // namespace

TEST_CASE("every stream of the corpus that the node has the profile for", "[corpus]") {
  const std::string manner =
      GENERATE("h264", "h264 in slices", "vp9", "vp8", "mpeg2", "hevc", "hevc in slices");
  const std::string codec = manner.substr(0, manner.find(' '));
  DecoderOptions options;
  options.modes.slice_based = codec != manner;
  const InProcessNodes nodes(core::test::make_core(2));
  daedalus::test::for_each_corpus_stream(codec, [&](const std::string& path, const CorpusRow& row) {
    if (!is_advertised(row)) return false;
    check(nodes, path, row, options);
    return true;
  });
}

}  // namespace daedalus::v4l2_client::testing
