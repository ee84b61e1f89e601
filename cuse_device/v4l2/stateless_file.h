// StatelessFile: one open file of the stateless decoder: one chain of pictures.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_FILE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_FILE_H_

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "cuse_device/v4l2/request.h"
#include "cuse_device/v4l2/self_contained_frames.h"
#include "cuse_device/v4l2/stateless_device.h"
#include "cuse_device/v4l2/stateless_formats.h"
#include "cuse_device/v4l2/stateless_jobs.h"
#include "cuse_device/v4l2/video_file.h"
#include "decode_core/core.h"
#include "decode_core/picture.h"
#include "decode_core/session.h"

namespace daedalus::v4l2 {

// Whoever makes the last of an OUTPUT buffer, its CAPTURE buffer and a running queue available
// submits the job, with the file's lock held; the file's thread waits for the pictures in the order
// of their jobs, writes them into the CAPTURE buffers with no lock held and gives both buffers
// back. Locks: the handle's → mutex_ → a request's; mutex_ → the session's own.
//
// References are the core's pictures, found by the timestamps that were copied to CAPTURE buffers;
// the buffers' memory is only ever written.
class StatelessFile final : public VideoFile, public RequestFile {
 public:
  StatelessFile(std::shared_ptr<core::Core> core, std::shared_ptr<Priorities> priorities,
                const StatelessDevice::Options& options);
  ~StatelessFile() override;

  // Most jobs that were submitted and are not given back.
  static constexpr size_t kMaxInFlight = 16;

 private:
  VideoFile::Config make_config(const StatelessDevice::Options& options, core::Core& core);
  // Formats: stateless_file.cc.
  int enum_fmt(v4l2_fmtdesc& description, Client& client) override;
  int try_fmt(v4l2_format& format, Client& client) override;
  int s_fmt(v4l2_format& format, Client& client) override;
  int enum_framesizes(v4l2_frmsizeenum& sizes, Client& client) override;
  // Controls: stateless_requests.cc.
  int g_ext_ctrls(v4l2_ext_controls& controls, Client& client) override;
  int s_ext_ctrls(v4l2_ext_controls& controls, Client& client) override;
  int try_ext_ctrls(v4l2_ext_controls& controls, Client& client) override;
  // Streaming: stateless_file.cc.
  int reqbufs(v4l2_requestbuffers& request, Client& client) override;
  int qbuf(v4l2_buffer& buffer, Client& client) override;
  int streamon(int& type, Client& client) override;
  int streamoff(int& type, Client& client) override;
  int try_decoder_cmd(v4l2_decoder_cmd& command, Client& client) override;
  int decoder_cmd(v4l2_decoder_cmd& command, Client& client) override;

  const StatelessFormat* find_coded_format(uint32_t fourcc) const;
  const StatelessFormat& coded_format() const {
    return *find_coded_format(output_.format().fourcc);
  }
  bool offers(const RawFormat& format) const;
  QueueFormat capture_format(uint32_t fourcc) const;
  QueueFormat fitted_format(const v4l2_format& format) const;

  // Requests: stateless_requests.cc.
  int queue_request(const std::shared_ptr<Request>& request) override;
  void unbind(const std::shared_ptr<Buffer>& buffer) override;
  std::shared_ptr<Request> find_request(int request_fd, Client& client) const;
  void take_out(const std::shared_ptr<Request>& request, const std::shared_ptr<Buffer>& buffer);
  bool has_controls(const ControlValues& request) const;

  // Decoding: stateless_decoding.cc. mutex_ is held but where said.
  //
  // What was submitted and is to be given back, in this order.
  struct Flight {
    std::shared_ptr<Buffer> output;          // null: only a held CAPTURE buffer is given back
    std::shared_ptr<Buffer> capture;         // null: it stays with the decoder
    std::shared_ptr<core::Picture> picture;  // null: there is none, or not yet
    bool failed = false;                     // there was no job
  };
  struct Outcome {
    bool written = false;  // the picture is in the CAPTURE buffer
    bool good = false;     // nothing went wrong
  };
  // The CAPTURE buffer that an OUTPUT buffer with V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF left behind.
  struct Held {
    std::shared_ptr<Buffer> capture;
    std::shared_ptr<core::Picture> picture;
    std::shared_ptr<core::Picture> display;  // DecodeJob::display
    uint64_t timestamp = 0;                  // ns
    Parity parity = Parity::kFrame;
    bool complete = false;               // both fields are there
    std::optional<StatelessJob> slices;  // for the picture, not submitted: more are to come

    // What the CAPTURE buffer gets.
    const std::shared_ptr<core::Picture>& shown() const { return display ? display : picture; }
  };
  // What of a CAPTURE buffer references are found by; it outlasts QBUF and DQBUF.
  struct Shown {
    uint64_t timestamp = 0;  // ns
    std::shared_ptr<core::Picture> picture;
    Parity parity = Parity::kFrame;
    bool complete = false;  // both fields are there
  };
  // One that a later picture took the buffer of. OUTPUT buffers that were queued before the CAPTURE
  // buffer was may still refer to it ("Decoding": such buffers may be queued again as soon as all
  // that depends on them is).
  struct Retired {
    Shown shown;
    uint64_t until = 0;  // Buffer::queued_as of the first OUTPUT buffer that was not
  };
  void pump();
  bool submit_next();
  bool submit(const Buffer& output, std::optional<Held> joined, Held* now);
  void aim(StatelessJob* built, const std::optional<Held>& joined, Held* now) const;
  bool slice_based() const;
  bool submit_slices(Held* held);
  bool submit_self_contained(const Buffer& output, Held* now);
  bool submit_job(core::DecodeJob job, core::Profile profile);
  std::shared_ptr<core::Picture> find_picture(uint64_t timestamp) const;
  void show(const Held& now);
  void release_held();
  void land(Flight flight);
  bool start_thread();
  void run();
  Outcome finish(const Flight& flight, const QueueFormat& layout) const;  // unlocked
  void give_back(const Flight& flight, const QueueFormat& layout, const Outcome& outcome);

  const std::shared_ptr<core::Core> core_;
  const StatelessDevice::Options options_;
  const std::vector<StatelessFormat> coded_formats_;
  const Request::FilePtr handle_;

  std::set<uint32_t> promised_;  // controls of requests that were queued
  std::shared_ptr<core::Session> session_;
  SelfContainedFrames self_contained_;
  std::deque<Flight> in_flight_;
  std::optional<Held> held_;
  std::array<Shown, BufferQueue::kMaxBuffers> shown_;           // by index of the CAPTURE buffer
  std::array<uint64_t, BufferQueue::kMaxBuffers> queued_at_{};  // OUTPUT QBUFs before CAPTURE's
  std::deque<Retired> retired_;
  int stopping_ = 0;  // STREAMOFFs that wait for in_flight_, and the end of the file
  bool closing_ = false;
  std::condition_variable_any work_;  // in_flight_ has some, or closing_
  std::condition_variable_any idle_;  // in_flight_ has none
  std::thread thread_;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_FILE_H_
