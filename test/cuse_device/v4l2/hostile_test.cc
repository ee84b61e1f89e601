// A client that means harm, or does not know what it does.
#include <random>
#include <vector>

#include "test/catch.h"
#include "test/cuse_device/v4l2/ioctl_sequence.h"

namespace daedalus::test {

TEST_CASE("thousands of random ioctls, of each video node") {
  for (const uint8_t node : {0, 1, 3, 0xa1, 0xa3, 0x81, 0x83}) {  // the last four: HEVC, AV1
    INFO("node " << int{node});
    int calls = 0;
    int successes = 0;
    size_t jobs = 0;
    for (uint32_t seed = 0; seed < 250; ++seed) {
      std::mt19937 random(seed);
      std::vector<uint8_t> bytes(2000);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      bytes.front() = node;
      const SequenceResult result = run_ioctl_sequence(bytes);
      calls += result.calls;
      successes += result.successes;
      jobs += result.jobs;
    }
    CHECK(calls > 20000);
    // Enough of them get somewhere; of HEVC's and AV1's fewer, whose
    // controls are more.
    CHECK(successes > calls / 5);
    if (node != 0) CHECK(jobs > (node >= 0x80 ? 50 : 100));
  }
}

}  // namespace daedalus::test
