// H.264 streams of headers alone: what each picture may refer to (8.2.5).
#include <vector>

#include "test/catch.h"
#include "test/tools/parsed_stream/h264_stream_writer.h"

namespace daedalus::test {
namespace {

using Numbers = std::vector<int>;

constexpr Structure kTop = Structure::kTop;
constexpr Structure kBottom = Structure::kBottom;
const TestPicture kIdr{.idr = true};

TEST_CASE("The sliding window keeps the last references, non-references none") {
  const auto parsed = parse(frames_of(2), {kIdr,
                                           {.frame_num = 1, .order = 2},
                                           {.frame_num = 2, .order = 4, .reference = false},
                                           {.frame_num = 2, .order = 6},
                                           {.frame_num = 3, .order = 8}});
  CHECK(parsed.jobs[1].references == Numbers{0});
  CHECK(parsed.jobs[2].references == Numbers{0, 1});
  CHECK(parsed.jobs[3].references == Numbers{0, 1});
  CHECK(parsed.jobs[4].references == Numbers{1, 3});
}

TEST_CASE("A reference is described as V4L2 wants it") {
  std::vector<TestPicture> pictures = {kIdr};
  for (uint16_t i = 1; i < 17; ++i) {
    pictures.push_back(
        {.frame_num = static_cast<uint16_t>(i % 16), .order = static_cast<uint16_t>(2 * i)});
  }
  pictures[14].marking = {make_long(0, 3)};
  const auto parsed = parse(frames_of(3), pictures);
  // frame_num 0 after 15: of 13 (long-term 3), 14 and 15 the last two are behind the wrap.
  const ParsedPictures::Job& job = parsed.jobs[16];
  REQUIRE(job.references == Numbers{13, 14, 15});
  const v4l2_h264_dpb_entry& long_term = job.decode.dpb[0];
  CHECK(long_term.frame_num == 3);
  CHECK(long_term.pic_num == 3);
  CHECK(long_term.flags == (V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE |
                            V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM));
  const v4l2_h264_dpb_entry& short_term = job.decode.dpb[2];
  CHECK(short_term.frame_num == 15);
  CHECK(static_cast<int32_t>(short_term.pic_num) == -1);
  CHECK(short_term.fields == V4L2_H264_FRAME_REF);
  CHECK(short_term.top_field_order_cnt == 30);
  CHECK(short_term.flags == (V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE));
  CHECK(job.decode.dpb[3].flags == 0);
}

// ---- Memory management control operations ----

// The references of the last of these pictures.
Numbers references_after(const H264StreamWriter& writer, std::vector<TestPicture> pictures) {
  const auto parsed = parse(writer, pictures);
  CHECK(parsed.error.empty());
  return parsed.jobs.back().references;
}

TEST_CASE("Operation 1 releases the short-term picture that it names") {
  CHECK(references_after(frames_of(4), {kIdr,
                                        {.frame_num = 1, .order = 2},
                                        {.frame_num = 2, .order = 4, .marking = {unmark_short(1)}},
                                        {.frame_num = 3, .order = 6}}) == Numbers{1, 2});
}

TEST_CASE("Operations 3 and 2 make and release long-term pictures") {
  std::vector<TestPicture> pictures = {kIdr,
                                       {.frame_num = 1, .order = 2, .marking = {make_long(0, 0)}},
                                       {.frame_num = 2, .order = 4},
                                       {.frame_num = 3, .order = 6},
                                       {.frame_num = 4, .order = 8},
                                       {.frame_num = 5, .order = 10}};
  CHECK(references_after(frames_of(3), pictures) == Numbers{0, 3, 4});
  pictures[4].marking = {unmark_long(0)};
  CHECK(references_after(frames_of(3), pictures) == Numbers{2, 3, 4});
  // The index goes to another picture: the first holder is released.
  pictures[4].marking = {make_long(0, 0)};
  CHECK(references_after(frames_of(4), pictures) == Numbers{1, 2, 3, 4});
}

TEST_CASE("Operation 4 releases long-term pictures beyond the limit") {
  CHECK(references_after(frames_of(4), {{.idr = true, .long_term_reference = true},
                                        {.frame_num = 1, .order = 2, .marking = {current_long(1)}},
                                        {.frame_num = 2, .order = 4, .marking = {limit_long(1)}},
                                        {.frame_num = 3, .order = 6}}) == Numbers{0, 2});
}

TEST_CASE("Operation 5 releases everything and begins to count anew") {
  const auto parsed =
      parse(frames_of(4), {kIdr,
                           {.frame_num = 1, .order = 8},
                           {.frame_num = 2, .order = 4, .reference = false},
                           {.frame_num = 2, .order = 20, .marking = {reset_marking()}},
                           {.frame_num = 1, .order = 4}});
  CHECK(parsed.shown == Numbers{0, 2, 1, 3, 4});
  CHECK(parsed.jobs[3].decode.top_field_order_cnt == 20);
  REQUIRE(parsed.jobs[4].references == Numbers{3});
  CHECK(parsed.jobs[4].decode.dpb[0].frame_num == 0);
  CHECK(parsed.jobs[4].decode.dpb[0].top_field_order_cnt == 0);
  CHECK(parsed.jobs[4].decode.top_field_order_cnt == 4);
}

TEST_CASE("Damaged marking never leaves more references than the sequence allows") {
  std::vector<TestPicture> pictures = {kIdr};
  for (uint16_t i = 1; i < 40; ++i) {
    pictures.push_back({.frame_num = static_cast<uint16_t>(i % 16),
                        .order = static_cast<uint16_t>(2 * i),
                        .marking = {current_long(i % 16)}});
  }
  const auto parsed = parse(frames_of(3), pictures);
  for (const auto& job : parsed.jobs) CHECK(job.references.size() <= 3);
}

// ---- Gaps ----

TEST_CASE("Frames of a gap are inferred: references without a picture that are never shown") {
  H264StreamWriter writer = frames_of(3);
  writer.sps.control.flags |= V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED;
  const auto parsed =
      parse(writer, {kIdr, {.frame_num = 3, .order = 6}, {.frame_num = 4, .order = 8}});
  CHECK(parsed.jobs.size() == 3);
  CHECK(parsed.jobs[1].references == Numbers{0, -1, -1});
  CHECK(parsed.jobs[1].decode.dpb[1].frame_num == 1);
  CHECK(parsed.jobs[1].decode.dpb[2].frame_num == 2);
  CHECK(parsed.jobs[2].references == Numbers{-1, -1, 1});
  CHECK(parsed.shown == Numbers{0, 1, 2});
}

TEST_CASE("A gap over the wrap of frame_num leaves only what the window holds") {
  H264StreamWriter writer = frames_of(2);
  writer.sps.control.pic_order_cnt_type = 2;
  writer.sps.control.log2_max_pic_order_cnt_lsb_minus4 = 0;
  const auto parsed = parse(writer, {kIdr, {.frame_num = 14}, {.frame_num = 9}, {.frame_num = 10}});
  CHECK(parsed.jobs[1].references == Numbers{-1, -1});
  CHECK(parsed.jobs[2].references == Numbers{-1, -1});
  CHECK(parsed.jobs[2].decode.top_field_order_cnt == 2 * (16 + 9));
  CHECK(parsed.jobs[3].references == Numbers{-1, 2});
  CHECK(parsed.shown == Numbers{0, 1, 2, 3});
}

// ---- Fields ----

TEST_CASE("Two fields of opposite parity make one picture; the second may refer to the first") {
  const auto parsed =
      parse(fields_of(2), {{.idr = true, .structure = kTop},
                           {.order = 1, .structure = kBottom},
                           {.frame_num = 1, .order = 4, .structure = kBottom},
                           {.frame_num = 1, .order = 5, .structure = kTop},
                           {.frame_num = 2, .order = 2, .reference = false, .structure = kTop},
                           {.frame_num = 2, .order = 3, .reference = false, .structure = kBottom}});
  REQUIRE(parsed.jobs.size() == 6);
  CHECK(parsed.shown == Numbers{0, 2, 1});
  CHECK(parsed.jobs[0].field == core::FieldRole::kFirstField);
  CHECK(parsed.jobs[1].field == core::FieldRole::kSecondField);
  CHECK(parsed.jobs[1].picture == 0);
  REQUIRE(parsed.jobs[1].references == Numbers{0});
  CHECK(parsed.jobs[1].decode.dpb[0].fields == V4L2_H264_TOP_FIELD_REF);
  CHECK((parsed.jobs[1].decode.dpb[0].flags & V4L2_H264_DPB_ENTRY_FLAG_FIELD) != 0);
  CHECK(parsed.jobs[1].decode.dpb[0].pic_num == 1);
  REQUIRE(parsed.jobs[3].references == Numbers{0, 1});
  CHECK(parsed.jobs[3].decode.dpb[1].fields == V4L2_H264_BOTTOM_FIELD_REF);
  CHECK(parsed.jobs[3].decode.dpb[1].pic_num == 3);
  CHECK(parsed.jobs[3].decode.dpb[1].bottom_field_order_cnt == 4);
  // Of a pair that is no reference the second field does not refer to the first.
  CHECK(parsed.jobs[5].references == Numbers{0, 1});
}

TEST_CASE("Fields are marked one by one") {
  // Picture numbers of the field with frame_num 2: same parity 5, and from there 1 is frame 0's
  // same parity, 0 its other one.
  const auto after = [](headers::H264MarkingOperation operation) {
    const auto parsed = parse(
        fields_of(4), {{.idr = true, .structure = kTop},
                       {.order = 1, .structure = kBottom},
                       {.frame_num = 1, .order = 2, .structure = kTop},
                       {.frame_num = 1, .order = 3, .structure = kBottom},
                       {.frame_num = 2, .order = 4, .structure = kTop, .marking = {operation}},
                       {.frame_num = 2, .order = 5, .structure = kBottom}});
    CHECK(parsed.jobs[5].references == Numbers{0, 1, 2});
    return parsed.jobs[5].decode.dpb[0];
  };
  CHECK(after(unmark_short(3)).fields == V4L2_H264_BOTTOM_FIELD_REF);
  CHECK(after(unmark_short(4)).fields == V4L2_H264_TOP_FIELD_REF);
  const v4l2_h264_dpb_entry half_long = after(make_long(3, 1));
  CHECK((half_long.flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM) != 0);
  CHECK(half_long.frame_num == 1);
}

TEST_CASE("Both fields of a pair become one long-term frame") {
  const auto parsed =
      parse(fields_of(2),
            {{.idr = true, .structure = kTop},
             {.order = 1, .structure = kBottom},
             {.frame_num = 1, .order = 2, .structure = kTop, .marking = {make_long(0, 2)}},
             {.frame_num = 1, .order = 3, .structure = kBottom, .marking = {make_long(2, 2)}},
             {.frame_num = 2, .order = 4}});
  // In the bottom field's terms frame 0's bottom field is number 1, its own 3: difference 2.
  const ParsedPictures::Job& job = parsed.jobs[4];
  REQUIRE(job.references == Numbers{0, 1});
  CHECK(job.decode.dpb[0].frame_num == 2);
  CHECK(job.decode.dpb[0].fields == V4L2_H264_FRAME_REF);
  CHECK((job.decode.dpb[0].flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM) != 0);
}

}  // namespace
}  // namespace daedalus::test
