// The state machine of the stateful decoder: V4L2 "Memory-to-memory Stateful Video Decoder
// Interface", from Initialization to End of Stream.
#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "cuse_device/v4l2/picture_writer.h"
#include "cuse_device/v4l2/stateful_file.h"

namespace daedalus::v4l2 {
namespace {

// Stamps of packets without a picture go with the oldest.
constexpr size_t kMaxStamps = 1024;

// Whether CAPTURE can have buffers for it.
bool usable(const core::StreamFormat& format) {
  const auto fits = [](uint32_t size) { return size >= 1 && size <= core::kMaxDimension; };
  return fits(format.visible.width) && fits(format.visible.height) &&
         (format.bit_depth == 8 || format.bit_depth == 10);
}

constexpr uint32_t kCopiedFlags = V4L2_BUF_FLAG_TIMECODE | V4L2_BUF_FLAG_TSTAMP_SRC_MASK;

}  // namespace

void WorkSignal::raise() {
  std::lock_guard lock(mutex_);
  raised_ = true;
  condition_.notify_one();
}

void WorkSignal::set_due(Time due) {
  std::lock_guard lock(mutex_);
  due_ = due;
  condition_.notify_one();
}

void WorkSignal::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  condition_.notify_one();
}

WorkSignal::Woken WorkSignal::wait() {
  std::unique_lock lock(mutex_);
  while (!stopped_ && !raised_) {
    if (!due_) {
      condition_.wait(lock);
    } else if (std::chrono::steady_clock::now() < *due_) {
      condition_.wait_until(lock, *due_);
    } else {
      due_.reset();
      return Woken::kDue;
    }
  }
  if (stopped_) return Woken::kStopped;
  raised_ = false;
  return Woken::kRaised;
}

