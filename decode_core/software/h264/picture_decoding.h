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
  // Begins a job, which outlives finish(). Where that fails, rows() is 0 and finish() tells why.
  void start(const DecodeJob& job, Pictures& pictures,
             const gpu_kernels::SubstrateChoice& substrate);
  // Nothing is left of the job but `error`.
  void fail(Error error);

  uint32_t rows() const { return entropy_ != nullptr ? entropy_->rows() : 0; }
  uint32_t parsed_rows() const { return parsed_rows_; }
  uint32_t macroblocks() const { return list_.width * list_.height; }

  // The passes over a row, each in the order of rows. After the last one has passed entropy
  // decoding, later pictures may use its motion.
  void parse_row(Pictures& pictures);
  void reconstruct_row(uint32_t row) { reconstruction_->reconstruct_row(row); }
  void deblock_row(uint32_t row) { deblocking_->filter_row(row); }

  // The outcome, after all passes of all rows. Lets the job's pictures go.
  DecodeOutcome finish();

 private:
  const DecodeJob* job_ = nullptr;
  JobPictures pictures_;
  PictureList list_;
  std::unique_ptr<EntropyDecoder> entropy_;
  uint32_t parsed_rows_ = 0;
  std::optional<ReferenceSamples> references_;
  std::optional<Reconstruction> reconstruction_;
  std::optional<Deblocking> deblocking_;
  Error error_{};
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURE_DECODING_H_
