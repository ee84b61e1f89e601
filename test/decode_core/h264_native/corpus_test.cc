// The native engine against libavcodec on every H.264 stream of the corpus.
#include "test/corpus.h"

#include "test/catch.h"
#include "test/decode_core/h264_native/engine_comparison.h"

namespace daedalus::core::test {
namespace {

void compare_all(const ComparisonOptions& options) {
  daedalus::test::for_each_corpus_stream("h264", [&](const std::string& path, const auto&) {
    const Comparison comparison = compare_engines(path, options);
    if (!comparison.supported) return false;
    CHECK(comparison.difference == "");
    CHECK(comparison.pictures > 0);
    CHECK(comparison.engine == "native");
    return true;
  });
}

TEST_CASE("every H.264 stream of a profile that is offered, picture by picture", "[alone]") {
  compare_all({.threads = 1, .in_flight = 1});
}

TEST_CASE("every H.264 stream of a profile that is offered, several pictures under way",
          "[together]") {
  compare_all({.threads = 3, .in_flight = 4});
}

}  // namespace
}  // namespace daedalus::core::test
