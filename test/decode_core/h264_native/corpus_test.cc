// The native engine against libavcodec on every H.264 stream of the corpus.
#include "test/decode_core/stream/corpus.h"

#include "test/catch.h"
#include "test/decode_core/h264_native/engine_comparison.h"

namespace daedalus::core::test {
namespace {

TEST_CASE("every H.264 stream of a profile that is offered") {
  const ComparisonOptions options = GENERATE(ComparisonOptions{1, 1}, ComparisonOptions{3, 4});
  for_each_corpus_stream("h264", [&](const std::string& path, const CorpusRow&) {
    const Comparison comparison = compare_engines(path, options);
    if (!comparison.supported) return false;
    CHECK(comparison.difference == "");
    CHECK(comparison.pictures > 0);
    CHECK(comparison.engine == "native");
    return true;
  });
}

}  // namespace
}  // namespace daedalus::core::test
