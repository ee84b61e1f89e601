#include "test/decode_core/hardware/va_gaps.h"

#include "decode_core/uapi/controls.h"

namespace daedalus::core::test {
namespace {

// All that VA does not tell are sent as allowed: each frame says what it uses.
constexpr uint64_t kAv1Tools =
    V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION | V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS |
    V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES | V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION |
    V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q;

constexpr VaGap kGaps[] = {
    {V4L2_CID_STATELESS_H264_SPS, "level_idc", kWholeField, 0, "VA has no level"},
    {V4L2_CID_STATELESS_H264_PPS, "num_ref_idx_l0_default_active_minus1", kWholeField, 0,
     "told by slices that use it alone, and no slice of the picture does"},
    {V4L2_CID_STATELESS_H264_PPS, "num_ref_idx_l1_default_active_minus1", kWholeField, 0,
     "told by slices that use it alone, and no slice of the picture does"},
    {V4L2_CID_STATELESS_HEVC_SPS, "sps_max_sub_layers_minus1", kWholeField, 6,
     "VA does not tell how many there are: the most are sent, so that drivers keep what all need"},
    {V4L2_CID_STATELESS_HEVC_SPS, "sps_max_num_reorder_pics", kWholeField, 0,
     "of output, which is the client's"},
    {V4L2_CID_STATELESS_HEVC_SPS, "sps_max_latency_increase_plus1", kWholeField, 0,
     "of output, which is the client's"},
    {V4L2_CID_STATELESS_MPEG2_SEQUENCE, "vbv_buffer_size", kWholeField, 0,
     "VA has nothing of the sequence header but the size"},
    {V4L2_CID_STATELESS_MPEG2_SEQUENCE, "profile_and_level_indication", kWholeField, 0x44,
     "VA has no level: Main at High is sent"},
    {V4L2_CID_STATELESS_MPEG2_SEQUENCE, "flags", V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE, 0,
     "progressive_sequence is not in VA, and an even number of macroblock rows does not show it"},
    {V4L2_CID_STATELESS_VP8_FRAME, "flags", V4L2_VP8_FRAME_FLAG_SHOW_FRAME,
     V4L2_VP8_FRAME_FLAG_SHOW_FRAME, "VA has no show_frame"},
    {V4L2_CID_STATELESS_AV1_SEQUENCE, "flags", kAv1Tools, kAv1Tools,
     "tools that VA does not tell are sent as allowed"},
    {V4L2_CID_STATELESS_AV1_FRAME, "refresh_frame_flags", kWholeField, 0,
     "the job has them, or the next picture tells: they are filled in when the picture is sent"},
};

}  // namespace

std::span<const VaGap> va_gaps() { return kGaps; }

}  // namespace daedalus::core::test
