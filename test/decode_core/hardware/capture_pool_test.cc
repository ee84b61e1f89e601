// Which references a picture needs.
#include "decode_core/hardware/capture_pool.h"

#include <algorithm>
#include <memory>

#include "decode_core/picture.h"
#include "test/catch.h"
#include "test/decode_core/jobs.h"

namespace daedalus::core::test {

TEST_CASE("a picture refers to what it is predicted from, not to all that is kept") {
  for (const Codec codec :
       {Codec::kH264, Codec::kVp9, Codec::kVp8, Codec::kMpeg2, Codec::kHevc, Codec::kAv1}) {
    CAPTURE(to_string(codec));
    DecodeJob job = make_job(codec);
    job.references.assign(8, nullptr);
    for (size_t i = 0; i < 8; ++i) CHECK_FALSE(refers_to(job, i));
    CHECK_FALSE(refers_to(job, 8));
  }
  const auto kept = std::make_shared<Picture>();
  DecodeJob av1 = make_job(Codec::kAv1);
  av1.references.assign(8, kept);
  auto& frame = std::get<Av1Parameters>(av1.parameters).frame;
  frame.frame_type = V4L2_AV1_KEY_FRAME;
  CHECK_FALSE(refers_to(av1, 3));
  frame.frame_type = V4L2_AV1_INTER_FRAME;
  std::ranges::fill(frame.ref_frame_idx, int8_t{3});
  CHECK(refers_to(av1, 3));
  CHECK_FALSE(refers_to(av1, 4));

  DecodeJob hevc = make_job(Codec::kHevc);
  hevc.references.assign(3, kept);
  auto& decode = std::get<HevcParameters>(hevc.parameters).decode;
  decode = {};
  decode.num_active_dpb_entries = 3;
  decode.num_poc_st_curr_after = 1;
  decode.poc_st_curr_after[0] = 2;
  CHECK_FALSE(refers_to(hevc, 0));
  CHECK(refers_to(hevc, 2));

  DecodeJob mpeg2 = make_job(Codec::kMpeg2);
  mpeg2.references.assign(2, kept);
  std::get<Mpeg2Parameters>(mpeg2.parameters).picture.picture_coding_type =
      V4L2_MPEG2_PIC_CODING_TYPE_P;
  CHECK(refers_to(mpeg2, 0));
  CHECK_FALSE(refers_to(mpeg2, 1));
}

}  // namespace daedalus::core::test