// False where the system has no thread left.
bool StatefulFile::start_thread() {
  if (thread_.joinable()) return true;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void StatefulFile::run() {
  for (auto woken = work_.wait(); woken != WorkSignal::Woken::kStopped; woken = work_.wait()) {
    for (bool more = true; more;) {
      Locked locked(*this);
      more = step();
      // Who waits for the format is answered with what there is.
      if (woken == WorkSignal::Woken::kDue) note_change();
    }
  }
}

// One move of the machine; false when there is nothing to do before the next signal.
bool StatefulFile::step() {
  if (!decoder_) return false;
  // Nothing goes back before the format that it told is announced: a client may have no other
  // buffer to wait with, and takes the POLLERR of idle queues for the end.
  const auto consumed = newest_consumed();
  const bool found = state_ == StatefulState::kInitialization && look_for_format();
  give_back(consumed);
  if (!looks_for_headers()) patience_ends_.reset();  // what is queued later gets its own
  if (found) return true;
  const bool fed = feed();
  switch (state_) {
    case StatefulState::kInitialization:
      return fed;
    case StatefulState::kCaptureSetup:
      return send_empty_last() || fed;
    case StatefulState::kDecoding:
      return advance_pictures() || fed;
    case StatefulState::kChanging:
      return fed;
    case StatefulState::kEnding:
    case StatefulState::kStopped:
      return send_empty_last();
  }
  return false;
}

std::optional<uint64_t> StatefulFile::newest_consumed() {
  std::optional<uint64_t> newest;
  while (const auto token = decoder_->pop_consumed()) newest = token;
  return newest;
}

// OUTPUT buffers up to that token, which the engine has taken in.
void StatefulFile::give_back(std::optional<uint64_t> consumed) {
  while (consumed && !in_flight_.empty() && in_flight_.front().first <= *consumed) {
    output_.done(in_flight_.front().second, BufferState::kDone);
    in_flight_.pop_front();
    note_change();
  }
}

// Gives OUTPUT buffers to the engine. While a drain is under way only those from before it.
bool StatefulFile::feed() {
  if (state_ == StatefulState::kEnding || state_ == StatefulState::kStopped) return false;
  bool fed = false;
  while (const auto buffer = output_.peek_queued()) {
    if (draining_ && buffer->queued_as >= drain_limit_) break;
    const uint64_t token = next_token_;
    if (!decoder_->push(buffer->payload(), token)) return fed;
    ++next_token_;
    stamps_[token] = {buffer->timestamp, buffer->flags & kCopiedFlags, buffer->timecode};
    if (stamps_.size() > kMaxStamps) stamps_.erase(stamps_.begin());
    in_flight_.emplace_back(token, output_.take_queued());
    fed = true;
  }
  if (draining_ && !drain_sent_) {
    decoder_->drain();
    drain_sent_ = true;
    fed = true;
  }
  return fed;
}

// Initialization, 4. Pictures that CAPTURE cannot have are passed over here, too, lest they keep
// the engine from going on.
bool StatefulFile::look_for_format() {
  auto format = decoder_->format();
  if (format && !usable(*format)) {
    held_ = pop_picture();
    format = held_ ? std::optional(held_->format) : std::nullopt;
  }
  if (format) {
    establish(*format, false);
    return true;
  }
  if (!draining_ || !drain_sent_ || !decoder_->drained()) return false;
  end_drain();  // nothing that could be decoded
  return true;
}

// The next picture that CAPTURE can have buffers for.
std::optional<core::StreamPicture> StatefulFile::pop_picture() {
  auto picture = decoder_->pop_picture();
  while (picture && !usable(picture->format)) picture = decoder_->pop_picture();
  return picture;
}

bool StatefulFile::changes_buffers(const core::StreamFormat& format) const {
  return format.visible.width != stream_->visible.width ||
         format.visible.height != stream_->visible.height || format.bit_depth != stream_->bit_depth;
}

// Queries describe `format` from now on, and the client hears of it. Unless it was given the last
// buffer before, CAPTURE gets one if it runs with buffers of another format; where a client was
// right about the format from the start, decoding goes on.
void StatefulFile::establish(const core::StreamFormat& format, bool last_was_sent) {
  const QueueFormat before = capture_.format();
  stream_ = format;
  pending_.reset();
  capture_.set_format(capture_format(before.fourcc));
  const QueueFormat& now = capture_.format();
  const bool suits =
      before.fourcc == now.fourcc && before.width == now.width && before.height == now.height;
  if (capture_.streaming() && suits && !last_was_sent) {
    state_ = StatefulState::kDecoding;
    capture_.clear_last_dequeued();
  } else {
    state_ = StatefulState::kCaptureSetup;
    empty_last_due_ = capture_.streaming() && !last_was_sent;
  }
  v4l2_event event{};
  event.type = V4L2_EVENT_SOURCE_CHANGE;
  event.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
  push_event(event);
  note_change();
}

// Decoding: writes the picture that is held, once it is known what follows.
bool StatefulFile::advance_pictures() {
  if (!held_) held_ = std::exchange(next_, std::nullopt);
  if (!held_) held_ = pop_picture();
  const bool all_out = draining_ && drain_sent_;
  if (!held_) {
    if (!all_out || !decoder_->drained()) return false;
    end_drain();
    return true;
  }
  if (changes_buffers(held_->format)) {  // no older picture waits
    establish(held_->format, false);
    return true;
  }
  if (!next_) next_ = pop_picture();
  if (next_) return deliver(changes_buffers(next_->format));
  return all_out && decoder_->drained() && deliver(true);
}

// Writes the held picture into the next CAPTURE buffer; false where there is none.
bool StatefulFile::deliver(bool last) {
  if (capture_stopping_) return false;
  const auto buffer = take_capture();
  if (!buffer) return false;
  const core::StreamPicture picture = std::move(*held_);
  held_.reset();
  const QueueFormat before = capture_.format();
  stream_ = picture.format;  // colour and cropping may differ
  capture_.set_format(capture_format(before.fourcc));
  const QueueFormat layout = capture_.format();
  if (last) {
    state_ = next_ ? StatefulState::kChanging : StatefulState::kEnding;
    if (next_) {
      pending_ = next_->format;
    } else {
      draining_ = false;
      end_told_ = false;
    }
  }

  writing_ = true;
  mutex_.unlock();
  // Not where the buffer is too small: it was queued before the format changed.
  const auto written = write_picture(*core_, picture.frame.view, picture.format.visible, layout,
                                     core::PassThreads::kCaller, buffer.get());
  mutex_.lock();
  writing_ = false;
  idle_.notify_all();
  if (written && decoder_) decoder_->count_stage(*written);

  buffer->flags = (picture.keyframe ? V4L2_BUF_FLAG_KEYFRAME : 0u) |
                  (last ? static_cast<uint32_t>(V4L2_BUF_FLAG_LAST) : 0u);
  buffer->field = V4L2_FIELD_NONE;
  if (const auto stamp = stamps_.find(picture.token); stamp != stamps_.end()) {
    buffer->timestamp = stamp->second.timestamp;
    buffer->flags |= stamp->second.flags;
    buffer->timecode = stamp->second.timecode;
  }
  for (size_t i = 0; i < buffer->planes.size(); ++i) {
    buffer->planes[i].bytes_used = written ? layout.sizes[i] : 0;
  }
  capture_.done(buffer,
                written.has_value() && !picture.damaged ? BufferState::kDone : BufferState::kError);
  tell_end(capture_.last_is_next());
  note_change();
  return true;
}

// The next CAPTURE buffer; where there is none, the next QBUF wakes the thread.
std::shared_ptr<Buffer> StatefulFile::take_capture() {
  auto buffer = capture_.take_warmest();
  starved_ = buffer == nullptr;
  return buffer;
}

// A last buffer without a picture.
bool StatefulFile::send_empty_last() {
  if (!empty_last_due_) return false;
  const auto buffer = take_capture();
  if (!buffer) return false;
  empty_last_due_ = false;
  buffer->flags = V4L2_BUF_FLAG_LAST;
  for (BufferPlane& plane : buffer->planes) plane.bytes_used = 0;
  capture_.done(buffer, BufferState::kDone);
  tell_end(capture_.last_is_next());
  note_change();
  return true;
}

// Once, where a drain is ending and `now`.
void StatefulFile::tell_end(bool now) {
  if (!now || state_ != StatefulState::kEnding || end_told_) return;
  end_told_ = true;
  v4l2_event event{};
  event.type = V4L2_EVENT_EOS;
  push_event(event);
}

// A drain that has no picture to show as its last. A client that has not started CAPTURE learns of
// the end by the event alone.
void StatefulFile::end_drain() {
  draining_ = false;
  state_ = StatefulState::kEnding;
  end_told_ = false;
  empty_last_due_ = capture_.streaming();
  if (!empty_last_due_) last_dequeued();
}

// Drain, 2, and Dynamic Resolution Change: the client has the buffer marked as the last.
void StatefulFile::last_dequeued() {
  switch (state_) {
    case StatefulState::kChanging:
      establish(*pending_, true);
      break;
    case StatefulState::kEnding:
      tell_end(true);
      state_ = StatefulState::kStopped;
      break;
    case StatefulState::kCaptureSetup:
    case StatefulState::kStopped:
      break;
    default:
      capture_.clear_last_dequeued();
      break;  // what it ended was left by a seek
  }
  note_change();
}

int StatefulFile::start() {
  const bool setup = state_ == StatefulState::kCaptureSetup;
  if (draining_ && !setup) return EBUSY;
  if (state_ == StatefulState::kEnding || state_ == StatefulState::kChanging) return EBUSY;
  if (state_ == StatefulState::kStopped || (setup && capture_.streaming())) resume();
  return 0;
}

void StatefulFile::resume() {
  state_ = stream_ ? StatefulState::kDecoding : StatefulState::kInitialization;
  empty_last_due_ = false;
  capture_.clear_last_dequeued();
}

// Drain, 1. It begins whenever OUTPUT streams, also before CAPTURE does: the format of a short
// stream may only come out with its end.
int StatefulFile::stop() {
  if (draining_ || state_ == StatefulState::kEnding) return EBUSY;
  if (state_ == StatefulState::kStopped || !output_.streaming()) return 0;
  draining_ = true;
  drain_sent_ = false;
  drain_limit_ = output_.queued_so_far();
  return 0;
}

// Seek, 1: what was queued and not shown is dropped, a drain is left.
void StatefulFile::stop_output() {
  in_flight_.clear();
  stamps_.clear();
  held_.reset();
  next_.reset();
  draining_ = false;
  patience_ends_.reset();
  if (decoder_) decoder_->flush();
}

// What of the sequences the client was in when it stopped CAPTURE is over with that.
void StatefulFile::stop_capture() {
  empty_last_due_ = false;
  switch (state_) {
    case StatefulState::kChanging:
      establish(*pending_, true);
      break;
    case StatefulState::kEnding:
      state_ = StatefulState::kStopped;
      break;
    case StatefulState::kDecoding:
      draining_ = false;
      break;
    default:
      break;
  }
}

// Back to Initialization, with another engine.
void StatefulFile::forget_stream() {
  stop_output();
  decoder_.reset();
  stream_.reset();
  pending_.reset();
  empty_last_due_ = false;
  state_ = StatefulState::kInitialization;
  if (!capture_.busy()) capture_.set_format(capture_format(capture_.format().fourcc));
}

}  // namespace daedalus::v4l2
