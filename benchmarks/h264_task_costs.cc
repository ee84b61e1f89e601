// Decodes a clip's first pictures as the native H.264 engine does, on one thread, for a counter of
// instructions (instruction_count.cc) that sees the functions mark_* called as tasks begin and end.
//   h264_task_costs CLIP JOBS
// Prints, for each job, what the engine knows of it (task_simulation.h), and lines needed by row:
//   job IS_LAST USEFUL_THREADS BATCH LINES_A_ROW READS_MOTION REFERS_BACK…
//   lines LINES_NEEDED…
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "decode_core/picture.h"
#include "decode_core/software/h264/h264_decoder.h"
#include "decode_core/software/h264/picture_decoding.h"
#include "decode_core/software/h264/task_schedule.h"
#include "tools/parsed_stream/stream.h"

// Each a function of its own for the counter, so none may be inlined or folded with another.
#define MARK(name, number) \
  extern "C" [[gnu::noinline]] void mark_##name() { asm volatile("" ::"i"(number) : "memory"); }
MARK(start, 1)
MARK(entropy, 2)
MARK(prediction, 3)
MARK(reconstruction, 4)
MARK(deblocking, 5)
MARK(finish, 6)
MARK(end, 7)
#undef MARK

namespace {

using namespace daedalus::core;
using h264::TaskSchedule;

// A job that was decoded, kept for those that refer to it.
struct Decoded {
  explicit Decoded(DecodeJob job_in) : job(std::move(job_in)) {}

  const DecodeJob job;
  h264::PictureDecoding decoding{};
};

class Decoding {
 public:
  // False: it came to nothing.
  bool decode(DecodeJob job) {
    if (latest_.size() == TaskSchedule::kMostPictures) latest_.pop_back();
    latest_.push_front(std::make_unique<Decoded>(std::move(job)));
    h264::PictureDecoding& picture = latest_.front()->decoding;
    mark_start();
    picture.start(latest_.front()->job, pictures_, {}, nullptr);
    mark_end();
    if (picture.rows() != 0) describe(picture);
    const std::string lines = decode_rows(picture);
    mark_finish();
    const DecodeOutcome outcome = picture.finish();
    mark_end();
    std::printf("lines%s\n", lines.c_str());
    if (!outcome.frame) std::fprintf(stderr, "%s\n", outcome.error.message.c_str());
    return outcome.frame.has_value();
  }

 private:
  void describe(const h264::PictureDecoding& picture) const {
    const H264Scheduling scheduling;
    const uint32_t macroblocks = picture.macroblocks();
    std::printf("job %d %u %u %u %d", latest_.front()->job.field == FieldRole::kFirstField ? 0 : 1,
                scheduling.useful_threads(macroblocks),
                scheduling.batch(macroblocks, picture.rows()), picture.is_read_by_lines() ? 16 : 0,
                picture.reads_motion() ? 1 : 0);
    for (size_t back = 1; back < latest_.size(); ++back) {
      if (picture.refers_to(latest_[back]->decoding)) std::printf(" %zu", back);
    }
    std::printf("\n");
  }

  // The lines that its rows need.
  static std::string decode_rows(h264::PictureDecoding& picture) {
    std::string lines;
    for (uint32_t row = 0; row < picture.rows(); ++row) {
      mark_entropy();
      picture.parse_row(row);
      mark_prediction();
      picture.plan_row(row);
      mark_reconstruction();
      picture.reconstruct_row(row);
      mark_deblocking();
      picture.deblock_row(row);
      mark_end();
      lines += ' ' + std::to_string(picture.is_read_by_lines() ? picture.lines_read()
                                                               : TaskSchedule::kAllLines);
    }
    return lines;
  }

  h264::Pictures pictures_;
  std::deque<std::unique_ptr<Decoded>> latest_;  // the latest first
};

int run(const char* clip, long jobs) {
  auto stream = daedalus::parsed_stream::ParsedStream::open(clip);
  if (!stream || (*stream)->codec() != Codec::kH264) {
    std::fprintf(stderr, "no H.264 in %s\n", clip);
    return 1;
  }
  Decoding decoding;
  daedalus::parsed_stream::Event event;
  while (jobs > 0) {
    const auto more = (*stream)->next(event);
    if (!more || !*more) break;
    auto* next = std::get_if<daedalus::parsed_stream::DecodeEvent>(&event);
    if (next == nullptr) continue;
    if (!decoding.decode(std::move(next->job))) return 1;
    --jobs;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: h264_task_costs CLIP JOBS\n");
    return 2;
  }
  return run(argv[1], std::strtol(argv[2], nullptr, 10));
}
