// Backend: a way to decode, software or hardware, behind the sessions.
#ifndef DAEDALUS_DECODE_CORE_BACKEND_H_
#define DAEDALUS_DECODE_CORE_BACKEND_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "decode_core/core.h"
#include "decode_core/image.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"

namespace daedalus::core {

// The decoder of one session. Called on the session's thread only, one job at a time.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Decodes a validated job whose target is pending. Never throws; whatever the bitstream says, the
  // next job may be given.
  virtual DecodeOutcome decode(const DecodeJob& job) = 0;

  // What a job came to. Called once for each, on any thread; for several at a time and in any
  // order.
  using Done = std::function<void(DecodeOutcome)>;
  // As decode(), for decoders that may have several jobs under way: returns when the next one may
  // be given, before or after `done` was called. `job` lives until then. If it throws, `done` is
  // not called. The decoder outlives its jobs.
  virtual void begin(const DecodeJob& job, Done done) { done(decode(job)); }
  // Whether the next job is there already: then begin() need not return as late as with the job's
  // end. Called on any thread, as it changes; must not call back.
  virtual void expect(bool /*more*/) {}
  // Returns when no job is under way any more.
  virtual void finish() {}

  // Whether decode(job) could do better if it knew the job that comes after. Then it is called a
  // little later, when that is there, unless somebody wants the picture first.
  virtual bool wants_successor(const DecodeJob& /*job*/) const { return false; }
  // Before decode(job): the job after it, where that is there already. It lives until its own end.
  virtual void foresee(const DecodeJob& /*job*/, const DecodeJob& /*successor*/) {}
};

// Thread-safe.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;                  // "software", …
  virtual std::string_view engine_of(Codec codec) const = 0;  // "libavcodec", …
  virtual std::span<const ProfileCapability> capabilities() const = 0;
  virtual Result<std::unique_ptr<Decoder>> create_decoder(const SessionConfig& config) = 0;
  // How the memory of a surface of kNv12 or kP010 has to be laid out for pictures of `codec`, if
  // possible, to be decoded into it; nullopt: none are.
  virtual std::optional<LinearLayout> surface_layout(Codec /*codec*/, ImageFormat /*format*/,
                                                     uint32_t /*width*/, uint32_t /*height*/) {
    return std::nullopt;
  }
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_BACKEND_H_
