// A decoder whose outcomes the test decides, and sessions over it.
#ifndef DAEDALUS_TEST_DECODE_CORE_FAKE_DECODER_H_
#define DAEDALUS_TEST_DECODE_CORE_FAKE_DECODER_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "decode_core/queued_session.h"
#include "test/decode_core/jobs.h"

namespace daedalus::core::test {

// A gate that the test opens: whoever passes waits for it.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class FakeDecoder final : public Decoder {
 public:
  using Decode = std::function<DecodeOutcome(const DecodeJob&)>;
  explicit FakeDecoder(Decode decode) : decode_(std::move(decode)) {}
  DecodeOutcome decode(const DecodeJob& job) override { return decode_(job); }

 private:
  Decode decode_;
};

// One that would like to know each job's successor; `foreseen` counts those that it was told.
class ForesightedDecoder final : public Decoder {
 public:
  explicit ForesightedDecoder(std::atomic<int>& foreseen) : foreseen_(foreseen) {}
  DecodeOutcome decode(const DecodeJob& job) override;
  bool wants_successor(const DecodeJob& /*job*/) const override { return true; }
  void foresee(const DecodeJob& /*job*/, const DecodeJob& /*successor*/) override { ++foreseen_; }

 private:
  std::atomic<int>& foreseen_;
};

inline DecodeOutcome decoded_frame(uint32_t seed = 1) {
  DecodeOutcome outcome;
  outcome.frame = make_frame(SampleFormat::kI420, 16, 16, seed);
  return outcome;
}

inline DecodeOutcome decoded_nothing() {
  DecodeOutcome outcome;
  outcome.error = {ErrorCode::kCorrupt, "nothing there"};
  return outcome;
}

inline DecodeOutcome ForesightedDecoder::decode(const DecodeJob& /*job*/) {
  return decoded_frame();
}

// A session over a decoder; its statistics are private memory.
inline std::shared_ptr<QueuedSession> make_session(std::unique_ptr<Decoder> decoder,
                                                   Profile profile = Profile::kVp8) {
  const SessionConfig config{profile, 64, 48, "replay"};
  return std::make_shared<QueuedSession>(QueuedSession::Parts{
      config, "fake", nullptr, std::move(decoder),
      std::make_unique<Statistics>("", Statistics::Identity{}, false), nullptr});
}

inline std::shared_ptr<QueuedSession> make_session(FakeDecoder::Decode decode,
                                                   Profile profile = Profile::kVp8) {
  return make_session(std::make_unique<FakeDecoder>(std::move(decode)), profile);
}

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_FAKE_DECODER_H_
