// Hand-made decode jobs and frames for the tests of the core.
#ifndef DAEDALUS_TEST_DECODE_CORE_JOBS_H_
#define DAEDALUS_TEST_DECODE_CORE_JOBS_H_

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "decode_core/frame_buffer.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"

namespace daedalus::core::test {

// A job that validate() accepts: one slice of a few bytes, a new target, `width` x `height` (H.264:
// rounded up to macroblocks).
DecodeJob make_job(Codec codec, uint32_t width = 64, uint32_t height = 48);

// Appends a slice to the job's bitstream; H.264: with the reference counts of `counts_minus1`.
void add_slice(DecodeJob& job, std::span<const uint8_t> bytes,
               std::array<uint8_t, 2> counts_minus1 = {});

// A NAL unit of a coded H.264 slice up to and with num_ref_idx_active_override_flag, for the
// parameters that make_job gives: frames only, pic_order_cnt_type 2, 4 bits of frame_num.
struct SliceWords {
  bool idr = false;
  uint32_t slice_type = 0;  // 0 P, 1 B, 2 I
  uint32_t pps_id = 0;
  uint32_t frame_num = 0;
  uint32_t idr_pic_id = 0;
  bool override_counts = false;
  uint32_t l0_minus1 = 0, l1_minus1 = 0;
};
std::vector<uint8_t> make_slice(const SliceWords& words);

// A frame of its own memory with random samples of the format's depth. Strides are a little larger
// than the rows; what lies in between is random too.
FrameBuffer make_frame(SampleFormat format, uint32_t width, uint32_t height, uint32_t seed);

// One sample; component 0 to 2 is Y, U, V, whatever the format.
uint16_t sample_at(const FrameView& frame, int component, uint32_t x, uint32_t y);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_JOBS_H_
