// PictureDecoding: one job on its way through the passes.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURE_DECODING_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURE_DECODING_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "decode_core/backend.h"
#include "decode_core/software/h264/deblocking.h"
#include "decode_core/software/h264/entropy_decoder.h"
#include "decode_core/software/h264/pictures.h"
#include "decode_core/software/h264/reconstruction.h"
#include "decode_core/software/h264/reference_samples.h"

namespace daedalus::core::h264 {

// Used for one job after another, whose buffers it takes over.
class PictureDecoding {
 public:
  // Begins a job, which outlives finish(). Later jobs may refer to its picture from now on. Where
  // that fails, rows() is 0 and finish() tells why. `gpu`: asked whether it takes the picture; null
  // for the CPU; it outlives finish().
  void start(const DecodeJob& job, Pictures& pictures,
             const gpu_kernels::SubstrateChoice& substrate, InterGpu* gpu);
  // Nothing is left of the job but `error`.
  void fail(Error error);

  uint32_t rows() const { return entropy_ != nullptr ? entropy_->rows() : 0; }
  uint32_t macroblocks() const { return list_.width * list_.height; }
  // Whether what other pictures read of it, and it of others, can be told in lines: a frame without
  // field macroblocks. Else pictures depend on one another as a whole.
  bool is_read_by_lines() const;
  // As of Reconstruction.
  bool predicts_at_once() const { return reconstruction_->predicts_at_once(); }
  InterOn inter_on() const {
    return reconstruction_.has_value() ? reconstruction_->inter_on() : InterOn::kCpu;
  }
  // Whether parse_row() may read the motion of references.
  bool reads_motion() const { return entropy_->reads_motion(); }
  uint64_t target_id() const;
  // Whether it needs samples or motion of a job begun before, or writes what that one reads.
  bool refers_to(const PictureDecoding& older) const;

  // The passes over a row, each in the order of rows.
  void parse_row(uint32_t row) { entropy_->parse_row(row); }
  void plan_row(uint32_t row) { reconstruction_->plan_row(row); }
  void reconstruct_row(uint32_t row) { reconstruction_->reconstruct_row(row); }
  void deblock_row(uint32_t row) { deblocking_->filter_row(row); }
  // Luma lines from the top of each reference that the planned row reads, at most.
  uint32_t lines_read() const { return reconstruction_->lines_read(); }

  // The outcome, after all passes of all rows. Lets the job's pictures go.
  DecodeOutcome finish();

 private:
  const DecodeJob* job_ = nullptr;
  JobPictures pictures_;
  PictureList list_;
  std::unique_ptr<EntropyDecoder> entropy_;
  std::optional<ReferenceSamples> references_;
  std::optional<Reconstruction> reconstruction_;
  std::optional<Deblocking> deblocking_;
  Error error_{};
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURE_DECODING_H_
