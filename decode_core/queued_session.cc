#include "decode_core/queued_session.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <utility>

#include "base/log.h"
#include "decode_core/picture.h"

namespace daedalus::core {

struct QueuedSession::State {
  explicit State(Parts parts_in) : parts(std::move(parts_in)) {}

  Parts parts;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<DecodeJob> queue;  // its first entry may be in decoding
  bool decoding = false;
  bool stopping = false;
  int draining = 0;  // how many wait for the end of the queue

  void await_successor(const DecodeJob& job, std::unique_lock<std::mutex>& lock);
  void decode(const DecodeJob& job);
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
    state_->queue.push_back(std::move(job));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "no memory to queue a picture"};
  }
  const DecodeJob& queued = state_->queue.back();
  former = queued.target->begin(shared_from_this());
  if (queued.display != nullptr) former_of_display = queued.display->begin(shared_from_this());
  state_->parts.statistics->page().queue_depth = state_->queue.size();
  state_->changed.notify_all();
  return {};
}

void QueuedSession::drain() {
  std::unique_lock lock(state_->mutex);
  ++state_->draining;
  state_->changed.notify_all();
  state_->changed.wait(lock, [this] { return state_->queue.empty() && !state_->decoding; });
  --state_->draining;
}

void QueuedSession::hurry() {
  std::lock_guard lock(state_->mutex);
  state_->changed.notify_all();
}

Codec QueuedSession::codec() const { return codec_of(state_->parts.config.profile); }

std::string_view QueuedSession::engine() const { return state_->parts.engine; }

void QueuedSession::count_stage(std::string_view stage, std::string_view substrate) {
  state_->parts.statistics->count_stage(stage, substrate);
}

void QueuedSession::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock, [&] { return state->stopping || !state->queue.empty(); });
    if (state->queue.empty()) return;
    {
      const DecodeJob job = std::move(state->queue.front());
      state->queue.pop_front();
      state->parts.statistics->page().queue_depth = state->queue.size();
      state->decoding = true;
      state->changed.notify_all();
      state->await_successor(job, lock);
      lock.unlock();
      state->decode(job);
      // The job ends here, unlocked: its pictures may be the last owners of the session.
    }
    lock.lock();
    state->decoding = false;
    state->changed.notify_all();
  }
}

void QueuedSession::State::await_successor(const DecodeJob& job,
                                           std::unique_lock<std::mutex>& lock) {
  if (queue.empty() && parts.decoder->wants_successor(job)) {
    changed.wait_for(lock, kLongestDelay, [&] {
      return stopping || draining != 0 || !queue.empty() || job.target->wanted() ||
             (job.display != nullptr && job.display->wanted());
    });
  }
  if (!queue.empty()) parts.decoder->foresee(job, queue.front());
}

void QueuedSession::State::decode(const DecodeJob& job) {
  DecodeOutcome outcome;
  try {
    outcome = parts.decoder->decode(job);
  } catch (const std::bad_alloc&) {
    outcome = {};
    outcome.error = {ErrorCode::kOutOfMemory, "no memory to decode a picture"};
  }
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
  if (job.field != FieldRole::kSecondField && outcome.frame.has_value()) ++page.pictures;
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
