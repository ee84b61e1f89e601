#include "decode_core/software/h264/h264_decoder.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "decode_core/software/h264/inter_gpu.h"
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

// Short enough to need none itself.
Error out_of_memory() { return {ErrorCode::kOutOfMemory, "no memory"}; }

using Stages = std::array<StageRun, 4>;

// What will do the stages on the CPU where these are wished for.
Stages stages_of(const gpu_kernels::SubstrateChoice& substrate) {
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

// What did the stages of a picture.
struct StagesByPicture {
  static constexpr std::string_view kOnGpu = "vulkan+copy";
  static constexpr size_t kMc = 0;
  static constexpr size_t kIdct = 1;

  StagesByPicture(const gpu_kernels::SubstrateChoice& substrate, const h264::InterGpu& gpu)
      : on_cpu(stages_of(substrate)), on_gpu(on_cpu), on_cpu_for_gpu(on_cpu) {
    on_gpu[kMc].substrate = kOnGpu;
    if (gpu.adds_residual()) on_gpu[kIdct].substrate = kOnGpu;
    on_cpu_for_gpu[kMc].gpu_failed = true;
  }
  std::span<const StageRun> of(h264::InterOn inter) const {
    switch (inter) {
      case h264::InterOn::kGpu:
        return on_gpu;
      case h264::InterOn::kCpuForGpu:
        return on_cpu_for_gpu;
      case h264::InterOn::kCpu:
        break;
    }
    return on_cpu;
  }

  Stages on_cpu, on_gpu, on_cpu_for_gpu;
};

// A job under way.
class PictureInWork final : public h264::PictureTasks {
 public:
  PictureInWork(const StagesByPicture& stages, const std::function<void()>& between_tasks)
      : stages_(stages), between_tasks_(between_tasks) {}

  PictureDecoding decoding;

  void start(const DecodeJob& job, h264::Pictures& pictures,
             const gpu_kernels::SubstrateChoice& substrate, h264::InterGpu& gpu,
             Decoder::Done done) {
    done_ = std::move(done);
    lost_reference_ = false;
    try {
      decoding.start(job, pictures, substrate, &gpu);
      by_lines_ =
          decoding.rows() != 0 && decoding.is_read_by_lines() && !decoding.predicts_at_once();
    } catch (const std::bad_alloc&) {
      pictures.drop_target(job);
      decoding.fail(out_of_memory());
    }
  }

  bool refers_to(const h264::PictureTasks& older) const override {
    return decoding.refers_to(static_cast<const PictureInWork&>(older).decoding);
  }

  void execute(Task task, uint32_t row) override {
    if (between_tasks_) between_tasks_();
    switch (task) {
      case Task::kEntropy:
        decoding.parse_row(row);
        break;
      case Task::kPrediction:
        decoding.plan_row(row);
        break;
      case Task::kReconstruction:
        decoding.reconstruct_row(row);
        break;
      case Task::kDeblocking:
        decoding.deblock_row(row);
        break;
    }
    if (between_tasks_) between_tasks_();
  }

  uint32_t lines_needed() const override {
    return by_lines_ ? decoding.lines_read() : h264::TaskSchedule::kAllLines;
  }

  void lose_reference() override { lost_reference_ = true; }

  // The target of a job that failed after start(), told once; 0: there is none.
  uint64_t take_failed() { return failed_target_.exchange(0); }

  Ended end(bool succeeded) override {
    if (!succeeded) {
      failed_target_ = decoding.target_id();
      decoding.fail(out_of_memory());
    }
    const std::span<const StageRun> stages = stages_.of(decoding.inter_on());
    DecodeOutcome outcome = decoding.finish();
    outcome.concealed |= outcome.frame.has_value() && lost_reference_;
    outcome.stages = stages;
    return {std::move(outcome), std::move(done_)};
  }

 private:
  const StagesByPicture& stages_;
  const std::function<void()>& between_tasks_;
  Decoder::Done done_;
  bool by_lines_ = false;
  std::atomic<uint64_t> failed_target_ = 0;
  std::atomic<bool> lost_reference_ = false;  // set while others work on it
};

class H264Decoder final : public Decoder {
 public:
  H264Decoder(Workers& workers, int threads, const gpu_kernels::SubstrateChoice& substrate,
              H264Scheduling scheduling, gpu_kernels::Dispatcher* dispatcher)
      : scheduling_(std::move(scheduling)),
        substrate_(substrate),
        gpu_(dispatcher, substrate),
        stages_(substrate, gpu_),
        tasks_(workers, static_cast<uint32_t>(std::max(threads, 1))) {
    for (size_t i = 0; i < h264::TaskSchedule::kMostPictures; ++i) {
      pictures_in_work_.push_back(
          std::make_unique<PictureInWork>(stages_, scheduling_.between_tasks));
    }
  }

  DecodeOutcome decode(const DecodeJob& job) override {
    std::promise<DecodeOutcome> outcome;
    begin(job, [&](DecodeOutcome ended) { outcome.set_value(std::move(ended)); });
    return outcome.get_future().get();
  }

  void begin(const DecodeJob& job, Done done) override {
    const size_t place = tasks_.await_place();
    for (const auto& other : pictures_in_work_) {
      if (const uint64_t failed = other->take_failed(); failed != 0) pictures_.drop(failed);
    }
    PictureInWork& picture = *pictures_in_work_[place];
    picture.start(job, pictures_, substrate_, gpu_, std::move(done));
    if (picture.decoding.rows() == 0 || !add(place, picture)) {
      auto ended = picture.end(/*succeeded=*/picture.decoding.rows() == 0);
      ended.done(std::move(ended.outcome));
    }
    tasks_.work();
  }

  void expect(bool more) override { tasks_.expect(more); }
  void finish() override { tasks_.finish(); }

 private:
  // False: there is no memory.
  bool add(size_t place, PictureInWork& picture) {
    const PictureDecoding& decoding = picture.decoding;
    const uint32_t macroblocks = decoding.macroblocks();
    const h264::TaskSchedule::Shape shape{.rows = decoding.rows(),
                                          .lines_a_row = decoding.is_read_by_lines() ? 16u : 0u,
                                          .predicts_at_once = decoding.predicts_at_once(),
                                          .reads_motion = decoding.reads_motion(),
                                          .batch = scheduling_.batch(macroblocks, decoding.rows())};
    try {
      tasks_.add(place, picture, shape, scheduling_.useful_threads(macroblocks));
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  const H264Scheduling scheduling_;
  const gpu_kernels::SubstrateChoice substrate_;
  h264::InterGpu gpu_;
  const StagesByPicture stages_;
  h264::Pictures pictures_;
  std::vector<std::unique_ptr<PictureInWork>> pictures_in_work_;  // by place in the graph
  h264::TaskGraph tasks_;
};

}  // namespace

std::unique_ptr<Decoder> create_h264_decoder(Workers& workers, int threads,
                                             const gpu_kernels::SubstrateChoice& substrate,
                                             H264Scheduling scheduling,
                                             gpu_kernels::Dispatcher* dispatcher) {
  return std::make_unique<H264Decoder>(workers, threads, substrate, std::move(scheduling),
                                       dispatcher);
}

}  // namespace daedalus::core
