// The nodes under any sequence of ioctls (ioctl_sequence.h).
#include <cstddef>
#include <cstdint>

#include "test/cuse_device/v4l2/ioctl_sequence.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  daedalus::test::run_ioctl_sequence({data, size});
  return 0;
}
