// A client that means harm, or does not know what it does.
#include <random>
#include <vector>

#include "test/catch.h"
#include "test/cuse_device/v4l2/ioctl_sequence.h"

namespace daedalus::test {

TEST_CASE("thousands of random ioctls") {
  int calls = 0;
  int successes = 0;
  for (uint32_t seed = 0; seed < 250; ++seed) {
    std::mt19937 random(seed);
    std::vector<uint8_t> bytes(2000);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const SequenceResult result = run_ioctl_sequence(bytes);
    calls += result.calls;
    successes += result.successes;
  }
  CHECK(calls > 20000);
  // Enough of them get somewhere.
  CHECK(successes > calls / 5);
}

}  // namespace daedalus::test
