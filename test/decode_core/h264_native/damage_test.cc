// The native engine on damaged jobs: every picture ends, nothing is read or written where it must
// not be (the sanitizers' part), and what comes intact afterwards is decoded as ever.
#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/record/recording.h"
#include "test/catch.h"
#include "test/corpus.h"
#include "test/decode_core/h264_native/stream_jobs.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

std::shared_ptr<Session> open_session(const std::shared_ptr<Core>& core, const DecodeJob& job) {
  auto session = core->open_session(
      {*parsed_stream::profile_of(job), job.coded_width(), job.coded_height(), "replay"});
  REQUIRE(session.ok());
  return *session;
}

std::shared_ptr<Core> make_core_of(const char* engine, int threads) {
  Settings settings;
  settings.engine = engine;
  settings.threads = threads;
  return Core::create(settings);
}

// The hash of each job's picture once all are decoded; zero of those that came to nothing.
std::vector<FrameHash> decode(Session& session, std::vector<DecodeJob> jobs) {
  std::vector<std::shared_ptr<Picture>> targets;
  for (DecodeJob& job : jobs) {
    const auto target = job.target;
    // Refused: its picture stays empty.
    if (session.submit(std::move(job)).ok()) targets.push_back(target);
  }
  session.drain();
  std::vector<FrameHash> hashes;
  for (const auto& target : targets) {
    const bool ended =
        target->state() == Picture::State::kDone || target->state() == Picture::State::kFailed;
    CHECK(ended);
    const auto frame = target->frame();
    hashes.push_back(frame.has_value() ? hash_frame(frame->view) : FrameHash{});
  }
  return hashes;
}

using Random = std::mt19937;

size_t below(Random& random, size_t end) {
  return std::uniform_int_distribution<size_t>(0, end - 1)(random);
}

void flip_bits(DecodeJob& job, Random& random) {
  for (int i = 0; i < 4; ++i) {
    job.bitstream[below(random, job.bitstream.size())] ^=
        static_cast<uint8_t>(1u << below(random, 8));
  }
}

void cut_short(DecodeJob& job, Random& random) {
  ByteRange& slice = job.slices[below(random, job.slices.size())];
  slice.size = static_cast<uint32_t>(1 + below(random, slice.size));
}

void lose_slices(DecodeJob& job, Random& random) {
  const ByteRange kept = job.slices[below(random, job.slices.size())];
  job.slices = {kept};
}

void lose_references(DecodeJob& job, Random& random) {
  if (!job.references.empty()) job.references[below(random, job.references.size())] = nullptr;
}

// Any bytes in the parameters of the picture: what validate() lets pass, the engine must bear.
void scramble_parameters(DecodeJob& job, Random& random) {
  auto& parameters = std::get<H264Parameters>(job.parameters);
  const auto scramble = [&](void* bytes, size_t size) {
    static_cast<uint8_t*>(bytes)[below(random, size)] = static_cast<uint8_t>(random());
  };
  switch (below(random, 4)) {
    case 0:
      return scramble(&parameters.pps, sizeof(parameters.pps));
    case 1:
      return scramble(&parameters.scaling_matrix, sizeof(parameters.scaling_matrix));
    case 2:
      return scramble(&parameters.decode, sizeof(parameters.decode));
    default:
      return scramble(&parameters.sps, sizeof(parameters.sps));
  }
}

void swap_fields(DecodeJob& job, Random& random) {
  job.field = static_cast<FieldRole>(below(random, 3));
}

using Damage = void (*)(DecodeJob&, Random&);
constexpr Damage kDamages[] = {flip_bits,       cut_short,           lose_slices,
                               lose_references, scramble_parameters, swap_fields};

std::vector<DecodeJob> damaged(const std::vector<DecodeJob>& jobs, Damage damage, Random& random) {
  std::vector<DecodeJob> copy = copy_of(jobs);
  for (DecodeJob& job : copy) {
    if (below(random, 3) == 0) damage(job, random);
  }
  return copy;
}

TEST_CASE("damage of every kind costs pictures, never the session") {
  const std::string path = GENERATE("test/data/h264.mp4", "test/data/h264_interlaced.mp4");
  const int threads = GENERATE(1, 3);
  CAPTURE(path, threads);
  const std::vector<DecodeJob> jobs = jobs_of(path, 40);
  REQUIRE(jobs.size() == 40);
  const auto reference = make_core_of("libavcodec", 1);
  const auto expected = decode(*open_session(reference, jobs[0]), copy_of(jobs));
  const auto core = make_core_of("native", threads);
  const auto session = open_session(core, jobs[0]);
  Random random(1);
  for (const Damage damage : kDamages) {
    for (int round = 0; round < 3; ++round) decode(*session, damaged(jobs, damage, random));
    const bool as_ever = decode(*session, copy_of(jobs)) == expected;
    CHECK(as_ever);
  }
}

// The same versions each time.
TEST_CASE("every kind of damage to the corpus's streams", "[corpus]") {
  constexpr size_t kJobs = 24;
  uint32_t seed = 0;
  daedalus::test::for_each_corpus_stream("h264", [&](const std::string& path, const auto&) {
    const std::vector<DecodeJob> jobs = jobs_of(path, kJobs);
    if (jobs.empty()) return false;
    const auto core = make_core_of("native", 2);
    for (const Damage damage : kDamages) {
      Random random(++seed);
      decode(*open_session(core, jobs[0]), damaged(jobs, damage, random));
    }
    return true;
  });
}

}  // namespace
}  // namespace daedalus::core::test
