// From the queues of the stateless decoder to the core's jobs and back (V4L2 "Memory-to-memory
// Stateless Video Decoder Interface", Decoding; v4l2-mem2mem.c for held CAPTURE buffers).
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "cuse_device/v4l2/picture_writer.h"
#include "cuse_device/v4l2/stateless_file.h"

namespace daedalus::v4l2 {
namespace {

// As v4l2_timeval_to_ns.
uint64_t nanoseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u +
         static_cast<uint64_t>(time.tv_usec) * 1000u;
}

// As v4l2_m2m_buf_copy_metadata.
void copy_metadata(const Buffer& from, Buffer* to) {
  constexpr uint32_t kFlags = V4L2_BUF_FLAG_TIMECODE | V4L2_BUF_FLAG_KEYFRAME |
                              V4L2_BUF_FLAG_PFRAME | V4L2_BUF_FLAG_BFRAME |
                              V4L2_BUF_FLAG_TSTAMP_SRC_MASK;
  to->timestamp = from.timestamp;
  to->timecode = from.timecode;
  to->field = from.field;
  to->flags = (to->flags & ~kFlags) | (from.flags & kFlags);
}

bool holds(const Buffer& output) {
  return (output.flags & V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) != 0;
}

// False where the picture would become too large.
bool append_slices(const core::DecodeJob& from, core::DecodeJob* to) {
  if (from.bitstream.size() > core::kMaxCodedBytes - to->bitstream.size() ||
      from.slices.size() > core::kMaxSlices - to->slices.size()) {
    return false;
  }
  const auto before = static_cast<uint32_t>(to->bitstream.size());
  to->bitstream.insert(to->bitstream.end(), from.bitstream.begin(), from.bitstream.end());
  for (const core::ByteRange& slice : from.slices) {
    to->slices.push_back({before + slice.offset, slice.size});
  }
  if (const auto* hevc = std::get_if<core::HevcParameters>(&from.parameters)) {
    auto& slices = std::get<core::HevcParameters>(to->parameters).slices;
    slices.insert(slices.end(), hevc->slices.begin(), hevc->slices.end());
  }
  return true;
}

}  // namespace

void StatelessFile::pump() {
  while (stopping_ == 0 && in_flight_.size() < kMaxInFlight && submit_next()) {
  }
}

// The next OUTPUT buffer, if it and a CAPTURE buffer are there.
bool StatelessFile::submit_next() {
  const auto next = output_.peek_queued();
  if (!next) return false;
  if (held_ && held_->timestamp != nanoseconds(next->timestamp)) release_held();
  if (!held_ && !capture_.peek_queued()) return false;

  const auto output = output_.take_queued();
  std::erase_if(retired_, [&](const Retired& old) { return old.until <= output->queued_as; });
  if (output->request) {
    controls_.apply(output->request->values(handle_));
    output->request->keep(handle_, controls_.values());
  }
  std::optional<Held> joined = std::exchange(held_, std::nullopt);
  Held now;
  now.capture = joined ? joined->capture : capture_.take_queued();
  now.timestamp = nanoseconds(output->timestamp);
  copy_metadata(*output, now.capture.get());
  const bool submitted = output->request ? submit(*output, std::move(joined), &now)
                                         : submit_self_contained(*output, &now);
  show(now);

  // Slices that wait for more are done with: they are copied.
  const auto& picture = now.slices ? nullptr : now.shown();
  land({output, holds(*output) ? nullptr : now.capture, picture, !submitted});
  if (holds(*output)) held_ = std::move(now);
  return true;
}

// Makes `output` a job for now->capture, or a part of one: of slice-based H.264 and HEVC the slices
// of a picture are gathered until one comes that does not hold the CAPTURE buffer. False where
// something went wrong; now->picture may be null then.
bool StatelessFile::submit(const Buffer& output, std::optional<Held> joined, Held* now) {
  const bool gathering = joined && joined->slices;
  auto built = build_job(
      coded_format().codec, controls_.values(), output.payload(),
      [this](uint64_t timestamp) { return find_picture(timestamp); },
      gathering ? &joined->slices->job : nullptr);
  if (!built.ok()) log(LogLevel::kWarning, "V4L2: %s", built.error().message.c_str());
  bool taken = built.ok();
  if (gathering && (!built.ok() || built->parity == joined->parity)) {
    if (taken) taken = append_slices(built->job, &joined->slices->job);
    *now = std::move(*joined);
  } else {
    if (gathering) submit_slices(&*joined);  // the first field is whole
    if (built.ok()) {
      aim(&*built, joined, now);
    } else if (joined) {
      now->picture = joined->picture;
      now->display = joined->display;
    }
  }
  const bool submitted = (holds(output) && slice_based()) || !now->slices || submit_slices(now);
  return taken && submitted;
}

// Gives the job its target and its role. A second field's first is in the CAPTURE buffer, whether
// that was held back or queued once more.
void StatelessFile::aim(StatelessJob* built, const std::optional<Held>& joined, Held* now) const {
  core::DecodeJob& job = built->job;
  const bool field = built->parity != Parity::kFrame;
  const Shown first =
      joined ? Shown{joined->timestamp, joined->picture, joined->parity, joined->complete}
             : shown_[now->capture->index];
  const bool second = field && first.picture && first.timestamp == now->timestamp &&
                      !first.complete && first.parity != Parity::kFrame &&
                      first.parity != built->parity;
  if (field) job.field = second ? core::FieldRole::kSecondField : core::FieldRole::kFirstField;
  job.target = second ? first.picture : std::make_shared<core::Picture>();
  now->picture = job.target;
  now->display = job.display;
  now->parity = built->parity;
  now->complete = second;
  now->slices = std::move(*built);
}

