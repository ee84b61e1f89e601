#include "decode_core/software/h264/picture_decoding.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "decode_core/picture.h"
#include "decode_core/software/h264/picture_planes.h"

namespace daedalus::core::h264 {
namespace {

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

bool has_reference(const DecodeJob& job, uint64_t id) {
  return std::any_of(job.references.begin(), job.references.end(), [id](const auto& reference) {
    return reference != nullptr && reference->id() == id;
  });
}

}  // namespace

void PictureDecoding::start(const DecodeJob& job, Pictures& pictures,
                            const gpu_kernels::SubstrateChoice& substrate, InterGpu* gpu) {
  job_ = &job;
  auto found = pictures.begin(job);
  if (!found) return fail(found.error());
  pictures_ = std::move(*found);
  auto entropy = EntropyDecoder::create(job, pictures_.motions, list_);
  if (!entropy) {
    pictures.drop_target(job);
    return fail(entropy.error());
  }
  const PicturePlanes target = planes_of(pictures_.target.view, list_.structure);
  references_.emplace(pictures_.references, pictures_.target.view, list_.structure,
                      pictures_.contents);
  const bool on_gpu =
      gpu != nullptr && !list_.mbaff && gpu->takes(list_.width * 16, list_.height * 16);
  reconstruction_.emplace(list_, *references_, target, substrate, on_gpu ? gpu : nullptr);
  deblocking_.emplace(list_, std::get<H264Parameters>(job.parameters).pps, target, substrate);
  entropy_ = std::move(*entropy);
  pictures.keep_motion(job, list_.motion);
}

void PictureDecoding::fail(Error error) {
  entropy_.reset();
  deblocking_.reset();
  reconstruction_.reset();
  pictures_ = {};
  list_.motion.reset();
  error_ = std::move(error);
}

uint64_t PictureDecoding::target_id() const { return job_->target->id(); }

bool PictureDecoding::is_read_by_lines() const {
  return job_->field == FieldRole::kFrame && list_.structure == PictureStructure::kFrame &&
         !list_.mbaff;
}

bool PictureDecoding::refers_to(const PictureDecoding& older) const {
  // A second field is written to the frame that its first one may be read from already.
  return target_id() == older.target_id() || has_reference(*job_, older.target_id()) ||
         has_reference(*older.job_, target_id());
}

DecodeOutcome PictureDecoding::finish() {
  DecodeOutcome outcome;
  if (entropy_ == nullptr) {
    outcome.error = error_;
    return outcome;
  }
  if (job_->field == FieldRole::kFirstField) {
    repeat_field(pictures_.target.view, list_.structure);
  }
  outcome.concealed = entropy_->damaged() != 0 || reconstruction_->missed_reference();
  outcome.frame = std::move(pictures_.target);
  fail({});
  return outcome;
}

}  // namespace daedalus::core::h264
