// The VA driver under any sequence of calls with any contents (test/clients/va/call_sequence.h).
#include <va/va_backend.h>

#include <cstddef>
#include <cstdint>

#include "test/clients/va/call_sequence.h"

extern "C" VAStatus __vaDriverInit_1_0(VADriverContextP context);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  daedalus::va_client::play_call_sequence(__vaDriverInit_1_0, {data, size});
  return 0;
}
