// StatefulFile: one open file of the stateful decoder: one stream.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_FILE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_FILE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "cuse_device/v4l2/stateful_device.h"
#include "cuse_device/v4l2/stateful_formats.h"
#include "cuse_device/v4l2/video_file.h"
#include "decode_core/core.h"
#include "decode_core/stream/stream_decoder.h"

namespace daedalus::v4l2 {

// Where the state machine of the kernel's document stands. A drain runs beside it (draining_).
enum class StatefulState : uint8_t {
  kInitialization,  // the stream's format is not known
  kCaptureSetup,    // it is; the client is to start CAPTURE, or to go on with DEC_CMD_START
  kDecoding,
  kChanging,  // the last picture of the old format is out, with V4L2_BUF_FLAG_LAST, not dequeued
  kEnding,    // the last picture of a drain is, likewise
  kStopped,   // the client has it
};

// Wakes the file's thread; has a lock of its own so that anybody may raise it.
class WorkSignal {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Woken : uint8_t { kRaised, kDue, kStopped };
  void raise();
  // wait() returns kDue, once, when that time has come. Takes the place of the one before.
  void set_due(Time due);
  void stop();
  Woken wait();

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  std::optional<Time> due_;
  bool raised_ = false;
  bool stopped_ = false;
};

// One thread a file moves buffers between the queues and the engine; it writes pictures into
// CAPTURE buffers with no lock held. Locks: mutex_ → the engine's and the signal's own.
//
// One picture is always held back until it is known what follows it: the last one before a change
// or the end of a drain carries V4L2_BUF_FLAG_LAST itself, because stock clients take the empty
// buffer that the document allows for a picture. They look at events before they dequeue, and at
// EOS they dequeue once more, at SOURCE_CHANGE not: so EOS is sent when that last buffer is the
// next to be dequeued, SOURCE_CHANGE when it has been.
class StatefulFile final : public VideoFile {
 public:
  StatefulFile(std::shared_ptr<core::Core> core, std::shared_ptr<Priorities> priorities,
               StatefulDevice::MakeDecoder make_decoder, bool user_pointers, bool av1);
  ~StatefulFile() override;

 private:
  // Formats: stateful_file.cc.
  int enum_fmt(v4l2_fmtdesc& description, Client& client) override;
  int g_fmt(v4l2_format& format, Client& client) override;
  int try_fmt(v4l2_format& format, Client& client) override;
  int s_fmt(v4l2_format& format, Client& client) override;
  int enum_framesizes(v4l2_frmsizeenum& sizes, Client& client) override;
  int g_selection(v4l2_selection& selection, Client& client) override;
  int s_selection(v4l2_selection& selection, Client& client) override;
  // Streaming: stateful_file.cc.
  int reqbufs(v4l2_requestbuffers& request, Client& client) override;
  int qbuf(v4l2_buffer& buffer, Client& client) override;
  int dqbuf(v4l2_buffer& buffer, Client& client) override;
  int streamon(int& type, Client& client) override;
  int streamoff(int& type, Client& client) override;
  int try_decoder_cmd(v4l2_decoder_cmd& command, Client& client) override;
  int decoder_cmd(v4l2_decoder_cmd& command, Client& client) override;
  bool has_event(uint32_t type) const override;

  const CodedFormat* find_coded_format(uint32_t fourcc) const;
  const CodedFormat& coded_format() const { return *find_coded_format(output_.format().fourcc); }
  bool offers(const RawFormat& format) const;
  QueueFormat fitted_format(const v4l2_format& format) const;
  QueueFormat capture_format(uint32_t fourcc) const;
  core::Rect visible() const;
  bool looks_for_headers() const;
  int wait_for_headers();

  // The state machine: stateful_decoding.cc. mutex_ is held.
  void run();
  bool start_thread();
  bool step();
  std::optional<uint64_t> newest_consumed();
  void give_back(std::optional<uint64_t> consumed);
  bool feed();
  bool look_for_format();
  bool advance_pictures();
  std::optional<core::StreamPicture> pop_picture();
  bool changes_buffers(const core::StreamFormat& format) const;
  void establish(const core::StreamFormat& format, bool last_was_sent);
  bool deliver(bool last);
  bool send_empty_last();
  std::shared_ptr<Buffer> take_capture();
  void end_drain();
  void last_dequeued();
  void tell_end(bool now);
  int start();
  int stop();
  void resume();
  void stop_output();
  void stop_capture();
  void forget_stream();

  // Of an OUTPUT buffer, for the pictures that come of it.
  struct Stamp {
    timeval timestamp;
    uint32_t flags;
    v4l2_timecode timecode;
  };

  const std::shared_ptr<core::Core> core_;
  const StatefulDevice::MakeDecoder make_decoder_;
  const std::vector<core::ProfileCapability> capabilities_;
  const std::vector<CodedFormat> coded_formats_;

  WorkSignal work_;
  std::condition_variable_any idle_;  // writing_ ended
  StatefulState state_ = StatefulState::kInitialization;
  std::unique_ptr<core::StreamDecoder> decoder_;
  std::optional<core::StreamFormat> stream_;   // what queries describe
  std::optional<core::StreamFormat> pending_;  // kChanging: what they will
  std::optional<core::StreamPicture> held_;
  std::optional<core::StreamPicture> next_;
  bool writing_ = false;         // the thread writes a picture
  int capture_stopping_ = 0;     // STREAMOFFs that wait for that
  bool end_told_ = false;        // kEnding: EOS was sent
  bool empty_last_due_ = false;  // kCaptureSetup, and after a drain without pictures
  // Until when somebody who asked for the format waits for headers in what is queued.
  std::optional<WorkSignal::Time> patience_ends_;
  bool starved_ = false;      // the thread has found no CAPTURE buffer for what it has
  bool draining_ = false;     // from DEC_CMD_STOP until the last buffer is out
  bool drain_sent_ = false;   // to the engine
  uint64_t drain_limit_ = 0;  // Buffer::queued_as from which on buffers wait for a restart
  uint64_t next_token_ = 0;
  std::deque<std::pair<uint64_t, std::shared_ptr<Buffer>>> in_flight_;  // OUTPUT, by token
  std::map<uint64_t, Stamp> stamps_;                                    // by token
  std::thread thread_;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATEFUL_FILE_H_
