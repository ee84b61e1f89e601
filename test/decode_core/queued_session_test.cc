#include "decode_core/queued_session.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "test/catch.h"
#include "test/decode_core/fake_decoder.h"

namespace daedalus::core::test {
namespace {

using std::chrono::milliseconds;
using State = Picture::State;

// Counts itself among the living; held by a fake decoder, it lives as long as that.
std::shared_ptr<int> count_life(std::shared_ptr<std::promise<void>> ended) {
  return {new int(0), [ended = std::move(ended)](const int* counted) {
            delete counted;
            ended->set_value();
          }};
}

TEST_CASE("jobs are decoded in the order of submission") {
  std::vector<uint64_t> decoded;
  const auto session = make_session([&](const DecodeJob& job) {
    decoded.push_back(job.target->id());
    return decoded_frame();
  });
  std::vector<uint64_t> submitted;
  for (int i = 0; i < 200; ++i) {
    DecodeJob job = make_job(Codec::kVp8);
    submitted.push_back(job.target->id());
    REQUIRE(session->submit(std::move(job)).ok());
  }
  session->drain();
  CHECK(decoded == submitted);
  CHECK(session->codec() == Codec::kVp8);
  CHECK(session->engine() == "fake");
}

TEST_CASE("submit marks the target pending and returns") {
  Gate gate;
  const auto session = make_session([&](const DecodeJob&) {
    gate.pass();
    return decoded_frame();
  });
  DecodeJob job = make_job(Codec::kVp8);
  const auto target = job.target;
  REQUIRE(session->submit(std::move(job)).ok());
  CHECK(target->state() == State::kPending);
  CHECK(target->session() == session);
  gate.open();
  CHECK(target->wait());
  CHECK(target->state() == State::kDone);
}

TEST_CASE("a displayed picture ends with its target, with pixels of its own") {
  std::atomic<bool> fails{false};
  const auto session = make_session(
      [&](const DecodeJob&) {
        if (fails) return decoded_nothing();
        DecodeOutcome outcome = decoded_frame(1);
        outcome.display = make_frame(SampleFormat::kI420, 16, 16, 2);
        return outcome;
      },
      Profile::kAv1Main);
  DecodeJob job = make_job(Codec::kAv1);
  job.display = std::make_shared<Picture>();
  const auto target = job.target;
  const auto display = job.display;
  SECTION("pixels") {
    REQUIRE(session->submit(std::move(job)).ok());
    CHECK(display->wait());
    CHECK(display->session() == session);
    REQUIRE(display->state() == State::kDone);
    CHECK(target->wait());
    CHECK(hash_frame(display->frame()->view) != hash_frame(target->frame()->view));
  }
  SECTION("none") {
    fails = true;
    REQUIRE(session->submit(std::move(job)).ok());
    CHECK(display->wait());
    CHECK(display->state() == State::kFailed);
    CHECK(display->error().message == "nothing there");
  }
}

TEST_CASE("a job is put off until its successor is there, somebody wants it, or time is up") {
  using Clock = std::chrono::steady_clock;
  std::atomic<int> foreseen{0};
  const auto session = make_session(std::make_unique<ForesightedDecoder>(foreseen));
  DecodeJob job = make_job(Codec::kVp8);
  const auto target = job.target;
  std::atomic<bool> done{false};
  target->set_output_pass([&](const FrameBuffer&) { done = true; });
  REQUIRE(session->submit(std::move(job)).ok());
  const auto begin = Clock::now();
  SECTION("nobody") {
    while (!done) std::this_thread::sleep_for(milliseconds(1));
    CHECK(Clock::now() - begin >= QueuedSession::kLongestDelay - milliseconds(20));
    CHECK(foreseen == 0);
  }
  SECTION("somebody waits") {
    CHECK(target->wait());
    CHECK(Clock::now() - begin < std::chrono::seconds(5));
    CHECK(foreseen == 0);
  }
  SECTION("somebody asks") {
    CHECK_FALSE(target->wanted());
    static_cast<void>(target->state());
    CHECK((target->wanted() || target->state() == State::kDone));
    CHECK(target->wait());
  }
  SECTION("the queue is drained") {
    session->drain();
    CHECK(target->state() == State::kDone);
    CHECK(foreseen == 0);
  }
  SECTION("its successor is there") {
    // Unless the machine stood still for so long.
    REQUIRE(session->submit(make_job(Codec::kVp8)).ok());
    session->drain();
    if (Clock::now() - begin < QueuedSession::kLongestDelay) CHECK(foreseen == 1);
  }
  CHECK_FALSE(target->wanted());
}

TEST_CASE("an invalid job is refused and its target stays as it was") {
  std::atomic<int> decoded{0};
  const auto session = make_session([&](const DecodeJob&) {
    ++decoded;
    return decoded_frame();
  });
  DecodeJob job = make_job(Codec::kVp8);
  const auto target = job.target;
  SECTION("no slice data") {
    job.slices.clear();
    const Status status = session->submit(std::move(job));
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::kInvalidArgument);
  }
  SECTION("another codec") {
    DecodeJob other = make_job(Codec::kMpeg2);
    other.target = target;
    REQUIRE_FALSE(session->submit(std::move(other)).ok());
  }
  CHECK(target->state() == State::kEmpty);
  CHECK(target->session() == nullptr);
  session->drain();
  CHECK(decoded == 0);
  REQUIRE(session->submit(make_job(Codec::kVp8)).ok());
  session->drain();
  CHECK(decoded == 1);
}

TEST_CASE("submit blocks while the queue is full, and only then") {
  Gate gate;
  std::promise<void> begun;
  std::atomic<bool> first{true};
  const auto session = make_session([&](const DecodeJob&) {
    if (first.exchange(false)) begun.set_value();
    gate.pass();
    return decoded_frame();
  });
  REQUIRE(session->submit(make_job(Codec::kVp8)).ok());
  begun.get_future().wait();  // one is in decoding: it waits no more
  for (size_t i = 0; i < Session::kMaxQueued; ++i) {
    REQUIRE(session->submit(make_job(Codec::kVp8)).ok());
  }
  DecodeJob job = make_job(Codec::kVp8);
  const auto target = job.target;
  auto blocked =
      std::async(std::launch::async, [&] { return session->submit(std::move(job)).ok(); });
  CHECK(blocked.wait_for(milliseconds(50)) == std::future_status::timeout);
  CHECK(target->state() == State::kEmpty);
  gate.open();
  CHECK(blocked.get());
  CHECK(target->wait());
}

TEST_CASE("a decoder without memory fails one picture and no more") {
  std::atomic<int> calls{0};
  const auto session = make_session([&](const DecodeJob&) -> DecodeOutcome {
    if (++calls == 1) throw std::bad_alloc();
    return decoded_frame();
  });
  DecodeJob unlucky = make_job(Codec::kVp8);
  DecodeJob lucky = make_job(Codec::kVp8);
  const std::vector<std::shared_ptr<Picture>> targets = {unlucky.target, lucky.target};
  REQUIRE(session->submit(std::move(unlucky)).ok());
  REQUIRE(session->submit(std::move(lucky)).ok());
  session->drain();
  CHECK(targets[0]->state() == State::kFailed);
  CHECK(targets[0]->error().code == ErrorCode::kOutOfMemory);
  CHECK(targets[1]->state() == State::kDone);
}

TEST_CASE("a session lives as long as one of its pictures, and ends with the last") {
  const auto ended = std::make_shared<std::promise<void>>();
  auto future = ended->get_future();
  auto session =
      make_session([life = count_life(ended)](const DecodeJob&) { return decoded_frame(); });
  DecodeJob job = make_job(Codec::kVp8);
  auto target = job.target;
  REQUIRE(session->submit(std::move(job)).ok());
  session->drain();
  const std::weak_ptr<Session> observer = session;
  session.reset();
  CHECK_FALSE(observer.expired());
  CHECK(future.wait_for(milliseconds(0)) == std::future_status::timeout);
  target.reset();
  CHECK(observer.expired());
  // The decoder goes when the thread has let go, which the destructor has waited for.
  CHECK(future.wait_for(milliseconds(0)) == std::future_status::ready);
}

TEST_CASE("a session's own thread may be its last owner") {
  for (int round = 0; round < 20; ++round) {
    const auto ended = std::make_shared<std::promise<void>>();
    auto future = ended->get_future();
    const auto gate = std::make_shared<Gate>();
    auto session = make_session([gate, life = count_life(ended)](const DecodeJob&) {
      gate->pass();
      return decoded_frame();
    });
    for (int i = 0; i < 3; ++i) REQUIRE(session->submit(make_job(Codec::kVp8)).ok());
    session.reset();  // only the queued jobs hold it now
    gate->open();
    REQUIRE(future.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  }
}

// The second field of a picture goes to a new session, whose submit thereby lets go of the last
// owner of the old one, which still decodes the first field.
TEST_CASE("a picture may move on to another session while the old one decodes") {
  const auto gate = std::make_shared<Gate>();
  auto old_session = make_session([gate](const DecodeJob&) {
    gate->pass();
    return decoded_frame(1);
  });
  const auto new_session = make_session([gate](const DecodeJob&) {
    gate->open();
    return decoded_frame(2);
  });
  DecodeJob first = make_job(Codec::kVp8);
  DecodeJob second = make_job(Codec::kVp8);
  const auto target = first.target;
  second.target = target;
  first.field = FieldRole::kFirstField;
  second.field = FieldRole::kSecondField;
  REQUIRE(old_session->submit(std::move(first)).ok());
  old_session.reset();
  REQUIRE(new_session->submit(std::move(second)).ok());
  CHECK(target->wait());
  CHECK(target->state() == State::kDone);
  CHECK(target->session() == new_session);
}

// Begins jobs, two at a time, and ends them on threads of its own: of each pair the second first.
class LateDecoder final : public Decoder {
 public:
  ~LateDecoder() override {
    for (std::thread& thread : threads_) thread.join();
  }
  DecodeOutcome decode(const DecodeJob& /*job*/) override { return decoded_nothing(); }
  void begin(const DecodeJob& /*job*/, Done done) override {
    const size_t number = begun_++;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_.size() + 2 > number; });
    threads_.emplace_back([this, number, done = std::move(done)] {
      if (number % 2 == 0) {
        std::unique_lock other(mutex_);
        changed_.wait(other, [&] { return ended_.contains(number + 1); });
      }
      done(decoded_frame());
      std::lock_guard end(mutex_);
      ended_.insert(number);
      changed_.notify_all();
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t begun_ = 0;
  std::set<size_t> ended_;
  std::vector<std::thread> threads_;
};

// Tells whether the core was there to its end.
class CoreObserver final : public Decoder {
 public:
  CoreObserver(std::weak_ptr<Core> core, bool& outlived)
      : core_(std::move(core)), outlived_(outlived) {}
  ~CoreObserver() override { outlived_ = !core_.expired(); }
  DecodeOutcome decode(const DecodeJob& /*job*/) override { return decoded_nothing(); }

 private:
  const std::weak_ptr<Core> core_;
  bool& outlived_;
};

TEST_CASE("the core, whose threads may be the decoder's, outlives it") {
  auto core = Core::create({});
  REQUIRE(core != nullptr);
  bool outlived = false;
  auto decoder = std::make_unique<CoreObserver>(core, outlived);
  auto session = std::make_shared<QueuedSession>(
      QueuedSession::Parts{{Profile::kVp8, 0, 0, "replay"},
                           "fake",
                           std::move(core),
                           std::move(decoder),
                           std::make_unique<Statistics>("", Statistics::Identity{}, false),
                           nullptr});
  session.reset();
  CHECK(outlived);
}

TEST_CASE("jobs that end in another order are told in theirs") {
  const auto session = make_session(std::make_unique<LateDecoder>());
  std::mutex mutex;
  std::vector<uint64_t> submitted, told;
  for (int i = 0; i < 60; ++i) {
    DecodeJob job = make_job(Codec::kVp8);
    submitted.push_back(job.target->id());
    job.target->set_output_pass([&, id = job.target->id()](const FrameBuffer&) {
      std::lock_guard lock(mutex);
      told.push_back(id);
    });
    REQUIRE(session->submit(std::move(job)).ok());
  }
  session->drain();
  CHECK(told == submitted);
}

TEST_CASE("a session ends with its last picture while a decoder's own thread tells it") {
  for (int round = 0; round < 20; ++round) {
    const auto ended = std::make_shared<std::promise<void>>();
    auto future = ended->get_future();
    auto session = make_session(std::make_unique<LateDecoder>());
    for (int i = 0; i < 4; ++i) {
      DecodeJob job = make_job(Codec::kVp8);
      // The pass goes with its picture, the last of which is the last to go.
      job.target->set_output_pass([life = i == 3 ? count_life(ended) : nullptr](const auto&) {});
      REQUIRE(session->submit(std::move(job)).ok());
    }
    const std::weak_ptr<Session> observer = session;
    session.reset();  // only the jobs hold it now
    REQUIRE(future.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    while (!observer.expired()) std::this_thread::yield();
  }
}

TEST_CASE("drain waits for what was submitted before") {
  std::atomic<int> decoded{0};
  const auto session = make_session([&](const DecodeJob&) {
    ++decoded;
    return decoded_frame();
  });
  session->drain();
  for (int i = 1; i <= 20; ++i) {
    REQUIRE(session->submit(make_job(Codec::kVp8)).ok());
    session->drain();
    REQUIRE(decoded == i);
  }
}

TEST_CASE("what was decoded is counted, a pair of fields once") {
  static constexpr StageRun kStages[] = {{"mc", "NEON"}, {"idct", "scalar"}};
  auto statistics = std::make_unique<Statistics>("", Statistics::Identity{}, false);
  const StatisticsPage& page = statistics->page();
  const auto session = std::make_shared<QueuedSession>(
      QueuedSession::Parts{{Profile::kVp8, 0, 0, "replay"},
                           "fake",
                           nullptr,
                           std::make_unique<FakeDecoder>([](const DecodeJob& job) {
                             if (job.bitstream[0] == 1) return decoded_nothing();
                             DecodeOutcome outcome = decoded_frame();
                             outcome.stages = kStages;
                             outcome.concealed = job.bitstream[0] == 2;
                             outcome.late_concealed = job.bitstream[0] == 3 ? 2 : 0;
                             return outcome;
                           }),
                           std::move(statistics),
                           nullptr});
  for (const uint8_t kind : {0, 1, 2, 3}) {
    DecodeJob job = make_job(Codec::kVp8);
    job.bitstream[0] = kind;
    REQUIRE(session->submit(std::move(job)).ok());
  }
  for (const FieldRole role : {FieldRole::kFirstField, FieldRole::kSecondField}) {
    DecodeJob job = make_job(Codec::kVp8);
    job.field = role;
    REQUIRE(session->submit(std::move(job)).ok());
  }
  session->count_stage({"pack", "scalar"});
  session->count_stage({"pack", "vulkan"});
  session->count_stage({"pack", "scalar", true});
  session->drain();
  CHECK(page.pictures == 4);
  CHECK(page.errors == 1);
  CHECK(page.concealed == 3);
  CHECK(page.queue_depth == 0);
  CHECK(page.width == 16);
  CHECK(page.height == 16);
  std::set<std::string> stages;
  for (const auto& stage : page.stages) {
    if (stage.pictures == 0) continue;
    stages.insert(std::string(stage.name.data()) + " " + stage.substrate.data() + " " +
                  std::to_string(stage.pictures));
  }
  CHECK(stages ==
        std::set<std::string>{"mc NEON 4", "idct scalar 4", "pack scalar 2", "pack vulkan 1"});
  CHECK(page.gpu_failures == 1);
}

TEST_CASE("many threads may submit, attach and wait at once") {
  const auto session = make_session([](const DecodeJob& job) {
    return job.bitstream[0] == 1 ? decoded_nothing() : decoded_frame();
  });
  constexpr int kThreads = 4;
  constexpr int kPictures = 100;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::shared_ptr<Picture> reference;
      for (int i = 0; i < kPictures; ++i) {
        DecodeJob job = make_job(Codec::kVp8);
        const bool fails = (i + t) % 7 == 0;
        job.bitstream[0] = fails ? 1 : 0;
        job.references = {reference, reference, reference};
        reference = job.target;
        bool filled = false;
        if (i % 2 == 0) reference->set_output_pass([&](const FrameBuffer&) { filled = true; });
        if (!session->submit(std::move(job))) ++wrong;
        if (i % 2 == 1) reference->set_output_pass([&](const FrameBuffer&) { filled = true; });
        reference->wait();
        if (filled == fails) ++wrong;
        reference->set_output_pass(nullptr);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace daedalus::core::test
