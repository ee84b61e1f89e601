#include "decode_core/software/h264/h264_decoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "decode_core/software/h264/deblocking.h"
#include "decode_core/software/h264/entropy_decoder.h"
#include "decode_core/software/h264/pictures.h"
#include "decode_core/software/h264/reconstruction.h"
#include "decode_core/software/h264/reference_samples.h"
#include "decode_core/software/h264/task_graph.h"

namespace daedalus::core {
namespace {

using namespace h264;

// Until its second field comes, a picture shows its first one in both.
void repeat_field(const FrameView& frame, PictureStructure structure) {
  const uint32_t from = structure == PictureStructure::kBottomField ? 1 : 0;
  for (size_t plane = 0; plane < 2; ++plane) {
    const Plane& samples = frame.planes[plane];
    const uint32_t lines = plane == 0 ? frame.height : frame.height / 2;
    for (uint32_t y = 0; y + 1 < lines; y += 2) {
      std::memcpy(samples.data + (y + 1 - from) * samples.stride,
                  samples.data + (y + from) * samples.stride, frame.width);
    }
  }
}

DecodeOutcome failure(Error error) {
  DecodeOutcome outcome;
  outcome.error = std::move(error);
  return outcome;
}

class H264Decoder final : public Decoder {
 public:
  H264Decoder(Workers& workers, int threads, const gpu_kernels::SubstrateChoice& substrate)
      : workers_(workers), threads_(std::max(threads, 1)), substrate_(substrate) {}

  DecodeOutcome decode(const DecodeJob& job) override {
    auto pictures = pictures_.begin(job);
    if (!pictures) return failure(pictures.error());
    DecodeOutcome outcome = decode_into(job, *pictures);
    if (outcome.frame.has_value()) {
      pictures_.keep_motion(job, std::exchange(list_.motion, nullptr));
    } else {
      pictures_.drop_target(job);
    }
    return outcome;
  }

 private:
  DecodeOutcome decode_into(const DecodeJob& job, const JobPictures& pictures) {
    auto entropy = EntropyDecoder::create(job, pictures.motions, list_);
    if (!entropy) return failure(entropy.error());
    const PicturePlanes target = planes_of(pictures.target.view, list_.structure);
    const ReferenceSamples references(pictures.references);
    Reconstruction reconstruction(list_, references, target, substrate_);
    Deblocking deblocking(list_, std::get<H264Parameters>(job.parameters).pps, target, substrate_);
    TaskGraph tasks((*entropy)->rows(), [&](Task task, uint32_t row) {
      switch (task) {
        case Task::kEntropy:
          (*entropy)->parse_row(row);
          break;
        case Task::kReconstruction:
          reconstruction.reconstruct_row(row);
          break;
        case Task::kDeblocking:
          deblocking.filter_row(row);
          break;
      }
    });
    if (!tasks.run(workers_, useful_threads())) {
      return failure({ErrorCode::kOutOfMemory, "no memory to decode a picture"});
    }
    if (job.field == FieldRole::kFirstField) {
      repeat_field(pictures.target.view, list_.structure);
    }
    DecodeOutcome outcome;
    outcome.frame = pictures.target;
    outcome.concealed = (*entropy)->damaged() != 0 || reconstruction.missed_reference();
    return outcome;
  }

  // A thread is worth waking for so many macroblocks.
  uint32_t useful_threads() const {
    constexpr uint32_t kMacroblocks = 256;
    const uint32_t worth = list_.width * list_.height / kMacroblocks;
    return std::min(static_cast<uint32_t>(threads_), 1 + worth);
  }

  Workers& workers_;
  const int threads_;
  const gpu_kernels::SubstrateChoice substrate_;
  Pictures pictures_;
  PictureList list_;
};

}  // namespace

std::unique_ptr<Decoder> create_h264_decoder(Workers& workers, int threads,
                                             const gpu_kernels::SubstrateChoice& substrate) {
  return std::make_unique<H264Decoder>(workers, threads, substrate);
}

}  // namespace daedalus::core
