// The native engine's pictures are those of libavcodec, sample for sample.
#include "test/catch.h"
#include "test/decode_core/h264_native/engine_comparison.h"

namespace daedalus::core::test {
namespace {

TEST_CASE("the clips, on any number of threads and with any number of pictures in flight") {
  const std::string path = GENERATE("test/data/h264.mp4", "test/data/h264_interlaced.mp4");
  const int threads = GENERATE(1, 2, 3, 4);
  const size_t in_flight = GENERATE(1u, 4u);
  CAPTURE(path, threads, in_flight);
  const Comparison comparison = compare_engines(path, {threads, in_flight});
  CHECK(comparison.difference == "");
  CHECK(comparison.pictures > 10);
  CHECK(comparison.concealed == 0);
  CHECK(comparison.engine == "native");
}

}  // namespace
}  // namespace daedalus::core::test
