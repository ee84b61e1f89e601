#include "decode_core/picture.h"

#include <atomic>
#include <utility>

#include "decode_core/session.h"

namespace daedalus::core {
namespace {

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

Picture::Picture() : id_(next_id()) {}

Picture::Picture(FrameBuffer frame)
    : id_(next_id()), state_(State::kDone), frame_(std::move(frame)) {}

Picture::~Picture() = default;

Picture::State Picture::state() const {
  want();
  std::lock_guard lock(mutex_);
  return state_;
}

// Tells the session, once for each time that jobs become pending.
void Picture::want() const {
  std::shared_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    if (pending_ == 0 || std::exchange(wanted_, true)) return;
    session = session_;
  }
  if (session != nullptr) session->hurry();
}

bool Picture::wanted() const {
  std::lock_guard lock(mutex_);
  return wanted_;
}

bool Picture::concealed() const {
  std::lock_guard lock(mutex_);
  return concealed_;
}

Error Picture::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

std::optional<FrameBuffer> Picture::frame() const {
  std::lock_guard lock(mutex_);
  return state_ == State::kDone ? frame_ : std::nullopt;
}

bool Picture::wait(std::optional<Clock::time_point> deadline) const {
  want();
  std::unique_lock lock(mutex_);
  const auto idle = [this] { return pending_ == 0; };
  if (deadline.has_value()) return done_.wait_until(lock, *deadline, idle);
  done_.wait(lock, idle);
  return true;
}

void Picture::set_output_pass(const OutputPass& pass) {
  std::optional<FrameBuffer> frame;
  {
    std::lock_guard lock(mutex_);
    output_pass_ = pass;
    ++output_pass_changes_;
    if (state_ == State::kDone) frame = frame_;
  }
  if (frame.has_value() && pass) pass(*frame);
}

void Picture::set_destination(std::optional<Destination> destination) {
  std::lock_guard lock(mutex_);
  destination_.swap(destination);
}

std::optional<Destination> Picture::destination() const {
  std::lock_guard lock(mutex_);
  return destination_;
}

std::shared_ptr<Session> Picture::begin(std::shared_ptr<Session> session) {
  std::lock_guard lock(mutex_);
  ++pending_;
  state_ = State::kPending;
  session_.swap(session);
  return session;
}

void Picture::complete(DecodeOutcome outcome) {
  std::unique_lock lock(mutex_);
  // A second field that failed leaves the first field's pixels.
  if (outcome.frame.has_value()) {
    frame_ = std::move(outcome.frame);
    concealed_ = concealed_ || outcome.concealed;
  } else {
    concealed_ = concealed_ || frame_.has_value();
    error_ = std::move(outcome.error);
  }
  // The pass runs unlocked; one that was attached meanwhile must run too.
  uint64_t done_change = output_pass_changes_ - 1;
  while (output_pass_ && frame_.has_value() && done_change != output_pass_changes_) {
    done_change = output_pass_changes_;
    const OutputPass pass = output_pass_;
    const FrameBuffer frame = *frame_;
    lock.unlock();
    pass(frame);
    lock.lock();
  }
  if (--pending_ == 0) {
    wanted_ = false;
    state_ = frame_.has_value() ? State::kDone : State::kFailed;
    done_.notify_all();
  }
}

void Picture::note_concealed() {
  std::lock_guard lock(mutex_);
  concealed_ = true;
}

std::shared_ptr<Session> Picture::session() const {
  std::lock_guard lock(mutex_);
  return session_;
}

}  // namespace daedalus::core
