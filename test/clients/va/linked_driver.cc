// The driver that is linked in, for tests that run under sanitizers and qemu.
#include <va/va_backend.h>

#include "test/catch.h"
#include "test/clients/va/testing.h"

extern "C" VAStatus __vaDriverInit_1_0(VADriverContextP context);

namespace daedalus::va_client::testing {

std::shared_ptr<Display> start_display() {
  Result<std::shared_ptr<Display>> display = Display::start(__vaDriverInit_1_0);
  if (!display) FAIL(display.error().message);
  return std::move(display).value();
}

}  // namespace daedalus::va_client::testing
