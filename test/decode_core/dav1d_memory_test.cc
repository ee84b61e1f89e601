// The dav1d engine where memory runs out in the middle of a picture.
#include <algorithm>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "decode_core/picture.h"
#include "decode_core/software/dav1d/dav1d_decoder.h"
#include "test/catch.h"
#include "test/decode_core/allocation_failure.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

// The first jobs of a clip, of a client that does not tell which slots they refresh.
std::vector<DecodeJob> first_jobs(size_t count) {
  auto stream = parsed_stream::ParsedStream::open("test/data/av1.webm");
  REQUIRE(stream.ok());
  std::vector<DecodeJob> jobs;
  parsed_stream::Event event;
  while (jobs.size() < count) {
    const auto more = (*stream)->next(event);
    REQUIRE(more.ok());
    REQUIRE(*more);
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr) continue;
    decode->job.refresh_frame_flags.reset();
    jobs.push_back(std::move(decode->job));
  }
  return jobs;
}

TEST_CASE("what was foreseen of a picture that failed is not taken for the next one") {
  const std::vector<DecodeJob> clip = first_jobs(3);
  bool failed = true;
  int failures = 0;
  for (int left = 0; failed; ++left) {
    REQUIRE(left < 1000);
    auto decoder = create_dav1d_decoder(1);
    REQUIRE(decoder.ok());
    REQUIRE((*decoder)->decode(clip[0]).frame.has_value());
    // The second picture twice, and the third, which refers to the latter.
    const DecodeJob& first = clip[1];
    DecodeJob second = clip[1];
    second.target = std::make_shared<Picture>();
    DecodeJob last = clip[2];
    REQUIRE(std::count(last.references.begin(), last.references.end(), first.target) != 0);
    std::replace(last.references.begin(), last.references.end(), first.target, second.target);
    // The job behind the first one does not refer to it: it replaced nothing.
    (*decoder)->foresee(first, second);
    try {
      const AllocationFailure failure(left);
      (void)(*decoder)->decode(first);
      failed = false;
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    CHECK((*decoder)->decode(second).frame.has_value());
    const DecodeOutcome outcome = (*decoder)->decode(last);
    CHECK(outcome.frame.has_value());
    CHECK_FALSE(outcome.concealed);
  }
  CHECK(failures > 2);
}

}  // namespace
}  // namespace daedalus::core::test
