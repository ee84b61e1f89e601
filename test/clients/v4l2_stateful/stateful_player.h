// play_stateful(): a file's video through a stateful decoder.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_STATEFUL_STATEFUL_PLAYER_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_STATEFUL_STATEFUL_PLAYER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "test/clients/v4l2/system_calls.h"
#include "test/clients/v4l2_stateful/stateful_decoder.h"

namespace daedalus::v4l2_client {

struct StatefulPlayed {
  uint64_t packets = 0;    // of bitstream, that the file could be read to
  uint64_t errors = 0;     // CAPTURE buffers with V4L2_BUF_FLAG_ERROR
  uint64_t changes = 0;    // of the stream's format
  uint64_t discarded = 0;  // pictures that the container says not to show
  std::string video_path;
  Timing timing;
};

// Gives each picture that is to be shown, in display order; an error ends the stream. The error:
// the file cannot be read, there is no such node, or a call of it failed.
Result<StatefulPlayed> play_stateful(SystemCalls& calls, const std::string& path,
                                     const StatefulOptions& options,
                                     const std::function<Status(const Frame&)>& show);

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_STATEFUL_STATEFUL_PLAYER_H_
