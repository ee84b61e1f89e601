// The clients' parsers against tools/parsed_stream, on the clips of test/data.
#include "test/catch.h"
#include "test/clients/parsers/compare.h"

namespace daedalus::clients::testing {

TEST_CASE("both parsers say the same of every clip") {
  const std::string clip = GENERATE("h264.mp4", "h264_interlaced.mp4", "mpeg2.mpg", "vp8.webm",
                                    "vp9.webm", "vp9_10bit.webm");
  INFO(clip);
  const Comparison result = compare_parsers("test/data/" + clip);
  CHECK(result.difference == "");
  CHECK(result.decoded >= 50);
  CHECK(result.shown >= 50);
}

}  // namespace daedalus::clients::testing
