// HEVC pictures whose references are missing: they are decoded from what stands in, and counted as
// concealed; those beside them are not.
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/picture.h"
#include "decode_core/software/libavcodec/libavcodec_decoder.h"
#include "test/catch.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

std::vector<DecodeJob> jobs_of(const std::string& path) {
  auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  std::vector<DecodeJob> jobs;
  parsed_stream::Event event;
  for (auto more = (*stream)->next(event); more.ok() && *more; more = (*stream)->next(event)) {
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode != nullptr) jobs.push_back(std::move(decode->job));
  }
  REQUIRE(jobs.size() > 20);
  return jobs;
}

std::unique_ptr<Decoder> make_decoder() {
  auto decoder = create_libavcodec_decoder(Codec::kHevc, 1);
  REQUIRE(decoder.ok());
  return std::move(*decoder);
}

v4l2_ctrl_hevc_decode_params& decode_of(DecodeJob& job) {
  return std::get<HevcParameters>(job.parameters).decode;
}

// Indices into decode.dpb that the picture refers to.
std::vector<uint8_t> used_by(DecodeJob& job) {
  const auto& decode = decode_of(job);
  std::vector<uint8_t> used;
  const auto append = [&](const uint8_t* set, uint8_t count) {
    used.insert(used.end(), set, set + count);
  };
  append(decode.poc_st_curr_before, decode.num_poc_st_curr_before);
  append(decode.poc_st_curr_after, decode.num_poc_st_curr_after);
  append(decode.poc_lt_curr, decode.num_poc_lt_curr);
  return used;
}

bool refers_to(DecodeJob& job, const Picture* picture) {
  return std::ranges::any_of(used_by(job),
                             [&](uint8_t i) { return job.references[i].get() == picture; });
}

// The job before the first one that refers to some picture.
size_t before_first_inter(std::vector<DecodeJob>& jobs) {
  size_t i = 0;
  while (used_by(jobs[i]).empty()) ++i;
  REQUIRE(i > 0);
  return i - 1;
}

}  // namespace

TEST_CASE("no picture of a sound stream is concealed") {
  for (const char* path : {"test/data/hevc.mp4", "test/data/hevc_10bit.mp4"}) {
    auto jobs = jobs_of(path);
    const auto decoder = make_decoder();
    for (const DecodeJob& job : jobs) {
      const DecodeOutcome outcome = decoder->decode(job);
      CHECK(outcome.frame.has_value());
      CHECK_FALSE(outcome.concealed);
    }
  }
}

TEST_CASE("a picture that was never decoded conceals those that refer to it, and only those") {
  auto jobs = jobs_of("test/data/hevc.mp4");
  // Of a picture that others refer to, not the first of the stream.
  size_t lost = before_first_inter(jobs) + 1;
  const auto is_reference = [&](size_t i) {
    return std::ranges::any_of(std::span(jobs).subspan(i + 1), [&](DecodeJob& job) {
      return refers_to(job, jobs[i].target.get());
    });
  };
  while (!is_reference(lost)) ++lost;
  const auto decoder = make_decoder();
  size_t concealed = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (i == lost) continue;
    INFO("picture " << i << " without " << lost);
    const DecodeOutcome outcome = decoder->decode(jobs[i]);
    REQUIRE(outcome.frame.has_value());
    // What libavcodec made up once stands in for the picture from then on.
    if (concealed == 0 || !refers_to(jobs[i], jobs[lost].target.get())) {
      CHECK(outcome.concealed == refers_to(jobs[i], jobs[lost].target.get()));
    }
    concealed += outcome.concealed;
  }
  CHECK(concealed > 0);
}

TEST_CASE("a reference that the client does not have") {
  auto jobs = jobs_of("test/data/hevc.mp4");
  const auto decoder = make_decoder();
  const size_t first = before_first_inter(jobs) + 1;
  for (size_t i = 0; i < first; ++i) REQUIRE(decoder->decode(jobs[i]).frame.has_value());
  for (const uint8_t used : used_by(jobs[first])) jobs[first].references[used] = nullptr;
  const DecodeOutcome outcome = decoder->decode(jobs[first]);
  CHECK(outcome.frame.has_value());
  CHECK(outcome.concealed);
}

TEST_CASE("pictures that are kept for later ones and missing conceal nothing") {
  auto jobs = jobs_of("test/data/hevc.mp4");
  const auto decoder = make_decoder();
  size_t missing = 0;
  for (DecodeJob& job : jobs) {
    auto& decode = decode_of(job);
    const bool room = decode.num_active_dpb_entries < V4L2_HEVC_DPB_ENTRIES_NUM_MAX;
    if (!job.references.empty() && room) {
      // An order count that no picture of the stream has.
      decode.dpb[decode.num_active_dpb_entries++].pic_order_cnt_val =
          decode.pic_order_cnt_val - 1000;
      job.references.push_back(nullptr);
      ++missing;
    }
    const DecodeOutcome outcome = decoder->decode(job);
    CHECK(outcome.frame.has_value());
    CHECK_FALSE(outcome.concealed);
  }
  CHECK(missing > 0);
}

TEST_CASE("a picture of whose references nothing is known is decoded, and concealed") {
  auto jobs = jobs_of("test/data/hevc.mp4");
  const auto decoder = make_decoder();
  const size_t first = before_first_inter(jobs) + 1;
  for (size_t i = 0; i < first; ++i) REQUIRE(decoder->decode(jobs[i]).frame.has_value());
  auto& decode = decode_of(jobs[first]);
  std::ranges::fill(decode.poc_st_curr_before, uint8_t{0xff});
  std::ranges::fill(decode.poc_st_curr_after, uint8_t{0xff});
  for (auto& slice : std::get<HevcParameters>(jobs[first].parameters).slices) {
    for (auto& list : slice.lists) list.fill(0xff);
  }
  const DecodeOutcome outcome = decoder->decode(jobs[first]);
  CHECK(outcome.frame.has_value());
  CHECK(outcome.concealed);
}

TEST_CASE("concealed HEVC pictures are told to the client") {
  auto jobs = jobs_of("test/data/hevc.mp4");
  const auto core = Core::create(Settings{});
  auto session = core->open_session({Profile::kHevcMain, 64, 64, "replay"});
  REQUIRE(session.ok());
  const size_t first = before_first_inter(jobs) + 1;
  for (size_t i = 0; i <= first; ++i) {
    if (i == first) {
      for (const uint8_t used : used_by(jobs[i])) jobs[i].references[used] = nullptr;
    }
    REQUIRE((*session)->submit(jobs[i]).ok());
    jobs[i].target->wait();
    CHECK(jobs[i].target->state() == Picture::State::kDone);
    CHECK(jobs[i].target->concealed() == (i == first));
  }
}

}  // namespace daedalus::core::test
