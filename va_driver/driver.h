// The driver's way into a libva display. The shared object exports __vaDriverInit_1_0, which calls
// initialise() with the process's core.
#ifndef DAEDALUS_VA_DRIVER_DRIVER_H_
#define DAEDALUS_VA_DRIVER_DRIVER_H_

#include <va/va_backend.h>

#include <memory>

#include "decode_core/core.h"

namespace daedalus::va {

// Fills the function table and the limits of `context` and gives it a display of its own, which
// vaTerminate frees. Needs no device: whatever native display libva has is left alone.
VAStatus initialise(VADriverContextP context, std::shared_ptr<core::Core> core);

}  // namespace daedalus::va

extern "C" VAStatus __vaDriverInit_1_0(VADriverContextP context);

#endif  // DAEDALUS_VA_DRIVER_DRIVER_H_
