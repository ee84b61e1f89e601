// Any bytes as a recording: what comes out are jobs as the header promises them, or one error.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "decode_core/job.h"
#include "decode_core/record/recording.h"

namespace {

using namespace daedalus::core;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const RecordedJob& recorded) {
  require(recorded.job.target != nullptr);
  require(recorded.job.references.size() <= V4L2_H264_NUM_DPB_ENTRIES);
  require(codec_of(recorded.profile) == recorded.job.codec());
  const daedalus::Status status = validate(recorded.job);
  if (!status) {
    require(!status.error().message.empty());
    return;
  }
  for (const ByteRange& range : recorded.job.slices) {
    require(recorded.job.bytes_of(range).size() == range.size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto reader = RecordingReader::open(std::span(data, size));
  if (!reader) return 0;
  size_t position = reader->position();
  while (true) {
    const auto next = reader->next();
    if (!next) {
      require(!next.error().message.empty() && reader->position() == position);
      return 0;
    }
    if (!next.value().has_value()) break;
    check(*next.value());
    require(reader->position() > position && reader->position() <= size);
    position = reader->position();
  }
  require(position == size);
  return 0;
}
