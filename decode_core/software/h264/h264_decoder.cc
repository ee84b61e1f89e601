#include "decode_core/software/h264/h264_decoder.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "decode_core/software/h264/picture_decoding.h"
#include "decode_core/software/h264/pictures.h"
#include "decode_core/software/h264/task_graph.h"
#include "gpu_kernels/deblock/h264.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/intra/h264.h"
#include "gpu_kernels/mc/h264.h"

namespace daedalus::core {
namespace {

using h264::PictureDecoding;
using h264::Task;

Error out_of_memory() { return {ErrorCode::kOutOfMemory, "no memory to decode a picture"}; }

// What will do the stages where these are wished for.
std::array<StageRun, 4> stages_of(const gpu_kernels::SubstrateChoice& substrate) {
  using gpu_kernels::Stage;
  using gpu_kernels::stage_name;
  return {{
      {stage_name(Stage::kMc), gpu_kernels::h264_mc_functions(substrate.of(Stage::kMc)).target},
      {stage_name(Stage::kIdct),
       gpu_kernels::h264_idct_functions(substrate.of(Stage::kIdct)).target},
      {stage_name(Stage::kIntra),
       gpu_kernels::h264_intra_functions(substrate.of(Stage::kIntra)).target},
      {stage_name(Stage::kDeblock),
       gpu_kernels::h264_deblock_functions(substrate.of(Stage::kDeblock)).target},
  }};
}

class H264Decoder final : public Decoder {
 public:
  H264Decoder(Workers& workers, int threads, const gpu_kernels::SubstrateChoice& substrate,
              H264Scheduling scheduling)
      : workers_(workers),
        threads_(static_cast<uint32_t>(std::max(threads, 1))),
        scheduling_(std::move(scheduling)),
        substrate_(substrate),
        stages_(stages_of(substrate)) {}

  void foresee(const DecodeJob& /*job*/, const DecodeJob& successor) override {
    if (threads_ > 1 && successor.codec() == Codec::kH264) foreseen_ = &successor;
  }

  DecodeOutcome decode(const DecodeJob& job) override {
    // What was foreseen and begun while the picture before was decoded.
    if (std::exchange(begun_, nullptr) == &job) {
      current_ = 1 - current_;
    } else {
      next().fail({});
      current().start(job, pictures_, substrate_);
    }
    return run_passes();
  }

 private:
  PictureDecoding& current() { return decodings_[current_]; }
  PictureDecoding& next() { return decodings_[1 - current_]; }

  DecodeOutcome run_passes() {
    PictureDecoding& picture = current();
    h264::TaskGraph tasks(
        {picture.rows(), picture.parsed_rows(), foreseen_ != nullptr, batch(picture)},
        [&](Task task, uint32_t row) {
          if (scheduling_.between_tasks) scheduling_.between_tasks();
          const bool more = execute(picture, task, row);
          if (scheduling_.between_tasks) scheduling_.between_tasks();
          return more;
        });
    if (!tasks.run(workers_, useful_threads(picture))) picture.fail(out_of_memory());
    foreseen_ = nullptr;
    DecodeOutcome outcome = picture.finish();
    outcome.stages = stages_;
    return outcome;
  }

  bool execute(PictureDecoding& picture, Task task, uint32_t row) {
    switch (task) {
      case Task::kEntropy:
        picture.parse_row(pictures_);
        return false;
      case Task::kReconstruction:
        picture.reconstruct_row(row);
        return false;
      case Task::kDeblocking:
        picture.deblock_row(row);
        return false;
      case Task::kNextPicture:
        return continue_next(row == 0);
    }
    return false;
  }

  // Whether there is more to be done before its samples.
  bool continue_next(bool first) {
    try {
      if (first) {
        begun_ = foreseen_;
        next().start(*begun_, pictures_, substrate_);
      } else {
        next().parse_row(pictures_);
      }
    } catch (const std::bad_alloc&) {
      next().fail(out_of_memory());
    }
    return next().parsed_rows() < next().rows();
  }

  // A thread is worth waking for so many macroblocks.
  uint32_t useful_threads(const PictureDecoding& picture) const {
    return std::min(threads_, 1 + picture.macroblocks() / scheduling_.macroblocks_a_thread);
  }
  // Rows that are.
  uint32_t batch(const PictureDecoding& picture) const {
    const uint32_t row = picture.macroblocks() / std::max(picture.rows(), 1u);
    return std::max(scheduling_.macroblocks_a_batch / std::max(row, 1u), 1u);
  }

  Workers& workers_;
  const uint32_t threads_;
  const H264Scheduling scheduling_;
  const gpu_kernels::SubstrateChoice substrate_;
  const std::array<StageRun, 4> stages_;
  h264::Pictures pictures_;
  // The picture that is decoded and the one after it.
  std::array<PictureDecoding, 2> decodings_;
  size_t current_ = 0;
  const DecodeJob* foreseen_ = nullptr;  // comes after the next decode()
  const DecodeJob* begun_ = nullptr;     // next()'s
};

}  // namespace

std::unique_ptr<Decoder> create_h264_decoder(Workers& workers, int threads,
                                             const gpu_kernels::SubstrateChoice& substrate,
                                             H264Scheduling scheduling) {
  return std::make_unique<H264Decoder>(workers, threads, substrate, std::move(scheduling));
}

}  // namespace daedalus::core
