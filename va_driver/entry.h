// Entry: the C function that stands in libva's table for one of ours.
#ifndef DAEDALUS_VA_DRIVER_ENTRY_H_
#define DAEDALUS_VA_DRIVER_ENTRY_H_

#include <va/va_backend.h>

#include <new>

#include "base/enum_value.h"
#include "va_driver/display.h"
#include "va_driver/status.h"

namespace daedalus::va {

// The driver lives in the client's process: whatever is thrown ends here, as a VAStatus.
// Enumerations reach `Function` as numbers.
template <auto Function>
struct Entry {
  template <typename... Arguments>
  static VAStatus call(VADriverContextP context, Arguments... arguments) noexcept {
    if (!context || !context->pDriverData) return VA_STATUS_ERROR_INVALID_DISPLAY;
    const CallScope scope(context);
    try {
      return Function(*static_cast<Display*>(context->pDriverData), plain(arguments)...);
    } catch (const std::bad_alloc&) {
      return VA_STATUS_ERROR_ALLOCATION_FAILED;
    } catch (...) {
      return VA_STATUS_ERROR_OPERATION_FAILED;
    }
  }
};

// What this driver does not do.
template <typename... Arguments>
VAStatus unimplemented(VADriverContextP, Arguments...) noexcept {
  return VA_STATUS_ERROR_UNIMPLEMENTED;
}

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_ENTRY_H_
