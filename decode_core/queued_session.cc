#include "decode_core/queued_session.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "base/log.h"
#include "decode_core/picture.h"

namespace daedalus::core {

struct QueuedSession::State {
  explicit State(Parts parts_in) : parts(std::move(parts_in)) {}

  // Its end is told by whichever thread the decoder tells it on, but the job itself is let go by
  // the session's thread alone: its pictures may be the last owners of the session, and that of the
  // core with the decoder's threads.
  struct Submitted {
    explicit Submitted(DecodeJob job_in) : job(std::move(job_in)) {}
    const DecodeJob job;
    std::optional<DecodeOutcome> outcome{};
    bool ended = false;
  };

  Parts parts;
  std::mutex mutex;
  std::condition_variable changed;
  std::list<Submitted> queue;
  std::list<Submitted> under_way;  // taken from the queue, in its order
  bool telling = false;            // a thread is in done()'s loop
  bool stopping = false;
  int draining = 0;  // how many wait for the end of the queue

  void tell_depth();
  bool let_go_of_ended(std::unique_lock<std::mutex>& lock);
  void take_next(std::unique_lock<std::mutex>& lock);
  void await_successor(const DecodeJob& job, std::unique_lock<std::mutex>& lock);
  void begin(Submitted& job);
  void done(Submitted& job, DecodeOutcome outcome);
  void tell_end(const DecodeJob& job, DecodeOutcome outcome);
};

QueuedSession::QueuedSession(Parts parts)
    : state_(std::make_shared<State>(std::move(parts))),
      thread_([state = state_] { run(state); }) {}

QueuedSession::~QueuedSession() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  // Every queued job's target holds the session, so nothing is left in the queue here.
  if (std::this_thread::get_id() == thread_.get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

Status QueuedSession::submit(DecodeJob job) {
  if (Status status = validate(job); !status) return status;
  if (job.codec() != codec()) {
    return Error{ErrorCode::kInvalidArgument, "the job's codec is not the session's"};
  }
  // Let go with no lock held: their end may join their threads.
  std::shared_ptr<Session> former;
  std::shared_ptr<Session> former_of_display;
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->queue.size() < kMaxQueued; });
  try {
    state_->queue.emplace_back(std::move(job));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "no memory to queue a picture"};
  }
  const DecodeJob& queued = state_->queue.back().job;
  former = queued.target->begin(shared_from_this());
  if (queued.display != nullptr) former_of_display = queued.display->begin(shared_from_this());
  state_->tell_depth();
  state_->parts.decoder->expect(true);
  state_->changed.notify_all();
  return {};
}

void QueuedSession::drain() {
  std::unique_lock lock(state_->mutex);
  ++state_->draining;
  state_->changed.notify_all();
  state_->changed.wait(lock, [this] { return state_->queue.empty() && state_->under_way.empty(); });
  --state_->draining;
}

void QueuedSession::hurry() {
  std::lock_guard lock(state_->mutex);
  state_->changed.notify_all();
}

Codec QueuedSession::codec() const { return codec_of(state_->parts.config.profile); }

std::string_view QueuedSession::engine() const { return state_->parts.engine; }

void QueuedSession::count_stage(const StageRun& run) {
  Statistics& statistics = *state_->parts.statistics;
  statistics.count_stage(run.stage, run.substrate);
  if (run.gpu_failed) ++statistics.page().gpu_failures;
}

void QueuedSession::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    if (state->let_go_of_ended(lock)) continue;
    if (!state->queue.empty()) {
      state->take_next(lock);
    } else if (state->stopping && state->under_way.empty()) {
      return;
    } else {
      state->changed.wait(lock);
    }
  }
}

void QueuedSession::State::tell_depth() {
  const auto decoding = std::count_if(under_way.begin(), under_way.end(),
                                      [](const Submitted& job) { return !job.ended; });
  parts.statistics->page().queue_depth = queue.size() + static_cast<size_t>(decoding);
}

