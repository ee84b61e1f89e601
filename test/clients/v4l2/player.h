// play_file(): a file's video through a stateless decoder.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_PLAYER_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_PLAYER_H_

#include <cstdint>
#include <string>

#include "base/result.h"
#include "test/clients/v4l2/stateless_decoder.h"
#include "test/clients/v4l2/system_calls.h"

namespace daedalus::v4l2_client {

struct Played {
  uint64_t decoded = 0;    // requests
  uint64_t errors = 0;     // CAPTURE buffers with V4L2_BUF_FLAG_ERROR
  uint64_t lost = 0;       // pictures that the node refused or that were never decoded
  uint64_t skipped = 0;    // packets of which something could not be parsed
  std::string first_skip;  // why
  std::string video_path, media_path;
  Timing timing;
};

// The error: the file cannot be read, there is no such node, or a call of it failed.
Result<Played> play_file(SystemCalls& calls, const std::string& path, const DecoderOptions& options,
                         const StatelessDecoder::Show& show);

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_PLAYER_H_
