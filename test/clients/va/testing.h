// What the tests of the VA client and driver share: clips, and decoding them with and without the
// driver.
#ifndef DAEDALUS_TEST_CLIENTS_VA_TESTING_H_
#define DAEDALUS_TEST_CLIENTS_VA_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/job.h"
#include "test/clients/va/va_client.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::va_client::testing {

struct Packet {
  std::vector<uint8_t> bytes;
  bool key = false;
};

struct Clip {
  core::Codec codec = core::Codec::kH264;
  std::vector<uint8_t> headers;  // to parse before any packet; may be empty
  std::vector<Packet> packets;
};

// Demuxes a file of test/data, or any other; H.264 comes with start codes.
Result<Clip> read_clip(const std::string& path);
// The clips of test/data, all codecs.
std::vector<std::string> clip_names();
// Reads test/data/NAME; fails the running test if that cannot be done. Not more than `packets`.
Clip test_clip(const std::string& name, size_t packets = SIZE_MAX);
// One stream after the other; of the same codec.
Clip joined(const Clip& first, const Clip& second);
// From the key frame `number` (0 is the first) on.
Clip from_key_frame(const Clip& clip, size_t number);

// A displayed picture: I420, or P010 above 8 bits, without padding.
struct Frame {
  uint32_t width = 0, height = 0;
  std::vector<uint8_t> pixels;
  bool operator==(const Frame&) const = default;
};

// Parses the clip and calls `decode` with each job in decoding order and `show` with each picture
// in display order. Stops at the first error.
using Decode = std::function<Status(core::DecodeJob)>;
using Show = std::function<Status(const parsed_stream::OutputEvent&, core::ImageFormat)>;
Status play(const Clip& clip, const Decode& decode, const Show& show);

// All jobs of the clip, with the pictures that they share.
std::vector<core::DecodeJob> jobs_of(const Clip& clip);

// The displayed frames, by a session of the core and by the driver.
Result<std::vector<Frame>> decode_by_core(const Clip& clip);
Result<std::vector<Frame>> decode_by_driver(VaClient& client, const Clip& clip);

// A clip, what must come out of it, and its jobs: what tests of the driver start from.
struct Subject {
  Clip clip;
  std::vector<Frame> expected;
  std::vector<core::DecodeJob> jobs;
};
// The first `packets` of test/data/NAME; fails the running test if the core cannot decode them.
Subject subject(const std::string& name, size_t packets);

// A display of the driver that is linked in (target :linked_driver); fails the running test if it
// cannot start.
std::shared_ptr<Display> start_display();

// Says which frame is the first to differ; empty if none does.
std::string first_difference(const std::vector<Frame>& expected, const std::vector<Frame>& actual);

}  // namespace daedalus::va_client::testing

#endif  // DAEDALUS_TEST_CLIENTS_VA_TESTING_H_
