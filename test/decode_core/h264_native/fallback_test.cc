// Where the native engine does not do a stream, libavcodec does, and the statistics say so.
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "decode_core/record/recording.h"
#include "decode_core/software/h264_with_fallback.h"
#include "test/catch.h"
#include "test/decode_core/h264_native/stream_jobs.h"

namespace daedalus::core::test {
namespace {

struct Decoded {
  std::vector<FrameHash> hashes;
  std::vector<std::string> engines;

  bool operator==(const Decoded&) const = default;
};

Decoded decode(Decoder& decoder, const std::vector<DecodeJob>& jobs) {
  Decoded decoded;
  for (DecodeJob& job : copy_of(jobs)) {
    job.target->begin(nullptr);
    DecodeOutcome outcome = decoder.decode(job);
    REQUIRE(outcome.frame.has_value());
    CHECK_FALSE(outcome.concealed);
    decoded.hashes.push_back(hash_frame(outcome.frame->view));
    const StageRun& first = outcome.stages.front();
    decoded.engines.push_back(first.stage == "decode" ? std::string(first.substrate) : "native");
    job.target->complete(std::move(outcome));
  }
  return decoded;
}

// What lossless coding begins with. Only macroblocks with QP'Y = 0 are decoded otherwise
// (7.4.2.1.1), and the clips have none.
std::vector<DecodeJob> with_transform_bypass(std::vector<DecodeJob> jobs) {
  for (DecodeJob& job : jobs) {
    std::get<H264Parameters>(job.parameters).sps.flags |=
        V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS;
  }
  return jobs;
}

TEST_CASE("a stream that the native engine does not do is libavcodec's, picture for picture") {
  const std::string path = GENERATE("test/data/h264.mp4", "test/data/h264_interlaced.mp4");
  constexpr size_t kJobs = 24;
  const std::vector<DecodeJob> plain = jobs_of(path, kJobs);
  const std::vector<DecodeJob> bypass = with_transform_bypass(plain);
  Workers workers(2);
  const auto decoder = create_h264_with_fallback(workers, 2, {});
  const Decoded by_native = decode(*decoder, plain);
  REQUIRE(by_native.engines == std::vector<std::string>(plain.size(), "native"));
  // From one to the other and back, as a session's stream may change.
  for (int i = 0; i < 2; ++i) {
    const Decoded by_fallback = decode(*decoder, bypass);
    CHECK(by_fallback.engines == std::vector<std::string>(plain.size(), "libavcodec"));
    CHECK((by_fallback.hashes == by_native.hashes));
    CHECK(decode(*decoder, plain) == by_native);
  }
}

// Else a client that waits for one of them waits for ever.
TEST_CASE("what the native engine has under way is ended before libavcodec decodes") {
  const std::vector<DecodeJob> plain = jobs_of("test/data/h264.mp4", 3);
  std::vector<DecodeJob> jobs = copy_of(plain);
  jobs.push_back(copy_of(with_transform_bypass({plain[0]})).front());
  Workers nobody(1);  // helps
  const auto decoder = create_h264_with_fallback(nobody, 4, {});
  std::vector<std::string> ended;
  decoder->expect(true);
  for (DecodeJob& job : jobs) {
    job.target->begin(nullptr);
    decoder->begin(job, [&](DecodeOutcome outcome) {
      REQUIRE(outcome.frame.has_value());
      ended.emplace_back(outcome.stages.front().substrate);
      job.target->complete(std::move(outcome));
    });
    if (&job != &jobs.back()) REQUIRE(ended.empty());
  }
  REQUIRE(ended.size() == jobs.size());
  CHECK(ended.back() == "libavcodec");
}

// Nothing before this picture is in the other engine, so it would have to make up what is referred
// to.
TEST_CASE("in the middle of a stream, what the native engine does not do is an error") {
  std::vector<DecodeJob> jobs = jobs_of("test/data/h264.mp4", 3);
  Workers workers(1);
  const auto decoder = create_h264_with_fallback(workers, 1, {});
  decode(*decoder, {jobs[0]});
  const DecodeJob odd = with_transform_bypass({jobs[1]}).front();
  const DecodeOutcome refused = decoder->decode(odd);
  CHECK_FALSE(refused.frame.has_value());
  CHECK(refused.error.code == ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace daedalus::core::test
