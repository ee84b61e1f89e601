// Session: one chain of pictures and the decoder that holds its state.
#ifndef DAEDALUS_DECODE_CORE_SESSION_H_
#define DAEDALUS_DECODE_CORE_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/job.h"

namespace daedalus::core {

class Core;
struct StageRun;

struct SessionConfig {
  Profile profile = Profile::kH264High;
  // What the client announced, luma samples; a hint, the jobs decide.
  uint32_t width = 0;
  uint32_t height = 0;
  // "va", "v4l2", "v4l2-request", "replay": for statistics.
  std::string front;
};

// Jobs are decoded in the order of submission on the session's own thread. Thread-safe. Lock order:
// display → context → surface → session → pool; no lock of the session is held while decoding.
class Session : public std::enable_shared_from_this<Session> {
 public:
  virtual ~Session() = default;

  // Takes the job, marks its target pending and returns at once (blocks only while kMaxQueued jobs
  // wait). An invalid job is refused with the reason and nothing is lost: the target stays as it
  // was.
  virtual Status submit(DecodeJob job) = 0;

  // Waits until every job submitted before has ended.
  virtual void drain() = 0;

  // Somebody wants a picture of this session (Picture::wanted): its job is not to be put off any
  // longer. No lock of a picture may be held. For sessions that put off nothing: nothing.
  virtual void hurry() {}

  virtual Codec codec() const = 0;
  // "libavcodec", …: what decodes here.
  virtual std::string_view engine() const = 0;
  // For the statistics page: one more picture whose stage ran so.
  virtual void count_stage(const StageRun& run) = 0;

  static constexpr size_t kMaxQueued = 64;
};

// The session that must decode `job`: `current` where it decodes the job's codec; else the session
// of the job's references (a context that was made anew in mid-chain adopts the old one); else
// null: open a new one.
std::shared_ptr<Session> session_for(const DecodeJob& job, std::shared_ptr<Session> current);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SESSION_H_
