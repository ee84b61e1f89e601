// A hostile client: any sequence of bytes as ioctls of the video nodes, the media node and
// requests.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_IOCTL_SEQUENCE_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_IOCTL_SEQUENCE_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace daedalus::test {

// Opens a node over a fake engine, makes one ioctl, mmap or poll of every few bytes, and closes
// it. The first byte modulo 4 chooses the node: 1 is the stateless one with the media node and
// requests, 3 the same where it takes frames without request, else it is the stateful one; its
// highest three bits 5: a client of HEVC, 4: one of AV1.
// Aborts where a result is no errno that V4L2 gives.
struct SequenceResult {
  int calls = 0;
  int successes = 0;
  size_t jobs = 0;  // that the stateless node made
};
SequenceResult run_ioctl_sequence(std::span<const uint8_t> bytes);

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_IOCTL_SEQUENCE_H_
