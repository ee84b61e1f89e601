// Any recording's H.264 jobs through the native engine: slice data and parameters as hostile
// structures. Whatever a job says, its picture ends with samples or with a reason.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/software/h264/h264_decoder.h"
#include "decode_core/workers/workers.h"

namespace {

using namespace daedalus::core;

void require(bool condition) {
  if (!condition) std::abort();
}

uint32_t sum_of(const Plane& plane, uint32_t width, uint32_t height) {
  uint32_t sum = 0;
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) sum += plane.data[y * plane.stride + x];
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kMostJobs = 24;
  // Larger ones find nothing that small ones do not, only later.
  constexpr uint32_t kMostSamples = 256 * 256;
  auto reader = RecordingReader::open(std::span(data, size));
  if (!reader) return 0;
  static Workers workers(1);
  const auto decoder = create_h264_decoder(workers, 1, {});
  std::vector<std::shared_ptr<Picture>> held;
  for (int i = 0; i < kMostJobs; ++i) {
    auto next = reader->next();
    if (!next || !next->has_value()) break;
    const DecodeJob job = std::move((*next)->job);
    if (job.codec() != Codec::kH264 || !validate(job)) continue;
    if (uint64_t{job.coded_width()} * job.coded_height() > kMostSamples) continue;
    held.push_back(job.target);
    const DecodeOutcome outcome = decoder->decode(job);
    if (!outcome.frame) {
      require(!outcome.error.message.empty());
      continue;
    }
    const FrameView& view = outcome.frame->view;
    require(view.width >= 16 && view.height >= 16);
    // Every sample is there, and was written.
    [[maybe_unused]] static volatile uint32_t sum;
    sum = sum_of(view.planes[0], view.width, view.height) +
          sum_of(view.planes[1], view.width, view.height / 2);
  }
  return 0;
}