// False: there was none.
bool QueuedSession::State::let_go_of_ended(std::unique_lock<std::mutex>& lock) {
  if (under_way.empty() || !under_way.front().ended) return false;
  std::list<Submitted> ended;
  ended.splice(ended.begin(), under_way, under_way.begin());
  lock.unlock();
  ended.clear();
  lock.lock();
  changed.notify_all();
  return true;
}

void QueuedSession::State::take_next(std::unique_lock<std::mutex>& lock) {
  under_way.splice(under_way.end(), queue, queue.begin());
  Submitted& taken = under_way.back();
  parts.decoder->expect(!queue.empty());
  changed.notify_all();
  await_successor(taken.job, lock);
  lock.unlock();
  begin(taken);
  lock.lock();
}

void QueuedSession::State::await_successor(const DecodeJob& job,
                                           std::unique_lock<std::mutex>& lock) {
  if (queue.empty() && parts.decoder->wants_successor(job)) {
    changed.wait_for(lock, kLongestDelay, [&] {
      return stopping || draining != 0 || !queue.empty() || job.target->wanted() ||
             (job.display != nullptr && job.display->wanted());
    });
  }
  if (!queue.empty()) parts.decoder->foresee(job, queue.front().job);
}

void QueuedSession::State::begin(Submitted& job) {
  try {
    parts.decoder->begin(job.job,
                         [this, &job](DecodeOutcome outcome) { done(job, std::move(outcome)); });
  } catch (const std::bad_alloc&) {
    DecodeOutcome outcome;
    outcome.error = {ErrorCode::kOutOfMemory, "no memory to decode a picture"};
    done(job, std::move(outcome));
  }
}

// Ends are told in the order of submission, by one thread at a time. The state may be gone as soon
// as the last one is told and the lock released.
void QueuedSession::State::done(Submitted& job, DecodeOutcome outcome) {
  std::unique_lock lock(mutex);
  job.outcome = std::move(outcome);
  if (telling) return;
  telling = true;
  for (auto next = under_way.begin(); next != under_way.end(); ++next) {
    if (next->ended) continue;
    if (!next->outcome.has_value()) break;
    lock.unlock();
    tell_end(next->job, std::move(*next->outcome));
    lock.lock();
    next->ended = true;
    tell_depth();
    changed.notify_all();
  }
  telling = false;
}

void QueuedSession::State::tell_end(const DecodeJob& job, DecodeOutcome outcome) {
  StatisticsPage& page = parts.statistics->page();
  if (outcome.frame.has_value()) {
    page.width = outcome.frame->view.width;
    page.height = outcome.frame->view.height;
  } else {
    ++page.errors;
    log(LogLevel::kWarning, "a picture could not be decoded: %s", outcome.error.message.c_str());
  }
  page.concealed += outcome.late_concealed + (outcome.concealed ? 1 : 0);
  page.redecodes += outcome.redecoded;
  if (outcome.film_grain) parts.statistics->count_stage("film_grain", parts.engine);
  const bool is_new = job.field != FieldRole::kSecondField && outcome.frame.has_value();
  if (is_new) ++page.pictures;
  constexpr std::string_view kDecode = "decode";  // the stage that says who decoded
  if (is_new && outcome.failed_over) parts.statistics->count_stage(kDecode, "software");
  for (const StageRun& run : outcome.stages) {
    const bool told = outcome.failed_over && run.stage == kDecode;
    if (is_new && !told) parts.statistics->count_stage(run.stage, run.substrate);
    if (run.gpu_failed) ++page.gpu_failures;
  }
  if (parts.recorder != nullptr) {
    std::optional<FrameHash> hash;
    std::optional<FrameHash> display_hash;
    if (outcome.frame.has_value()) hash = hash_frame(outcome.frame->view);
    if (outcome.display.has_value()) display_hash = hash_frame(outcome.display->view);
    parts.recorder->write(page.session, parts.config.profile, job, hash, display_hash);
  }
  if (job.display != nullptr) {
    DecodeOutcome shown;
    shown.frame = std::move(outcome.display);
    shown.concealed = outcome.concealed;
    shown.error = outcome.error;
    job.display->complete(std::move(shown));
  }
  job.target->complete(std::move(outcome));
}

}  // namespace daedalus::core
