// H.264 streams of headers alone: which pictures there are and in which order they are shown
// (8.2.1, C.4, 7.4.1.2.4).
#include <array>
#include <vector>

#include "test/catch.h"
#include "test/tools/parsed_stream/h264_stream_writer.h"

namespace daedalus::test {
namespace {

using Numbers = std::vector<int>;

constexpr Structure kTop = Structure::kTop;
constexpr Structure kBottom = Structure::kBottom;
const TestPicture kIdr{.idr = true};

TEST_CASE("B pictures are shown before the picture that they were decoded after") {
  const auto parsed = parse(frames_of(2), {kIdr,
                                           {.frame_num = 1, .order = 6},
                                           {.frame_num = 2, .order = 2, .reference = false},
                                           {.frame_num = 2, .order = 4, .reference = false},
                                           {.frame_num = 2, .order = 12},
                                           {.frame_num = 3, .order = 8, .reference = false}});
  CHECK(parsed.error.empty());
  CHECK(parsed.jobs.size() == 6);
  CHECK(parsed.shown == Numbers{0, 2, 3, 1, 5, 4});
  CHECK(parsed.visible.width == 64);
  CHECK(parsed.visible.height == 64);
}

TEST_CASE("The output waits for room in the decoded picture buffer and no longer") {
  H264StreamWriter writer = frames_of(1);
  writer.sps.restriction = {1, 2};
  const auto parser = parsed_stream::create_h264_parser();
  std::vector<parsed_stream::Event> events;
  REQUIRE(parser->parse(writer.parameter_sets(), events).ok());
  const auto shown_after = [&](const TestPicture& picture) {
    const size_t before = events.size();
    REQUIRE(parser->parse(writer.slice(picture), events).ok());
    return events.size() - before - 1;
  };
  CHECK(shown_after(kIdr) == 0);
  CHECK(shown_after({.frame_num = 1, .order = 4}) == 0);
  CHECK(shown_after({.frame_num = 2, .order = 2, .reference = false}) == 1);
  CHECK(shown_after({.frame_num = 2, .order = 8}) == 1);
  // The lowest count of all and no reference: it is not even stored.
  CHECK(shown_after({.frame_num = 3, .order = 3, .reference = false}) == 1);
  ParsedPictures parsed;
  parsed.add(events);
  CHECK(parsed.shown == Numbers{0, 2, 4});
  parser->flush(events);
  ParsedPictures whole;
  whole.add(events);
  CHECK(whole.shown == Numbers{0, 2, 4, 1, 3});
}

TEST_CASE("An IDR picture sends out what came before it") {
  const auto parsed = parse(frames_of(1), {kIdr,
                                           {.frame_num = 1, .order = 8},
                                           {.frame_num = 2, .order = 4, .reference = false},
                                           {.order = 0, .idr = true},
                                           {.frame_num = 1, .order = 2}});
  CHECK(parsed.shown == Numbers{0, 2, 1, 3, 4});
  CHECK(parsed.jobs[3].references.empty());
  CHECK(parsed.jobs[4].references == Numbers{3});
}

TEST_CASE("pic_order_cnt_lsb wraps both ways") {
  std::vector<TestPicture> pictures = {kIdr};
  // 2 lsb a frame, of 256: forward over the wrap; then a B picture back before it.
  for (uint16_t i = 1; i < 128; ++i) {
    pictures.push_back(
        {.frame_num = static_cast<uint16_t>(i % 16), .order = static_cast<uint16_t>(2 * i)});
  }
  pictures.push_back({.frame_num = 0, .order = 2});
  pictures.push_back({.frame_num = 1, .order = 255, .reference = false});
  const auto parsed = parse(frames_of(1), pictures);
  CHECK(parsed.jobs[128].decode.top_field_order_cnt == 258);
  CHECK(parsed.jobs[129].decode.top_field_order_cnt == 255);
}

TEST_CASE("Counts of type 1 follow the cycle of offsets") {
  H264StreamWriter writer = frames_of(1);
  v4l2_ctrl_h264_sps& sps = writer.sps.control;
  sps.pic_order_cnt_type = 1;
  sps.log2_max_pic_order_cnt_lsb_minus4 = 0;
  sps.flags |= V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO;
  sps.offset_for_non_ref_pic = -3;
  sps.offset_for_top_to_bottom_field = 1;
  sps.num_ref_frames_in_pic_order_cnt_cycle = 2;
  sps.offset_for_ref_frame[0] = 4;
  sps.offset_for_ref_frame[1] = 6;
  const auto parsed = parse(writer, {kIdr,
                                     {.frame_num = 1},
                                     {.frame_num = 2},
                                     {.frame_num = 3},
                                     {.frame_num = 4, .reference = false}});
  REQUIRE(parsed.jobs.size() == 5);
  const auto top = [&](size_t i) { return parsed.jobs[i].decode.top_field_order_cnt; };
  CHECK(top(0) == 0);
  CHECK(top(1) == 4);
  CHECK(top(2) == 10);
  CHECK(top(3) == 14);
  CHECK(top(4) == 14 - 3);
  CHECK(parsed.jobs[3].decode.bottom_field_order_cnt == 15);
  CHECK(parsed.shown == Numbers{0, 1, 2, 4, 3});
}

TEST_CASE("Counts of type 2 follow frame_num, over its wrap") {
  H264StreamWriter writer = frames_of(1);
  writer.sps.control.pic_order_cnt_type = 2;
  writer.sps.control.log2_max_pic_order_cnt_lsb_minus4 = 0;
  std::vector<TestPicture> pictures = {kIdr};
  for (uint16_t i = 1; i < 18; ++i)
    pictures.push_back({.frame_num = static_cast<uint16_t>(i % 16)});
  pictures.push_back({.frame_num = 2, .reference = false});
  const auto parsed = parse(writer, pictures);
  REQUIRE(parsed.jobs.size() == 19);
  CHECK(parsed.jobs[15].decode.top_field_order_cnt == 30);
  CHECK(parsed.jobs[17].decode.top_field_order_cnt == 34);
  CHECK(parsed.jobs[18].decode.top_field_order_cnt == 35);
}

TEST_CASE("An unpaired field is a picture of its own, decoded and not shown") {
  const auto parsed = parse(fields_of(2), {{.idr = true, .structure = kTop},
                                           {.frame_num = 1, .order = 2, .structure = kTop},
                                           {.frame_num = 1, .order = 3, .structure = kBottom},
                                           {.frame_num = 2, .order = 4, .structure = kBottom}});
  CHECK(parsed.shown == Numbers{1});
  CHECK(parsed.jobs[1].field == core::FieldRole::kFirstField);
  CHECK(parsed.jobs[2].field == core::FieldRole::kSecondField);
  CHECK(parsed.jobs[3].field == core::FieldRole::kFirstField);
  CHECK(parsed.jobs[3].picture == 2);
  CHECK(parsed.jobs[1].decode.dpb[0].fields == V4L2_H264_TOP_FIELD_REF);
}

TEST_CASE("Where only one field of each frame comes they are shown from the third on") {
  std::vector<TestPicture> pictures = {{.idr = true, .structure = kTop}};
  for (uint16_t i = 1; i < 6; ++i) {
    pictures.push_back({.frame_num = i, .order = static_cast<uint16_t>(2 * i), .structure = kTop});
  }
  CHECK(parse(fields_of(2), pictures).shown == Numbers{2, 3, 4, 5});
}

// ---- Access units and odd streams ----

TEST_CASE("Slices of one picture are one job, in one packet or with another picture's") {
  const H264StreamWriter writer = frames_of(2);
  std::vector<uint8_t> packet = writer.parameter_sets();
  const auto append = [&](const TestPicture& picture, uint32_t first_mb) {
    const std::vector<uint8_t> slice = writer.slice(picture, first_mb);
    packet.insert(packet.end(), slice.begin(), slice.end());
  };
  append(kIdr, 0);
  append(kIdr, 8);
  append({.frame_num = 1, .order = 2}, 0);
  append({.frame_num = 1, .order = 2}, 3);
  append({.frame_num = 1, .order = 2}, 9);
  const auto parser = parsed_stream::create_h264_parser();
  std::vector<parsed_stream::Event> events;
  REQUIRE(parser->parse(packet, events).ok());
  parser->flush(events);
  ParsedPictures parsed;
  parsed.add(events);
  REQUIRE(parsed.jobs.size() == 2);
  CHECK(parsed.jobs[0].slices == 2);
  CHECK(parsed.jobs[1].slices == 3);
  for (const parsed_stream::Event& event : events) {
    const auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode != nullptr) CHECK(core::validate(decode->job).ok());
  }
}

TEST_CASE("Redundant pictures and the units of other layers are dropped") {
  H264StreamWriter writer = frames_of(2);
  writer.pps.control.flags = V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT;
  std::vector<uint8_t> packet = writer.parameter_sets();
  const auto append = [&](const std::vector<uint8_t>& nal) {
    packet.insert(packet.end(), {0, 0, 1});
    packet.insert(packet.end(), nal.begin(), nal.end());
  };
  headers::H264SliceHeader header = writer.header(kIdr);
  append({14 | 0x60, 0x80, 1});
  append(write_slice(header, writer.context()));
  header.slice.redundant_pic_cnt = 1;
  append(write_slice(header, writer.context()));
  append({20 | 0x60, 0x80, 1});
  append({2 | 0x60, 0x88, 0x84});
  const auto parser = parsed_stream::create_h264_parser();
  std::vector<parsed_stream::Event> events;
  CHECK(parser->parse(packet, events).ok());
  parser->flush(events);
  ParsedPictures parsed;
  parsed.add(events);
  REQUIRE(parsed.jobs.size() == 1);
  CHECK(parsed.jobs[0].slices == 1);
  CHECK(parsed.shown == Numbers{0});
}

TEST_CASE("Decoding may begin at a recovery point; what is shown before it is not output") {
  const H264StreamWriter writer = frames_of(2);
  const std::vector<uint8_t> recovery = {0, 0, 1, 6, 6, 1, 0b11000000, 0x80};  // 0 frames
  const std::vector<TestPicture> pictures = {
      {.frame_num = 4, .order = 10},
      {.frame_num = 5, .order = 20},                      // the recovery point
      {.frame_num = 6, .order = 16, .reference = false},  // a leading picture
      {.frame_num = 6, .order = 24}};
  const auto parser = parsed_stream::create_h264_parser();
  std::vector<parsed_stream::Event> events;
  REQUIRE(parser->parse(writer.parameter_sets(), events).ok());
  for (size_t i = 0; i < pictures.size(); ++i) {
    std::vector<uint8_t> packet;
    if (i == 1) packet = recovery;
    const std::vector<uint8_t> slice = writer.slice(pictures[i]);
    packet.insert(packet.end(), slice.begin(), slice.end());
    REQUIRE(parser->parse(packet, events).ok());
  }
  parser->flush(events);
  ParsedPictures parsed;
  parsed.add(events);
  CHECK(parsed.jobs.size() == 4);
  CHECK(parsed.shown == Numbers{1, 3});
}

TEST_CASE("An intra picture with few references around it is a recovery point too") {
  const std::vector<TestPicture> pictures = {{.frame_num = 4, .order = 10},
                                             {.frame_num = 5, .order = 20, .intra = true},
                                             {.frame_num = 6, .order = 16, .reference = false},
                                             {.frame_num = 6, .order = 24}};
  CHECK(parse(frames_of(2), pictures).shown == Numbers{1, 3});
  // Six references by default speak for pictures before it that are needed.
  H264StreamWriter writer = frames_of(6);
  writer.pps.control.num_ref_idx_l0_default_active_minus1 = 5;
  CHECK(parse(writer, pictures).shown.empty());
}

TEST_CASE("Pictures that follow an IDR picture and are shown before it are output") {
  const auto parsed = parse(
      frames_of(2), {{.order = 8, .idr = true}, {.frame_num = 1, .order = 4, .reference = false}});
  CHECK(parsed.shown == Numbers{1, 0});
}

TEST_CASE("The visible part follows the cropping window") {
  H264StreamWriter writer = frames_of(1);
  writer.sps.cropping = {2, 4, 6, 8};
  const auto parsed = parse(writer, {kIdr});
  CHECK(parsed.visible.x == 2);
  CHECK(parsed.visible.y == 6);
  CHECK(parsed.visible.width == 64 - 6);
  CHECK(parsed.visible.height == 64 - 14);
}

TEST_CASE("A change of size sends out what came before, without an IDR picture too") {
  const H264StreamWriter small = frames_of(2);
  H264StreamWriter large = frames_of(2);
  large.sps.control.pic_width_in_mbs_minus1 = 7;
  const auto parser = parsed_stream::create_h264_parser();
  std::vector<parsed_stream::Event> events;
  for (const H264StreamWriter* writer : std::array<const H264StreamWriter*, 2>{&small, &large}) {
    REQUIRE(parser->parse(writer->parameter_sets(), events).ok());
    REQUIRE(parser->parse(writer->slice({.order = 0, .idr = writer == &small}), events).ok());
    REQUIRE(parser->parse(writer->slice({.frame_num = 1, .order = 2}), events).ok());
  }
  parser->flush(events);
  ParsedPictures parsed;
  parsed.add(events);
  CHECK(parsed.shown == Numbers{0, 1, 2, 3});
  CHECK(parsed.jobs[2].references.empty());
  CHECK(parsed.jobs[3].references == Numbers{2});
  CHECK(parsed.visible.width == 128);
}

TEST_CASE("What cannot be read is reported, and parsing goes on") {
  const H264StreamWriter writer = frames_of(2);
  const auto parser = parsed_stream::create_h264_parser();
  std::vector<parsed_stream::Event> events;
  CHECK_FALSE(parser->parse(writer.slice(kIdr), events).ok());  // no parameter sets yet
  const std::vector<uint8_t> damaged = {0, 0, 1, 0xe7, 1, 0, 0, 1, 0x67, 77};
  CHECK_FALSE(parser->parse(damaged, events).ok());
  CHECK(parser->parse({}, events).ok());
  CHECK(events.empty());
  CHECK(parser->parse(writer.parameter_sets(), events).ok());
  CHECK(parser->parse(writer.slice(kIdr), events).ok());
  CHECK(events.size() == 1);
}

}  // namespace
}  // namespace daedalus::test
