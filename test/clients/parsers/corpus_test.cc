// The clients' parsers against tools/parsed_stream, on every stream of the corpus that the codecs
// of the V4L2 client cover.
#include "test/corpus.h"

#include <string>

#include "test/catch.h"
#include "test/clients/parsers/compare.h"

namespace daedalus::clients::testing {

TEST_CASE("both parsers say the same of every stream of the corpus", "[corpus]") {
  const std::string codec = GENERATE("h264", "vp9", "vp8", "mpeg2");
  daedalus::test::for_each_corpus_stream(codec, [](const std::string& path, const auto&) {
    const Comparison result = compare_parsers(path);
    CHECK(result.difference == "");
    CHECK(result.decoded > 0);
    return true;
  });
}

}  // namespace daedalus::clients::testing