bool StatelessFile::slice_based() const {
  const auto mode = [this](uint32_t id) { return controls_.values().integer(id); };
  switch (coded_format().codec) {
    case core::Codec::kH264:
      return mode(V4L2_CID_STATELESS_H264_DECODE_MODE) ==
             V4L2_STATELESS_H264_DECODE_MODE_SLICE_BASED;
    case core::Codec::kHevc:
      return mode(V4L2_CID_STATELESS_HEVC_DECODE_MODE) ==
             V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED;
    default:
      return false;
  }
}

bool StatelessFile::submit_slices(Held* held) {
  StatelessJob whole = *std::exchange(held->slices, std::nullopt);
  return submit_job(std::move(whole.job), whole.profile);
}

// The same for a buffer without request.
bool StatelessFile::submit_self_contained(const Buffer& output, Held* now) {
  auto frame = self_contained_.parse(coded_format().codec, output.payload());
  if (!frame.ok()) {
    log(LogLevel::kWarning, "V4L2: %s", frame.error().message.c_str());
    return false;
  }
  now->picture = frame->picture;
  bool submitted = true;
  for (core::DecodeJob& job : frame->jobs) {
    submitted = submit_job(std::move(job), frame->profile) && submitted;
  }
  return submitted;
}

bool StatelessFile::submit_job(core::DecodeJob job, core::Profile profile) {
  session_ = core::session_for(job, session_);
  if (!session_) {
    const QueueFormat& format = output_.format();
    auto opened = core_->open_session({profile, format.width, format.height, "v4l2-request"});
    if (!opened.ok()) {
      log(LogLevel::kError, "V4L2: %s", opened.error().message.c_str());
      return false;
    }
    session_ = std::move(*opened);
  }
  const Status status = session_->submit(std::move(job));
  if (!status.ok()) log(LogLevel::kWarning, "V4L2: %s", status.error().message.c_str());
  return status.ok();
}

// As vb2_find_buffer: the first that has it.
std::shared_ptr<core::Picture> StatelessFile::find_picture(uint64_t timestamp) const {
  for (const Shown& shown : shown_) {
    if (shown.picture && shown.timestamp == timestamp) return shown.picture;
  }
  for (const Retired& old : retired_) {
    if (old.shown.timestamp == timestamp) return old.shown.picture;
  }
  return nullptr;
}

// The CAPTURE buffer has this picture from now on.
void StatelessFile::show(const Held& now) {
  Shown& shown = shown_[now.capture->index];
  if (shown.picture && shown.picture != now.picture) {
    retired_.push_back({std::move(shown), queued_at_[now.capture->index]});
  }
  shown = {now.timestamp, now.picture, now.parity, now.complete};
}

// No more fields come for the CAPTURE buffer that is held back.
void StatelessFile::release_held() {
  Held held = *std::exchange(held_, std::nullopt);
  const bool submitted = !held.slices || submit_slices(&held);
  land({nullptr, held.capture, held.shown(), !submitted});
}

void StatelessFile::land(Flight flight) {
  in_flight_.push_back(std::move(flight));
  work_.notify_one();
}

void StatelessFile::run() {
  for (;;) {
    Flight flight;
    QueueFormat layout;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return closing_ || !in_flight_.empty(); });
      if (in_flight_.empty()) return;
      flight = in_flight_.front();
      layout = capture_.format();  // stays, for there are buffers
    }
    const Outcome outcome = finish(flight, layout);
    Locked locked(*this);
    give_back(flight, layout, outcome);
    in_flight_.pop_front();
    if (in_flight_.empty()) idle_.notify_all();
    pump();
  }
}

// Waits for the picture and writes it, with no lock held.
StatelessFile::Outcome StatelessFile::finish(const Flight& flight,
                                             const QueueFormat& layout) const {
  Outcome outcome;
  if (!flight.picture) {
    outcome.good = !flight.failed && !flight.capture;
    return outcome;
  }
  flight.picture->wait();
  const auto frame = flight.picture->frame();
  if (!frame) return outcome;
  if (flight.capture) {
    const core::Rect all{0, 0, layout.width, layout.height};
    const auto run = write_picture(*core_, frame->view, all, layout, core::PassThreads::kWorkers,
                                   flight.capture.get());
    outcome.written = run.has_value();
    const auto session = flight.picture->session();
    if (run && session) session->count_stage(*run);
  }
  const bool lost = flight.capture && !outcome.written;
  outcome.good = !lost && !flight.failed && !flight.picture->concealed();
  return outcome;
}

// Both buffers have the same state, as the drivers do (v4l2_m2m_buf_done_and_job_finish).
void StatelessFile::give_back(const Flight& flight, const QueueFormat& layout,
                              const Outcome& outcome) {
  const BufferState state = outcome.good ? BufferState::kDone : BufferState::kError;
  if (flight.output) output_.done(flight.output, state);
  if (flight.capture) {
    for (size_t i = 0; i < flight.capture->planes.size(); ++i) {
      flight.capture->planes[i].bytes_used = outcome.written ? layout.sizes[i] : 0;
    }
    capture_.done(flight.capture, state);
  }
  note_change();
}

}  // namespace daedalus::v4l2
