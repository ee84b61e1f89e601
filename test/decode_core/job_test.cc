#include "decode_core/job.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/session.h"
#include "test/catch.h"
#include "test/decode_core/fake_decoder.h"

namespace daedalus::core::test {
namespace {

const std::vector<Codec> kCodecs = {Codec::kH264,  Codec::kVp9,  Codec::kVp8,
                                    Codec::kMpeg2, Codec::kHevc, Codec::kAv1};

H264Parameters& h264(DecodeJob& job) { return std::get<H264Parameters>(job.parameters); }
HevcParameters& hevc(DecodeJob& job) { return std::get<HevcParameters>(job.parameters); }
Av1Parameters& av1(DecodeJob& job) { return std::get<Av1Parameters>(job.parameters); }

TEST_CASE("a whole job of every codec is valid and knows its size") {
  for (const Codec codec : kCodecs) {
    const DecodeJob job = make_job(codec, 64, 48);
    CHECK(job.codec() == codec);
    CHECK(validate(job).ok());
    CHECK(job.coded_width() == 64);
    CHECK(job.coded_height() == 48);
  }
  DecodeJob interlaced = make_job(Codec::kH264, 64, 48);
  h264(interlaced).sps.flags &= ~uint32_t{V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY};
  CHECK(interlaced.coded_height() == 96);
}

TEST_CASE("what no engine could rely on is refused, with the reason") {
  struct Case {
    const char* reason;  // part of the message
    Codec codec;
    std::function<void(DecodeJob&)> spoil;
  };
  const std::vector<Case> cases = {
      {"no target", Codec::kVp8, [](DecodeJob& job) { job.target.reset(); }},
      {"no slice data", Codec::kVp8, [](DecodeJob& job) { job.slices.clear(); }},
      {"not inside", Codec::kVp8, [](DecodeJob& job) { job.slices[0].size = 0; }},
      {"not inside", Codec::kVp8, [](DecodeJob& job) { job.slices[0].size = 7; }},
      {"not inside", Codec::kVp8, [](DecodeJob& job) { job.slices[0].offset = 1; }},
      {"not inside", Codec::kVp8,
       [](DecodeJob& job) {
         job.slices[0] = {UINT32_MAX, UINT32_MAX};
       }},
      {"not inside", Codec::kVp8,
       [](DecodeJob& job) {
         job.slices[0] = {2, UINT32_MAX - 1};
       }},
      {"overlap", Codec::kMpeg2,
       [](DecodeJob& job) {
         job.slices.push_back({0, 1});
       }},
      {"overlap", Codec::kH264, [](DecodeJob& job) { job.slices.resize(1000, job.slices[0]); }},
      {"too large", Codec::kH264, [](DecodeJob& job) { job.slices.resize(kMaxSlices + 1); }},
      {"too large", Codec::kVp9, [](DecodeJob& job) { job.bitstream.resize(kMaxCodedBytes + 1); }},
      {"one range", Codec::kVp9,
       [](DecodeJob& job) {
         job.slices = {{0, 1}, {1, 1}};
       }},
      {"one range", Codec::kVp8,
       [](DecodeJob& job) {
         job.slices = {{0, 1}, {1, 1}};
       }},
      {"0x48", Codec::kVp8,
       [](DecodeJob& job) { std::get<Vp8Parameters>(job.parameters).frame.width = 0; }},
      {"8193", Codec::kMpeg2,
       [](DecodeJob& job) {
         std::get<Mpeg2Parameters>(job.parameters).sequence.vertical_size = 8193;
       }},
      {"65536", Codec::kVp9,
       [](DecodeJob& job) {
         std::get<Vp9Parameters>(job.parameters).frame.frame_width_minus_1 = 65535;
       }},
      {"references", Codec::kVp9, [](DecodeJob& job) { job.references.resize(4); }},
      {"references", Codec::kMpeg2, [](DecodeJob& job) { job.references.resize(3); }},
      {"16 references", Codec::kH264, [](DecodeJob& job) { job.references.resize(17); }},
      {"chroma_format_idc", Codec::kH264,
       [](DecodeJob& job) { h264(job).sps.chroma_format_idc = 2; }},
      {"8 bits", Codec::kH264, [](DecodeJob& job) { h264(job).sps.bit_depth_luma_minus8 = 2; }},
      {"8 bits", Codec::kH264, [](DecodeJob& job) { h264(job).sps.bit_depth_chroma_minus8 = 2; }},
      {"pic_order_cnt_type", Codec::kH264,
       [](DecodeJob& job) { h264(job).sps.pic_order_cnt_type = 3; }},
      {"log2_max", Codec::kH264,
       [](DecodeJob& job) { h264(job).sps.log2_max_frame_num_minus4 = 13; }},
      {"log2_max", Codec::kH264,
       [](DecodeJob& job) { h264(job).sps.log2_max_pic_order_cnt_lsb_minus4 = 13; }},
      {"16 reference frames", Codec::kH264,
       [](DecodeJob& job) { h264(job).sps.max_num_ref_frames = 17; }},
      {"slice groups", Codec::kH264,
       [](DecodeJob& job) { h264(job).pps.num_slice_groups_minus1 = 1; }},
      {"weighted_bipred_idc", Codec::kH264,
       [](DecodeJob& job) { h264(job).pps.weighted_bipred_idc = 3; }},
      {"by default", Codec::kH264,
       [](DecodeJob& job) { h264(job).pps.num_ref_idx_l0_default_active_minus1 = 32; }},
      {"by default", Codec::kH264,
       [](DecodeJob& job) { h264(job).pps.num_ref_idx_l1_default_active_minus1 = 255; }},
      {"for each slice", Codec::kH264,
       [](DecodeJob& job) { h264(job).slice_reference_counts_minus1.clear(); }},
      {"active references", Codec::kH264,
       [](DecodeJob& job) { h264(job).slice_reference_counts_minus1[0][1] = 32; }},
      {"chroma_format_idc", Codec::kHevc,
       [](DecodeJob& job) { hevc(job).sps.chroma_format_idc = 2; }},
      {"8 and 10 bits", Codec::kHevc,
       [](DecodeJob& job) { hevc(job).sps.bit_depth_luma_minus8 = 2; }},
      {"8 and 10 bits", Codec::kHevc,
       [](DecodeJob& job) {
         hevc(job).sps.bit_depth_luma_minus8 = hevc(job).sps.bit_depth_chroma_minus8 = 4;
       }},
      {"log2_max", Codec::kHevc,
       [](DecodeJob& job) { hevc(job).sps.log2_max_pic_order_cnt_lsb_minus4 = 13; }},
      {"tree blocks", Codec::kHevc,
       [](DecodeJob& job) { hevc(job).sps.log2_min_luma_coding_block_size_minus3 = 3; }},
      {"tiles", Codec::kHevc, [](DecodeJob& job) { hevc(job).pps.num_tile_columns_minus1 = 20; }},
      {"tiles", Codec::kHevc, [](DecodeJob& job) { hevc(job).pps.num_tile_rows_minus1 = 22; }},
      {"header bits", Codec::kHevc,
       [](DecodeJob& job) { hevc(job).pps.num_extra_slice_header_bits = 8; }},
      {"16 references", Codec::kHevc,
       [](DecodeJob& job) { hevc(job).decode.num_active_dpb_entries = 17; }},
      {"16 references", Codec::kHevc,
       [](DecodeJob& job) { hevc(job).decode.num_poc_lt_curr = 17; }},
      {"16 references", Codec::kHevc, [](DecodeJob& job) { job.references.resize(17); }},
      {"each slice", Codec::kHevc, [](DecodeJob& job) { hevc(job).slices.clear(); }},
      {"displayed", Codec::kVp8, [](DecodeJob& job) { job.display = std::make_shared<Picture>(); }},
      {"displayed", Codec::kAv1, [](DecodeJob& job) { job.display = job.target; }},
      {"Main", Codec::kAv1, [](DecodeJob& job) { av1(job).sequence.seq_profile = 1; }},
      {"Main", Codec::kAv1, [](DecodeJob& job) { av1(job).sequence.bit_depth = 12; }},
      {"order hints", Codec::kAv1, [](DecodeJob& job) { av1(job).sequence.order_hint_bits = 9; }},
      {"8 references", Codec::kAv1, [](DecodeJob& job) { job.references.resize(9); }},
      {"8 slots", Codec::kAv1, [](DecodeJob& job) { job.refresh_frame_flags = 256; }},
      {"primary_ref_frame", Codec::kAv1,
       [](DecodeJob& job) { av1(job).frame.primary_ref_frame = 8; }},
      {"ref_frame_idx", Codec::kAv1, [](DecodeJob& job) { av1(job).frame.ref_frame_idx[6] = 8; }},
      {"ref_frame_idx", Codec::kAv1, [](DecodeJob& job) { av1(job).frame.ref_frame_idx[0] = -1; }},
      {"64x64", Codec::kAv1, [](DecodeJob& job) { av1(job).frame.tile_info.tile_cols = 0; }},
      {"64x64", Codec::kAv1, [](DecodeJob& job) { av1(job).frame.tile_info.tile_rows = 65; }},
      {"place of each", Codec::kAv1, [](DecodeJob& job) { av1(job).tiles.clear(); }},
      {"1 of 2 tiles", Codec::kAv1, [](DecodeJob& job) { av1(job).frame.tile_info.tile_cols = 2; }},
      {"outside the frame", Codec::kAv1, [](DecodeJob& job) { av1(job).tiles[0].tile_row = 1; }},
      {"outside the frame", Codec::kAv1,
       [](DecodeJob& job) { av1(job).tiles[0].tile_col = UINT32_MAX; }},
      {"comes twice", Codec::kAv1,
       [](DecodeJob& job) {
         av1(job).frame.tile_info.tile_cols = 2;
         job.slices = {{0, 1}, {1, 1}};
         av1(job).tiles.resize(2);
       }},
      {"64x0", Codec::kAv1,
       [](DecodeJob& job) { av1(job).frame.frame_height_minus_1 = UINT32_MAX; }},
      {"8193x48", Codec::kAv1, [](DecodeJob& job) { av1(job).frame.upscaled_width = 8193; }},
  };
  for (const Case& test : cases) {
    DecodeJob job = make_job(test.codec);
    test.spoil(job);
    const Status status = validate(job);
    INFO(test.reason);
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(status.error().message, Catch::Matchers::ContainsSubstring(test.reason));
  }
}

TEST_CASE("a context keeps its session, and one without adopts that of its references") {
  const auto old_session = make_session([](const DecodeJob&) { return decoded_frame(); });
  const auto other = make_session([](const DecodeJob&) { return decoded_frame(); });
  DecodeJob first = make_job(Codec::kVp8);
  const auto reference = first.target;
  REQUIRE(old_session->submit(std::move(first)).ok());

  DecodeJob job = make_job(Codec::kVp8);
  CHECK(session_for(job, nullptr) == nullptr);
  CHECK(session_for(job, other) == other);
  job.references = {nullptr, std::make_shared<Picture>(), reference};
  CHECK(session_for(job, nullptr) == old_session);
  CHECK(session_for(job, other) == other);

  // Not across codecs.
  DecodeJob mpeg2 = make_job(Codec::kMpeg2);
  mpeg2.references = {reference};
  CHECK(session_for(mpeg2, nullptr) == nullptr);
  CHECK(session_for(mpeg2, other) == nullptr);
  reference->wait();
}

}  // namespace
}  // namespace daedalus::core::test
