// The clients' parsers against tools/parsed_stream, on every stream of the corpus that the codecs
// of the V4L2 client cover.
#include <cstdlib>
#include <fstream>
#include <string>

#include "test/catch.h"
#include "test/clients/parsers/compare.h"

namespace daedalus::clients::testing {
namespace {

std::string corpus_folder() {
  const char* folder = std::getenv("DAEDALUS_CORPUS");
  return folder != nullptr && *folder != '\0' ? folder : "../shared/corpus";
}

}  // namespace

TEST_CASE("both parsers say the same of every stream of the corpus", "[corpus]") {
  const std::string codec = GENERATE("h264", "vp9", "vp8", "mpeg2");
  std::ifstream manifest(corpus_folder() + "/MANIFEST.tsv");
  if (!manifest) DAEDALUS_SKIP("no corpus in " << corpus_folder() << " (DAEDALUS_CORPUS)");
  size_t compared = 0;
  for (std::string line; std::getline(manifest, line);) {
    const std::string path = line.substr(0, line.find('\t'));
    if (line.compare(path.size(), codec.size() + 2, "\t" + codec + "\t") != 0) continue;
    INFO(path);
    const Comparison result = compare_parsers(corpus_folder() + "/" + path);
    CHECK(result.difference == "");
    CHECK(result.decoded > 0);
    ++compared;
  }
  CHECK(compared > 0);
}

}  // namespace daedalus::clients::testing
