// The native engine under any schedule: the samples are those of one thread on its own, and
// sessions may go at any moment. DAEDALUS_STRESS_SEED=N: begin with this seed instead of 1.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/queued_session.h"
#include "decode_core/record/recording.h"
#include "decode_core/software/h264/h264_decoder.h"
#include "decode_core/workers/workers.h"
#include "test/catch.h"
#include "test/corpus.h"
#include "test/decode_core/h264_native/stream_jobs.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using Random = std::mt19937_64;
using std::chrono::microseconds;

size_t between(Random& random, size_t least, size_t most) {
  return std::uniform_int_distribution<size_t>(least, most)(random);
}

// Pauses at random, none mostly; any thread. The n-th call's is the same for a seed.
class Pauses {
 public:
  // One call in `rarity` pauses.
  Pauses(uint64_t seed, size_t rarity) : seed_(seed), rarity_(rarity) {}

  void operator()() {
    Random random(seed_ + calls_++);
    if (between(random, 1, rarity_) != 1) return;
    switch (between(random, 0, 3)) {
      case 0:
        return std::this_thread::yield();
      case 1:
        return std::this_thread::sleep_for(microseconds(between(random, 100, 1000)));
      default:
        return std::this_thread::sleep_for(microseconds(between(random, 1, 100)));
    }
  }

 private:
  const uint64_t seed_;
  const size_t rarity_;
  std::atomic<uint64_t> calls_{0};
};

// How one run goes, by its seed.
struct Schedule {
  explicit Schedule(uint64_t seed_in) : seed(seed_in), random(seed_in) {
    threads = between(random, 1, 8);
    most_in_flight = between(random, 1, 6);
    rarity = size_t{1} << between(random, 1, 7);
    rivals = between(random, 0, 1) == 1;
  }
  std::string text() const {
    return "seed " + std::to_string(seed) + ": " + std::to_string(threads) + " threads, " +
           std::to_string(most_in_flight) + " in flight, pauses 1 in " + std::to_string(rarity) +
           (rivals ? ", rivals" : "");
  }

  uint64_t seed;
  Random random;
  size_t threads;
  size_t most_in_flight;
  size_t rarity;  // of pauses
  bool rivals;    // for the workers
};

// The engine with pauses wherever a job or a task is taken or ends. It keeps its workers, and tells
// when it goes.
class PausingDecoder final : public Decoder {
 public:
  explicit PausingDecoder(const Schedule& schedule)
      : pauses_(schedule.seed << 32, schedule.rarity),
        workers_(std::make_shared<Workers>(static_cast<int>(schedule.threads))),
        engine_(create_h264_decoder(*workers_, static_cast<int>(schedule.threads), {},
                                    {.macroblocks_a_thread = 1,
                                     .macroblocks_a_batch = 1,
                                     .between_tasks = [this] { pauses_(); }})) {}
  ~PausingDecoder() override {
    engine_.reset();
    workers_.reset();
    gone_.set_value();
  }

  DecodeOutcome decode(const DecodeJob& job) override { return engine_->decode(job); }
  void begin(const DecodeJob& job, Done done) override {
    pauses_();
    engine_->begin(job, [this, done = std::move(done)](DecodeOutcome outcome) {
      pauses_();
      done(std::move(outcome));
    });
  }
  bool wants_successor(const DecodeJob& job) const override {
    return engine_->wants_successor(job);
  }
  void expect(bool more) override { engine_->expect(more); }
  void foresee(const DecodeJob& job, const DecodeJob& successor) override {
    engine_->foresee(job, successor);
  }

  std::shared_ptr<Workers> workers() const { return workers_; }
  std::future<void> gone() { return gone_.get_future(); }

 private:
  Pauses pauses_;
  std::shared_ptr<Workers> workers_;
  std::unique_ptr<Decoder> engine_;
  std::promise<void> gone_;
};

