// What the entry points answer with, and VA's names for the core's profiles.
#ifndef DAEDALUS_VA_DRIVER_STATUS_H_
#define DAEDALUS_VA_DRIVER_STATUS_H_

#include <va/va.h>
#include <va/va_backend.h>

#include "base/result.h"
#include "decode_core/codec.h"

namespace daedalus::va {

// The VAStatus that says the same as an error of the core.
VAStatus status_of(ErrorCode code);

// Tells why a call is refused and gives `status`: to libva's information callback, which the client
// may have set, and to the log (level info).
[[gnu::format(printf, 2, 3)]] VAStatus refuse(VAStatus status, const char* format, ...);
// The same for an error of the core, which brings its own message.
VAStatus refuse(const Error& error);

// The driver context whose entry point this thread is in; that is whom refuse() tells.
class CallScope {
 public:
  explicit CallScope(VADriverContextP context);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
};

VAProfile va_profile_of(core::Profile profile);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_STATUS_H_
