// StreamStatistics: the statistics page of one stream.
#ifndef DAEDALUS_DECODE_CORE_STREAM_STREAM_STATISTICS_H_
#define DAEDALUS_DECODE_CORE_STREAM_STREAM_STATISTICS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/statistics.h"
#include "decode_core/codec.h"
#include "decode_core/settings.h"
#include "decode_core/stream/stream_decoder.h"

namespace daedalus::core {

// Counts from one thread at a time, but for note_queue.
class StreamStatistics {
 public:
  StreamStatistics(const Settings& settings, const std::string& front, Codec codec);

  void note_queue(size_t depth) { statistics_.page().queue_depth = depth; }
  void note_error(const Error& error);
  // From any thread.
  void count_stage(const StageRun& run) {
    statistics_.count_stage(run.stage, run.substrate);
    if (run.gpu_failed) ++statistics_.page().gpu_failures;
  }
  // `profile` as libavcodec calls it, or empty.
  void note_picture(const StreamPicture& picture, std::string_view profile);

 private:
  const Codec codec_;
  Statistics statistics_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_STREAM_STATISTICS_H_