// Keeps a pool's workers from coming to others at once.
class Rivals {
 public:
  Rivals(std::shared_ptr<Workers> workers, uint64_t seed)
      : thread_([this, workers = std::move(workers), random = Random(seed)]() mutable {
          while (!ended_) {
            const microseconds busy(between(random, 1, 2000));
            workers->run(static_cast<uint32_t>(between(random, 1, 4)),
                         [busy](uint32_t) { std::this_thread::sleep_for(busy); });
            std::this_thread::sleep_for(microseconds(between(random, 1, 2000)));
          }
        }) {}
  ~Rivals() {
    ended_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

struct StressedSession {
  std::shared_ptr<Session> session;
  std::future<void> gone;  // decoder, workers and all
  std::optional<Rivals> rivals{};
};

void open(StressedSession& stressed, const Schedule& schedule, Profile profile) {
  auto decoder = std::make_unique<PausingDecoder>(schedule);
  stressed.gone = decoder->gone();
  if (schedule.rivals) stressed.rivals.emplace(decoder->workers(), schedule.seed);
  stressed.session = std::make_shared<QueuedSession>(
      QueuedSession::Parts{{profile, 0, 0, "replay"},
                           "native",
                           nullptr,
                           std::move(decoder),
                           std::make_unique<Statistics>("", Statistics::Identity{}, false),
                           nullptr});
}

std::shared_ptr<Session> open_plain(const char* engine, Profile profile) {
  Settings settings;
  settings.engine = engine;
  settings.threads = 1;
  auto session = Core::create(settings)->open_session({profile, 0, 0, "replay"});
  REQUIRE(session.ok());
  return *session;
}

// Gives jobs to a session as a client does, with so many under way, and lets pictures go as soon as
// nothing needs them.
class Client {
 public:
  Client(Session& session, const std::vector<DecodeJob>& jobs) : session_(session), jobs_(jobs) {
    for (size_t i = 0; i < jobs.size(); ++i) {
      last_job_[jobs[i].target.get()] = i;
      last_use_[jobs[i].target.get()] = i;
      for (const auto& reference : jobs[i].references) last_use_[reference.get()] = i;
    }
  }

  void submit(size_t index) {
    DecodeJob job = copies_.copy(jobs_[index]);
    under_way_.push_back({index, job.target});
    REQUIRE(session_.submit(std::move(job)).ok());
  }
  // Waits until there are so many.
  void wait_for(size_t in_flight) {
    for (; under_way_.size() > in_flight; under_way_.pop_front()) settle(under_way_.front());
  }
  // Of the pictures that were waited for, in the order of their last jobs; zero where one came to
  // nothing.
  const std::vector<FrameHash>& hashes() const { return hashes_; }

 private:
  struct UnderWay {
    size_t index;
    std::shared_ptr<Picture> target;
  };

  void settle(const UnderWay& job) {
    job.target->wait();
    const DecodeJob& original = jobs_[job.index];
    if (last_job_[original.target.get()] == job.index) {
      const auto frame = job.target->frame();
      hashes_.push_back(frame.has_value() ? hash_frame(frame->view) : FrameHash{});
    }
    forget(original.target, job.index);
    for (const auto& reference : original.references) forget(reference, job.index);
  }
  void forget(const std::shared_ptr<Picture>& original, size_t index) {
    if (last_use_[original.get()] == index) copies_.forget(original.get());
  }

  Session& session_;
  const std::vector<DecodeJob>& jobs_;
  std::map<const Picture*, size_t> last_job_;  // by target
  std::map<const Picture*, size_t> last_use_;  // as target or reference
  JobCopies copies_;
  std::deque<UnderWay> under_way_;
  std::vector<FrameHash> hashes_;
};

std::vector<FrameHash> decode_one_by_one(Session& session, const std::vector<DecodeJob>& jobs) {
  Client client(session, jobs);
  for (size_t i = 0; i < jobs.size(); ++i) {
    client.submit(i);
    client.wait_for(0);
  }
  return client.hashes();
}

std::vector<FrameHash> decode_stressed(Session& session, const std::vector<DecodeJob>& jobs,
                                       Schedule& schedule) {
  Client client(session, jobs);
  for (size_t i = 0; i < jobs.size(); ++i) {
    client.wait_for(between(schedule.random, 0, schedule.most_in_flight - 1));
    client.submit(i);
  }
  client.wait_for(0);
  return client.hashes();
}

// Submits some jobs and lets everything go, ended or not.
void decode_and_leave(Session& session, const std::vector<DecodeJob>& jobs, Schedule& schedule) {
  Client client(session, jobs);
  const size_t count = between(schedule.random, 1, std::min<size_t>(jobs.size(), 24));
  for (size_t i = 0; i < count; ++i) {
    if (between(schedule.random, 0, 3) == 0) client.wait_for(schedule.most_in_flight - 1);
    client.submit(i);
  }
  std::this_thread::sleep_for(microseconds(between(schedule.random, 0, 10000)));
}

void check_gone(std::future<void>& gone) {
  CHECK(gone.wait_for(std::chrono::minutes(1)) == std::future_status::ready);
}

uint64_t first_seed() {
  const char* seed = std::getenv("DAEDALUS_STRESS_SEED");
  return seed != nullptr && *seed != '\0' ? std::strtoull(seed, nullptr, 10) : 1;
}

// Also where no report of the test comes, as with a sanitizer's end.
void announce(const Schedule& schedule, const std::string& path) {
  std::fprintf(stderr, "%s, %s\n", schedule.text().c_str(), path.c_str());
}

void stress(const std::string& path, const std::vector<DecodeJob>& jobs,
            const std::vector<FrameHash>& expected, uint64_t seed) {
  Schedule schedule(seed);
  announce(schedule, path);
  INFO(schedule.text());
  StressedSession stressed;
  open(stressed, schedule, *parsed_stream::profile_of(jobs[0]));
  const bool same = decode_stressed(*stressed.session, jobs, schedule) == expected;
  CHECK(same);
  stressed.rivals.reset();
  stressed.session.reset();
  check_gone(stressed.gone);
}

constexpr const char* kProgressive = "test/data/h264.mp4";
constexpr const char* kInterlaced = "test/data/h264_interlaced.mp4";

TEST_CASE("the clips, on random numbers of threads with random pauses") {
  constexpr uint64_t kSeeds = 6;
  const std::string path = GENERATE(kProgressive, kInterlaced);
  const std::vector<DecodeJob> jobs = jobs_of(path);
  REQUIRE(jobs.size() >= 50);
  const Profile profile = *parsed_stream::profile_of(jobs[0]);
  const auto expected = decode_one_by_one(*open_plain("native", profile), jobs);
  const bool as_libavcodec =
      decode_one_by_one(*open_plain("libavcodec", profile), jobs) == expected;
  CHECK(as_libavcodec);
  for (uint64_t i = 0; i < kSeeds; ++i) stress(path, jobs, expected, first_seed() + i);
}

TEST_CASE("sessions go at any moment, with jobs under way") {
  constexpr uint64_t kSeeds = 12;
  const std::string path = GENERATE(kProgressive, kInterlaced);
  const std::vector<DecodeJob> jobs = jobs_of(path, 30);
  const Profile profile = *parsed_stream::profile_of(jobs[0]);
  const auto expected = decode_one_by_one(*open_plain("native", profile), jobs);
  for (uint64_t i = 0; i < kSeeds; ++i) {
    Schedule schedule(first_seed() + i);
    announce(schedule, path);
    INFO(schedule.text());
    StressedSession stressed;
    open(stressed, schedule, profile);
    decode_and_leave(*stressed.session, jobs, schedule);
    // A seek: the session goes on from the beginning, and what was left does not disturb it.
    if (between(schedule.random, 0, 2) == 0) {
      const bool same = decode_stressed(*stressed.session, jobs, schedule) == expected;
      CHECK(same);
      decode_and_leave(*stressed.session, jobs, schedule);
    }
    stressed.rivals.reset();
    stressed.session.reset();
    check_gone(stressed.gone);
  }
}

// Where everything takes ten times as long, every fourth stream has to do, once.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || defined(__aarch64__)
constexpr uint64_t kSeedsAStream = 1;
constexpr size_t kEvery = 4;
#else
constexpr uint64_t kSeedsAStream = 4;
constexpr size_t kEvery = 1;
#endif

TEST_CASE("every H.264 stream, on random numbers of threads with random pauses", "[corpus]") {
  uint64_t seed = first_seed();
  size_t index = 0;
  daedalus::test::for_each_corpus_stream("h264", [&](const std::string& path, const auto&) {
    if (index++ % kEvery != 0) return false;
    const std::vector<DecodeJob> jobs = jobs_of(path);
    if (jobs.empty()) return false;
    const auto expected =
        decode_one_by_one(*open_plain("native", *parsed_stream::profile_of(jobs[0])), jobs);
    for (uint64_t i = 0; i < kSeedsAStream; ++i) stress(path, jobs, expected, seed++);
    return true;
  });
}

}  // namespace
}  // namespace daedalus::core::test
