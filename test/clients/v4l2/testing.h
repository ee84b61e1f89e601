// What the tests of our V4L2 clients share.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_TESTING_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_TESTING_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "test/clients/v4l2/in_process_calls.h"
#include "test/clients/v4l2/player.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::v4l2_client::testing {

struct Decoded {
  Played played;
  std::vector<core::test::Shown> frames;  // without tokens
  size_t open_files = 0, mappings = 0;    // that the client left behind
};

// The file through a client of its own on the nodes.
Result<Decoded> decode(const InProcessNodes& nodes, const std::string& path,
                       const DecoderOptions& options = {});

// What a frame is compared by, without a token.
core::test::Shown shown_of(Frame frame);

// What plain libavcodec shows of the file, without tokens; fails the running test where it cannot.
std::vector<core::test::Shown> decode_plainly(const std::string& path);

// Which frame is the first to differ; empty: none.
std::string first_difference(const std::vector<core::test::Shown>& frames,
                             const std::vector<core::test::Shown>& expected);

// The clips of test/data.
std::vector<std::string> clip_paths();

}  // namespace daedalus::v4l2_client::testing

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_TESTING_H_
