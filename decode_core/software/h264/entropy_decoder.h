// EntropyDecoder: the first pass of the native H.264 engine. Slice data in, the macroblock list
// out: everything of 7.3.4, 7.3.5, 9.1 to 9.3, 8.3.1.1, 8.4.1 and 8.5.9 to 8.5.11; no pixel.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_ENTROPY_DECODER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_ENTROPY_DECODER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "decode_core/job.h"
#include "decode_core/software/h264/macroblock_list.h"

namespace daedalus::core::h264 {

// The motion of one of DecodeJob::references, as it was coded: as one frame (MBAFF too), or as
// fields, of which one may be null. All null: unknown (a made-up picture), it counts as intra.
struct ReferenceMotion {
  std::shared_ptr<const MotionField> frame;
  std::shared_ptr<const MotionField> top;
  std::shared_ptr<const MotionField> bottom;
};

// kUnsupported: pictures with these parameters are refused, though validate() lets them through.
Status check_supported(const H264Parameters& parameters);

// One picture. Used by one thread at a time. What `motions` point to may still be written until the
// first parse_row().
class EntropyDecoder {
 public:
  virtual ~EntropyDecoder() = default;

  // The job has passed validate(). Job, motions and list outlive the decoder. `motions` is parallel
  // to DecodeJob::references (a second field's own first field included). Sizes `list`, whose
  // buffers are taken over from the picture before; its motion is made anew. kUnsupported:
  // check_supported(), and SP and SI slices; kCorrupt: no slice has a readable header.
  static Result<std::unique_ptr<EntropyDecoder>> create(const DecodeJob& job,
                                                        std::span<const ReferenceMotion> motions,
                                                        PictureList& list);

  // Rows in order, each once: 0, 1, … rows() - 1. Afterwards the row is complete for all later
  // passes: macroblocks that no slice has, or that are damaged, are kMissing, and the slices they
  // name are filled (what is missing before the first slice names one that may not be).
  virtual void parse_row(uint32_t row) = 0;
  // Whether parse_row() may read the motion of references (direct prediction of B slices).
  virtual bool reads_motion() const = 0;
  // Of macroblocks; of pairs in an MBAFF frame.
  virtual uint32_t rows() const = 0;
  // Macroblocks of the rows so far that are missing or in which an error was found.
  virtual uint32_t damaged() const = 0;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_ENTROPY_DECODER_H_
