// QueuedSession: the session over one decoder, with its queue and its thread.
#ifndef DAEDALUS_DECODE_CORE_QUEUED_SESSION_H_
#define DAEDALUS_DECODE_CORE_QUEUED_SESSION_H_

#include <chrono>
#include <memory>
#include <thread>

#include "base/statistics.h"
#include "decode_core/backend.h"
#include "decode_core/record/recording.h"
#include "decode_core/session.h"

namespace daedalus::core {

class QueuedSession final : public Session {
 public:
  // What a session is made of. `core` and `recorder` may be null.
  struct Parts {
    SessionConfig config;
    std::string_view engine;
    std::shared_ptr<Core> core;  // its threads may be the decoder's: outlives that
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Statistics> statistics;
    std::shared_ptr<RecordingWriter> recorder;
  };
  explicit QueuedSession(Parts parts);
  ~QueuedSession() override;

  // The longest that a job is put off for its successor's sake: a stream's last picture may have
  // none and nobody who wants it.
  static constexpr std::chrono::milliseconds kLongestDelay{100};

  Status submit(DecodeJob job) override;
  void drain() override;
  void hurry() override;
  Codec codec() const override;
  std::string_view engine() const override;
  void count_stage(const StageRun& run) override;

 private:
  // Shared with the thread, which outlives the session when the session's last picture is let go
  // by the thread itself.
  struct State;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_QUEUED_SESSION_H_
