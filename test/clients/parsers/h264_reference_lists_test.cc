// The client's own H.264 reference lists (8.2.4) against cases worked out by hand.
#include "test/clients/parsers/h264_reference_lists.h"

#include <algorithm>

#include "test/catch.h"

namespace daedalus::clients {
namespace {

struct Entry {
  uint16_t frame_num;
  int32_t top, bottom;
  bool long_term = false;
  uint8_t fields = V4L2_H264_FRAME_REF;
};

struct Picture {
  v4l2_ctrl_h264_sps sps{};
  v4l2_ctrl_h264_decode_params decode{};

  auto lists(const H264SliceHeader& slice) const {
    H264ListContext context{sps, decode};
    for (size_t i = 0; i < context.order_counts.size(); ++i) {
      const v4l2_h264_dpb_entry& entry = decode.dpb[i];
      context.order_counts[i] = std::min(entry.top_field_order_cnt, entry.bottom_field_order_cnt);
    }
    return h264_reference_lists(context, slice);
  }
};

Picture picture_with(const std::vector<Entry>& entries, uint16_t frame_num, int32_t order) {
  Picture picture;  // frame_num modulo 16
  picture.decode.frame_num = frame_num;
  picture.decode.top_field_order_cnt = order;
  picture.decode.bottom_field_order_cnt = order + 1;
  for (size_t i = 0; i < entries.size(); ++i) {
    v4l2_h264_dpb_entry& entry = picture.decode.dpb[i];
    entry.frame_num = entries[i].frame_num;
    entry.top_field_order_cnt = entries[i].top;
    entry.bottom_field_order_cnt = entries[i].bottom;
    entry.fields = entries[i].fields;
    entry.flags = V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
    if (entries[i].long_term) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM;
  }
  return picture;
}

H264SliceHeader slice(H264SliceType type, uint8_t count0, uint8_t count1 = 0) {
  H264SliceHeader header;
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
  const Picture picture =
      picture_with({{14, 0, 1}, {1, 8, 9}, {3, 4, 5, true}, {0, 4, 5}, {2, 2, 3, true}}, 2, 12);
  const auto lists = picture.lists(slice(H264SliceType::kP, 6));
  CHECK(indices(lists[0]) == Indices{1, 3, 0, 4, 2, -1});
  CHECK(lists[1].empty());
}

TEST_CASE("B frames: by order count, before and after, and list 1 never equals list 0") {
  const Picture picture = picture_with({{0, 0, 1}, {1, 16, 17}, {2, 8, 9}, {3, 24, 25}}, 4, 12);
  const auto lists = picture.lists(slice(H264SliceType::kB, 4, 4));
  CHECK(indices(lists[0]) == Indices{2, 0, 1, 3});
  CHECK(indices(lists[1]) == Indices{1, 3, 2, 0});

  const Picture all_before = picture_with({{0, 0, 1}, {1, 4, 5}, {2, 8, 9}}, 3, 12);
  const auto same = all_before.lists(slice(H264SliceType::kB, 3, 3));
  CHECK(indices(same[0]) == Indices{2, 1, 0});
  CHECK(indices(same[1]) == Indices{1, 2, 0});
}

TEST_CASE("fields take turns, starting with the current parity") {
  Picture picture = picture_with({{1, 4, 5},
                                  {2, 8, 9, false, V4L2_H264_TOP_FIELD_REF},
                                  {3, 12, 13, false, V4L2_H264_BOTTOM_FIELD_REF}},
                                 4, 16);
  picture.decode.flags =
      V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC | V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
  const auto lists = picture.lists(slice(H264SliceType::kP, 4));
  REQUIRE(indices(lists[0]) == Indices{2, 1, 0, 0});
  CHECK(lists[0][0].fields == V4L2_H264_BOTTOM_FIELD_REF);
  CHECK(lists[0][1].fields == V4L2_H264_TOP_FIELD_REF);
  CHECK(lists[0][2].fields == V4L2_H264_BOTTOM_FIELD_REF);
  CHECK(lists[0][3].fields == V4L2_H264_TOP_FIELD_REF);
}

TEST_CASE("modifications move a picture to the front and keep the length") {
  const Picture picture = picture_with({{0, 0, 1}, {1, 4, 5}, {2, 8, 9}, {0, 2, 3, true}}, 3, 12);
  H264SliceHeader header = slice(H264SliceType::kP, 3);
  header.modifications[0] = {{0, 2}};  // PicNum 3 - 3 = 0
  CHECK(indices(picture.lists(header)[0]) == Indices{0, 2, 1});
  header.modifications[0] = {{2, 0}, {0, 0}};  // long-term 0, then PicNum 2
  CHECK(indices(picture.lists(header)[0]) == Indices{3, 2, 1});
  header.modifications[0] = {{0, 13}};  // PicNum 3 - 14 = -11: nobody
  CHECK(indices(picture.lists(header)[0]) == Indices{-1, 2, 1});
}

}  // namespace daedalus::clients
