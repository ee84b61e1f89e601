// Picture: the identity of one decoded picture, from the client's request to the last reference.
#ifndef DAEDALUS_DECODE_CORE_PICTURE_H_
#define DAEDALUS_DECODE_CORE_PICTURE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/image.h"

namespace daedalus::core {

class Session;
class SurfaceMemory;

// Where the pixels of a picture are wanted: the memory of an exported surface.
struct Destination {
  std::shared_ptr<SurfaceMemory> memory;
  LinearLayout layout;
  uint32_t width = 0;  // luma samples
  uint32_t height = 0;
};

// A stage of gpu_kernels and what did it, as Session::count_stage and StreamDecoder::count_stage
// take them; both names live for ever.
struct StageRun {
  std::string_view stage;      // "mc"
  std::string_view substrate;  // "NEON", "scalar", "vulkan", …
  // The GPU was to do it and failed; `substrate` did it in its place.
  bool gpu_failed = false;
};

// What decoding a job came to.
struct DecodeOutcome {
  // Absent where there are no pixels; `error` then says why.
  std::optional<FrameBuffer> frame;
  // The pixels of DecodeJob::display; absent where it is null or `frame` is absent.
  std::optional<FrameBuffer> display{};
  // Pixels are there but some were made up (damaged or lost slices, a missing reference).
  bool concealed = false;
  // It was a device that failed, and not the bitstream or an earlier picture's damage.
  bool device_error = false;
  // Earlier pictures of which this call revealed the same; they were told (note_concealed).
  uint32_t late_concealed = 0;
  // Earlier pictures that had to be decoded once more for this one.
  uint32_t redecoded = 0;
  // Software decoded it, behind hardware that failed.
  bool failed_over = false;
  // `display` has film grain, which the engine has added to its samples.
  bool film_grain = false;
  // The kernels that the engine ran, for the statistics; of the engine, as long as it lives.
  std::span<const StageRun> stages{};
  Error error{};
};

// Created by a front for each picture it asks for; shared by the surface that shows it, the jobs
// that fill or read it and the engine's decoder. Thread-safe.
class Picture {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State : uint8_t {
    kEmpty,    // nothing was asked yet
    kPending,  // a job is under way
    kDone,     // pixels, concealed or not
    kFailed,   // no pixels
  };

  Picture();
  // A picture that is complete from the start (PutImage).
  explicit Picture(FrameBuffer frame);
  ~Picture();
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;

  // Unique in the process, never 0, never reused.
  uint64_t id() const { return id_; }

  // While pending, whoever asks wants it (wanted()).
  State state() const;
  bool concealed() const;
  // The reason, in state kFailed.
  Error error() const;
  // The pixels, in state kDone; else nullopt.
  std::optional<FrameBuffer> frame() const;

  // Waits until no job is pending; no deadline waits for ever. False: the deadline passed.
  bool wait(std::optional<Clock::time_point> deadline = std::nullopt) const;

  // `pass` runs with the pixels after each job that leaves some, on the decoding thread, before
  // anybody who waits is released; at once, on this thread, if the picture is done already.
  // A later call replaces the former pass. It is dropped with the picture.
  using OutputPass = std::function<void(const FrameBuffer&)>;
  void set_output_pass(const OutputPass& pass);

  // Where the pixels are wanted; nullopt: nowhere. A decoder that can decodes the picture there;
  // nobody else need care. Counts for the jobs that are submitted later.
  void set_destination(std::optional<Destination> destination);
  std::optional<Destination> destination() const;

  // For Session alone. begin: one more job is pending, decoded by `session`; returns the session of
  // the job before, of which this may be the last owner: let it go where its thread may be joined.
  // complete: the job ended.
  std::shared_ptr<Session> begin(std::shared_ptr<Session> session);
  void complete(DecodeOutcome outcome);
  // Whether somebody has asked for the picture since a job of it became pending.
  bool wanted() const;
  // For decoders that learn it only when later pictures come out.
  void note_concealed();

  // The session that decoded it (its reference chain), if any. A picture keeps its session alive:
  // a session dies with its last picture or context.
  std::shared_ptr<Session> session() const;

 private:
  void want() const;

  const uint64_t id_;
  mutable std::mutex mutex_;
  mutable std::condition_variable done_;
  State state_ = State::kEmpty;
  int pending_ = 0;
  mutable bool wanted_ = false;
  bool concealed_ = false;
  Error error_{};
  std::optional<FrameBuffer> frame_;
  OutputPass output_pass_;
  uint64_t output_pass_changes_ = 0;
  std::optional<Destination> destination_;
  std::shared_ptr<Session> session_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_PICTURE_H_
