// The client's own H.264 reference lists (8.2.4) against cases worked out by hand.
#include "decode_core/picture.h"
#include "test/catch.h"
#include "test/clients/va/h264_reference_lists.h"

namespace daedalus::va_client {
namespace {

struct Entry {
  uint16_t frame_num;
  int32_t top, bottom;
  bool long_term = false;
  uint8_t fields = V4L2_H264_FRAME_REF;
};

core::DecodeJob job_with(const std::vector<Entry>& entries, uint16_t frame_num, int32_t order) {
  core::DecodeJob job;
  core::H264Parameters p;
  p.sps.log2_max_frame_num_minus4 = 0;  // frame_num modulo 16
  p.decode.frame_num = frame_num;
  p.decode.top_field_order_cnt = order;
  p.decode.bottom_field_order_cnt = order + 1;
  job.target = std::make_shared<core::Picture>();
  for (size_t i = 0; i < entries.size(); ++i) {
    v4l2_h264_dpb_entry& entry = p.decode.dpb[i];
    entry.frame_num = entries[i].frame_num;
    entry.top_field_order_cnt = entries[i].top;
    entry.bottom_field_order_cnt = entries[i].bottom;
    entry.fields = entries[i].fields;
    entry.flags = V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
    if (entries[i].long_term) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM;
    job.references.push_back(std::make_shared<core::Picture>());
  }
  job.parameters = p;
  return job;
}

core::H264Parameters& parameters(core::DecodeJob& job) {
  return std::get<core::H264Parameters>(job.parameters);
}

clients::H264SliceHeader slice(clients::H264SliceType type, uint8_t count0, uint8_t count1 = 0) {
  clients::H264SliceHeader header;
  header.type = type;
  header.reference_count = {count0, count1};
  return header;
}

std::vector<int> indices(const std::vector<H264Reference>& list) {
  std::vector<int> result;
  for (const H264Reference& reference : list)
    result.push_back(reference.none() ? -1 : static_cast<int>(reference.dpb_index));
  return result;
}

using Indices = std::vector<int>;

}  // namespace

TEST_CASE("P frames: short-term by falling PicNum, then long-term by rising number") {
  // frame_num 14 was coded before the wrap at 16: its PicNum is -2.
  const core::DecodeJob job =
      job_with({{14, 0, 1}, {1, 8, 9}, {3, 4, 5, true}, {0, 4, 5}, {2, 2, 3, true}}, 2, 12);
  const auto lists = h264_reference_lists(job, slice(clients::H264SliceType::kP, 6));
  CHECK(indices(lists[0]) == Indices{1, 3, 0, 4, 2, -1});
  CHECK(lists[1].empty());
}

TEST_CASE("B frames: by order count, before and after, and list 1 never equals list 0") {
  const core::DecodeJob job = job_with({{0, 0, 1}, {1, 16, 17}, {2, 8, 9}, {3, 24, 25}}, 4, 12);
  const auto lists = h264_reference_lists(job, slice(clients::H264SliceType::kB, 4, 4));
  CHECK(indices(lists[0]) == Indices{2, 0, 1, 3});
  CHECK(indices(lists[1]) == Indices{1, 3, 2, 0});

  const core::DecodeJob all_before = job_with({{0, 0, 1}, {1, 4, 5}, {2, 8, 9}}, 3, 12);
  const auto same = h264_reference_lists(all_before, slice(clients::H264SliceType::kB, 3, 3));
  CHECK(indices(same[0]) == Indices{2, 1, 0});
  CHECK(indices(same[1]) == Indices{1, 2, 0});
}

TEST_CASE("fields take turns, starting with the current parity") {
  core::DecodeJob job = job_with({{1, 4, 5},
                                  {2, 8, 9, false, V4L2_H264_TOP_FIELD_REF},
                                  {3, 12, 13, false, V4L2_H264_BOTTOM_FIELD_REF}},
                                 4, 16);
  parameters(job).decode.flags =
      V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC | V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
  const auto lists = h264_reference_lists(job, slice(clients::H264SliceType::kP, 4));
  REQUIRE(indices(lists[0]) == Indices{2, 1, 0, 0});
  CHECK(lists[0][0].fields == V4L2_H264_BOTTOM_FIELD_REF);
  CHECK(lists[0][1].fields == V4L2_H264_TOP_FIELD_REF);
  CHECK(lists[0][2].fields == V4L2_H264_BOTTOM_FIELD_REF);
  CHECK(lists[0][3].fields == V4L2_H264_TOP_FIELD_REF);
}

TEST_CASE("modifications move a picture to the front and keep the length") {
  const core::DecodeJob job = job_with({{0, 0, 1}, {1, 4, 5}, {2, 8, 9}, {0, 2, 3, true}}, 3, 12);
  clients::H264SliceHeader header = slice(clients::H264SliceType::kP, 3);
  header.modifications[0] = {{0, 2}};  // PicNum 3 - 3 = 0
  CHECK(indices(h264_reference_lists(job, header)[0]) == Indices{0, 2, 1});
  header.modifications[0] = {{2, 0}, {0, 0}};  // long-term 0, then PicNum 2
  CHECK(indices(h264_reference_lists(job, header)[0]) == Indices{3, 2, 1});
  header.modifications[0] = {{0, 13}};  // PicNum 3 - 14 = -11: nobody
  CHECK(indices(h264_reference_lists(job, header)[0]) == Indices{-1, 2, 1});
}

}  // namespace daedalus::va_client
