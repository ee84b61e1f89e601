// The nodes under any sequence of ioctls (ioctl_sequence.h). At its end the program says how many
// calls it made; ioctl_fuzz_test.py counts on that line.
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "test/cuse_device/v4l2/ioctl_sequence.h"

namespace {

struct Totals {
  uint64_t sequences = 0, calls = 0, successes = 0, jobs = 0;
  Totals() = default;
  Totals(const Totals&) = delete;
  Totals& operator=(const Totals&) = delete;
  ~Totals() {
    std::printf("%" PRIu64 " sequences, %" PRIu64 " calls, %" PRIu64 " successful, %" PRIu64
                " jobs\n",
                sequences, calls, successes, jobs);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Totals totals;
  const auto result = daedalus::test::run_ioctl_sequence({data, size});
  ++totals.sequences;
  totals.calls += static_cast<uint64_t>(result.calls);
  totals.successes += static_cast<uint64_t>(result.successes);
  totals.jobs += result.jobs;
  return 0;
}
