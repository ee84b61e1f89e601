// What the entry points answer with, and VA's names for the core's profiles.
#ifndef DAEDALUS_VA_DRIVER_STATUS_H_
#define DAEDALUS_VA_DRIVER_STATUS_H_

#include <va/va.h>

#include <optional>

#include "base/result.h"
#include "decode_core/codec.h"

namespace daedalus::va {

// The VAStatus that says the same as an error of the core.
VAStatus status_of(ErrorCode code);

// Logs why a call is refused (level info: it is the client's mistake or wish) and gives `status`.
[[gnu::format(printf, 2, 3)]] VAStatus refuse(VAStatus status, const char* format, ...);
// The same for an error of the core, which brings its own message.
VAStatus refuse(const Error& error);

VAProfile va_profile_of(core::Profile profile);
// Nullopt for a profile that the core does not know.
std::optional<core::Profile> profile_of(VAProfile profile);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_STATUS_H_
