// Devices that take H.264 and HEVC slice by slice, and such that want to be told of slices in whole
// pictures: what each request says of its slices is what another reader of the stream finds
// (test/clients/parsers), the CAPTURE buffer is held until the last one, and the pixels are
// software's.
#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "test/catch.h"
#include "test/clients/parsers/stream_parser.h"
#include "test/corpus.h"
#include "test/decode_core/hardware/slice_device.h"
#include "test/decode_core/stream/streams.h"
#include "test/statistics.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::core::test {
namespace {

using clients::CodedPicture;
using daedalus::test::only_page;
using daedalus::test::TemporaryFolder;

// The stream's pictures in decoding order.
std::vector<CodedPicture> read_pictures(const std::string& path, Codec codec) {
  auto demuxer = parsed_stream::Demuxer::open(path);
  REQUIRE(demuxer.ok());
  const auto parser = clients::create_parser(codec);
  std::vector<clients::Event> events;
  REQUIRE(parser->parse((*demuxer)->headers(), events).ok());
  parsed_stream::Demuxer::Packet packet;
  while (*(*demuxer)->next(packet)) REQUIRE(parser->parse(packet.data, events).ok());
  parser->flush(events);
  std::vector<CodedPicture> pictures;
  for (clients::Event& event : events) {
    if (auto* coded = std::get_if<CodedPicture>(&event)) pictures.push_back(std::move(*coded));
  }
  return pictures;
}

std::span<const uint8_t> nal_of(const CodedPicture& picture, size_t slice) {
  const std::span<const uint8_t> all = picture.bitstream;
  const size_t end = slice + 1 < picture.slices.size() ? picture.slices[slice + 1] - 3 : all.size();
  return all.subspan(picture.slices[slice], end - picture.slices[slice]);
}

template <typename T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// Of all requests that were sent.
struct Seen {
  size_t requests = 0;
  size_t held = 0;
  size_t slices = 0;
  size_t inter = 0;
  size_t weighted = 0;
  size_t entry_points = 0;
  size_t most_slices = 0;  // in one request
};

// The slice data are found as hardware finds them: from data_byte_offset of the buffer on, as far
// as bit_size says.
void check_slice(const SliceDevice::Sent& request, v4l2_ctrl_hevc_slice_params slice,
                 const v4l2_ctrl_hevc_slice_params& expected, std::span<const uint8_t> nal) {
  REQUIRE(slice.bit_size / 8 <= request.bytes.size());
  REQUIRE(slice.data_byte_offset < slice.bit_size / 8);
  const auto data =
      std::span(request.bytes)
          .subspan(slice.data_byte_offset, slice.bit_size / 8 - slice.data_byte_offset);
  REQUIRE(std::ranges::equal(data, nal.subspan(expected.data_byte_offset)));
  slice.bit_size = expected.bit_size;
  slice.data_byte_offset = expected.data_byte_offset;
  REQUIRE(same_bytes(slice, expected));
}

// One request of an HEVC picture; returns the slice after its last.
size_t check_hevc(const SliceDevice::Sent& request, const CodedPicture& picture, size_t first,
                  bool with_entry_points, Seen& seen) {
  const auto slices =
      request.array<v4l2_ctrl_hevc_slice_params>(V4L2_CID_STATELESS_HEVC_SLICE_PARAMS);
  REQUIRE_FALSE(slices.empty());
  REQUIRE(first + slices.size() <= picture.slices.size());
  std::vector<uint32_t> entry_points;
  for (size_t i = 0; i < slices.size(); ++i) {
    CAPTURE(i);
    const auto& expected = std::get<clients::HevcSliceControls>(picture.slice_controls[first + i]);
    check_slice(request, slices[i], expected.slice, nal_of(picture, first + i));
    entry_points.insert(entry_points.end(), expected.entry_point_offsets.begin(),
                        expected.entry_point_offsets.end());
    const bool inter = slices[i].slice_type != V4L2_HEVC_SLICE_TYPE_I;
    seen.inter += inter ? 1 : 0;
    const v4l2_hevc_pred_weight_table none{};
    seen.weighted += same_bytes(slices[i].pred_weight_table, none) ? 0 : 1;
  }
  const auto sent = request.array<uint32_t>(V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS);
  CHECK(sent == (with_entry_points ? entry_points : std::vector<uint32_t>()));
  seen.entry_points += sent.size();
  seen.slices += slices.size();
  seen.most_slices = std::max(seen.most_slices, slices.size());
  return first + slices.size();
}

// Each entry of a list by the order counts of the picture that it leads to, and by its fields.
void check_list(const v4l2_h264_reference* list, const v4l2_ctrl_h264_decode_params& decode,
                const v4l2_h264_reference* expected,
                const v4l2_ctrl_h264_decode_params& expected_decode, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    CAPTURE(i);
    REQUIRE(list[i].index < V4L2_H264_NUM_DPB_ENTRIES);
    if (expected[i].index >= V4L2_H264_NUM_DPB_ENTRIES) continue;  // a missing picture
    const v4l2_h264_dpb_entry& ours = decode.dpb[list[i].index];
    const v4l2_h264_dpb_entry& theirs = expected_decode.dpb[expected[i].index];
    REQUIRE(list[i].fields == expected[i].fields);
    REQUIRE(ours.frame_num == theirs.frame_num);
    REQUIRE(ours.flags == theirs.flags);
    if (list[i].fields & V4L2_H264_TOP_FIELD_REF)
      REQUIRE(ours.top_field_order_cnt == theirs.top_field_order_cnt);
    if (list[i].fields & V4L2_H264_BOTTOM_FIELD_REF)
      REQUIRE(ours.bottom_field_order_cnt == theirs.bottom_field_order_cnt);
  }
}

size_t check_h264(const SliceDevice::Sent& request, const CodedPicture& picture, size_t first,
                  Seen& seen) {
  const auto slices =
      request.array<v4l2_ctrl_h264_slice_params>(V4L2_CID_STATELESS_H264_SLICE_PARAMS);
  REQUIRE(slices.size() == 1);
  const auto decode =
      request.array<v4l2_ctrl_h264_decode_params>(V4L2_CID_STATELESS_H264_DECODE_PARAMS);
  REQUIRE(decode.size() == 1);
  const auto& expected = std::get<clients::H264SliceControls>(picture.slice_controls[first]);
  const auto& expected_decode = std::get<clients::H264Controls>(picture.controls).decode;
  REQUIRE(std::ranges::equal(request.bytes, nal_of(picture, first)));
  v4l2_ctrl_h264_slice_params slice = slices.front();
  const bool b = slice.slice_type == V4L2_H264_SLICE_TYPE_B;
  const bool inter = b || slice.slice_type == V4L2_H264_SLICE_TYPE_P;
  if (inter) {
    check_list(slice.ref_pic_list0, decode[0], expected.slice.ref_pic_list0, expected_decode,
               slice.num_ref_idx_l0_active_minus1 + 1u);
    ++seen.inter;
  }
  if (b) {
    check_list(slice.ref_pic_list1, decode[0], expected.slice.ref_pic_list1, expected_decode,
               slice.num_ref_idx_l1_active_minus1 + 1u);
  }
  std::memcpy(slice.ref_pic_list0, expected.slice.ref_pic_list0, sizeof slice.ref_pic_list0);
  std::memcpy(slice.ref_pic_list1, expected.slice.ref_pic_list1, sizeof slice.ref_pic_list1);
  REQUIRE(same_bytes(slice, expected.slice));
  const auto weights =
      request.array<v4l2_ctrl_h264_pred_weights>(V4L2_CID_STATELESS_H264_PRED_WEIGHTS);
  REQUIRE(weights.size() == (expected.weighted ? 1 : 0));
  if (expected.weighted) REQUIRE(same_bytes(weights.front(), expected.weights));
  seen.weighted += weights.size();
  ++seen.slices;
  seen.most_slices = 1;
  return first + 1;
}

// The requests of all pictures, one after the other.
Seen check_requests(const std::vector<SliceDevice::Sent>& sent,
                    const std::vector<CodedPicture>& pictures, bool with_entry_points) {
  Seen seen;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const CodedPicture& picture = pictures[i];
    uint64_t timestamp = 0;
    for (size_t slice = 0; slice < picture.slices.size();) {
      CAPTURE(i, slice, seen.requests);
      REQUIRE(seen.requests < sent.size());
      const SliceDevice::Sent& request = sent[seen.requests++];
      if (slice == 0) timestamp = request.timestamp;
      REQUIRE(request.timestamp == timestamp);
      slice = std::holds_alternative<clients::HevcControls>(picture.controls)
                  ? check_hevc(request, picture, slice, with_entry_points, seen)
                  : check_h264(request, picture, slice, seen);
      const bool last = slice == picture.slices.size() && picture.field != clients::Field::kFirst;
      REQUIRE(request.holds != last);
      seen.held += request.holds ? 1 : 0;
    }
  }
  CHECK(seen.requests == sent.size());
  return seen;
}

// The stream decodes on the device as in software.
std::vector<SliceDevice::Sent> play(const SliceDevice::Driver& driver, const std::string& path) {
  const PlayedFile expected = play_file(*make_core(1), path);
  const TemporaryFolder folder;
  SliceDevice device(driver);
  {
    const auto core = make_hardware_core(device, "hardware:loopback", folder.path());
    const PlayedFile played = play_file(*core, path);
    CHECK(played.failure == "");
    CHECK(played.engine == "daedalus");
    REQUIRE(played.pictures.size() == expected.pictures.size());
    for (size_t i = 0; i < played.pictures.size(); ++i) {
      CAPTURE(i);
      REQUIRE(played.pictures[i] == expected.pictures[i]);
    }
  }
  const StatisticsSnapshot page = only_page(folder.path());
  CHECK(page.backend == "hardware");
  CHECK(page.errors == 0);
  CHECK(device.inner().open_files() == 0);
  CHECK(device.inner().mappings() == 0);
  return device.sent();
}

Seen check_stream(const SliceDevice::Driver& driver, const std::string& path, Codec codec) {
  CAPTURE(path);
  return check_requests(play(driver, path), read_pictures(path, codec),
                        driver.most_entry_points > 0);
}

struct HevcDriver {
  const char* name;
  SliceDevice::Driver driver;
  size_t most_slices;  // of hevc_slices.mp4, in one request
};

// By the controls of their drivers: cedrus.c, rpivid.c, hevc_d.c.
const HevcDriver kHevcDrivers[] = {
    {"cedrus", {.most_slices = 1, .most_entry_points = 256}, 1},
    {"cedrus with start codes", {.annex_b = true, .most_slices = 1, .most_entry_points = 256}, 1},
    {"three slices at once", {.most_slices = 3}, 3},
    {"four entry points at once", {.most_slices = 9, .most_entry_points = 4}, 3},
    {"rpivid", {.holds = false, .most_slices = 4096}, 4},
    {"rpi-hevc-dec", {.slice_based = false, .frame_based = true, .most_slices = 600}, 4},
    {"rpi-hevc-dec with start codes",
     {.slice_based = false, .frame_based = true, .annex_b = true, .most_slices = 600},
     4},
    {"either mode", {.frame_based = true, .most_slices = 256, .most_entry_points = 256}, 4},
};

}  // namespace

TEST_CASE("HEVC slices are told of as each driver wants it") {
  const HevcDriver& what = kHevcDrivers[GENERATE(0, 1, 2, 3, 4, 5, 6, 7)];
  CAPTURE(std::string(what.name));
  const Seen seen = check_stream(what.driver, "test/data/hevc_slices.mp4", Codec::kHevc);
  CHECK(seen.slices == 160);
  CHECK(seen.inter > 100);
  CHECK(seen.weighted > 20);
  CHECK(seen.most_slices == what.most_slices);
  CHECK(seen.held == seen.requests - 40);
  CHECK((seen.entry_points > 0) == (what.driver.most_entry_points > 0));
}

TEST_CASE("HEVC pictures of one slice, and of 10 bits, go to slice-based drivers") {
  for (const char* clip : {"hevc.mp4", "hevc_10bit.mp4"}) {
    const Seen seen =
        check_stream(kHevcDrivers[0].driver, std::string("test/data/") + clip, Codec::kHevc);
    CHECK(seen.inter > 40);
    CHECK(seen.held == 0);
  }
}

TEST_CASE("HEVC streams of every kind go to both kinds of drivers", "[corpus]") {
  const size_t what = GENERATE(0, 7);
  SliceDevice::Driver driver = kHevcDrivers[what].driver;
  driver.most_entry_points = 4096;
  size_t slices = 0;
  daedalus::test::for_each_corpus_stream("hevc", [&](const std::string& path, const auto& row) {
    if (!daedalus::test::has_420_samples(row) || std::stoul(row.at("frames")) > 60) return false;
    slices += check_stream(driver, path, Codec::kHevc).slices;
    return true;
  });
  CHECK(slices > 200);
}

TEST_CASE("a driver without slice parameters is told of none") {
  SliceDevice::Driver driver;
  driver.slice_based = false;
  driver.frame_based = true;
  driver.most_slices = 0;
  const auto sent = play(driver, "test/data/hevc_slices.mp4");
  REQUIRE(sent.size() == 40);
  for (const SliceDevice::Sent& request : sent) {
    CHECK_FALSE(request.controls.contains(V4L2_CID_STATELESS_HEVC_SLICE_PARAMS));
  }
}

TEST_CASE("H.264 goes slice by slice to drivers that take nothing else") {
  SliceDevice::Driver driver;
  driver.annex_b = false;
  const Seen seen = check_stream(driver, "test/data/h264.mp4", Codec::kH264);
  CHECK(seen.requests == 240);
  CHECK(seen.held == 180);
  CHECK(seen.inter > 200);
  CHECK(seen.weighted > 0);
  const Seen mbaff = check_stream(driver, "test/data/h264_interlaced.mp4", Codec::kH264);
  CHECK(mbaff.requests == 50);
  CHECK(mbaff.inter > 40);
}

TEST_CASE("drivers of both modes get whole H.264 pictures, and no slice parameters") {
  SliceDevice::Driver driver;
  driver.frame_based = true;
  const auto sent = play(driver, "test/data/h264.mp4");
  REQUIRE(sent.size() == 60);
  for (const SliceDevice::Sent& request : sent) {
    CHECK_FALSE(request.holds);
    CHECK_FALSE(request.controls.contains(V4L2_CID_STATELESS_H264_SLICE_PARAMS));
  }
}

// Fields, too: those of a frame are held together, slice after slice.
TEST_CASE("H.264 fields and many slices go slice by slice", "[corpus]") {
  size_t fields = 0;
  daedalus::test::for_each_corpus_stream("h264", [&](const std::string& path, const auto& row) {
    const std::string& tools = row.at("tools");
    const bool field = tools.find("PAFF") != std::string::npos;
    if ((!field && tools.find("multi-slice") == std::string::npos) ||
        row.at("pix_fmt") != "yuv420p" || std::stoul(row.at("frames")) > 30) {
      return false;
    }
    const Seen seen = check_stream({}, path, Codec::kH264);
    CHECK(seen.slices > 0);
    fields += field ? 1 : 0;
    return true;
  });
  CHECK(fields > 0);
}

TEST_CASE("pictures that the controls cannot tell of are not sent") {
  SliceDevice::Driver driver = kHevcDrivers[GENERATE(0, 4, 5)].driver;
  const bool frames = driver.frame_based;
  if (frames) driver.most_slices = 3;
  if (!frames && !driver.holds) driver.most_slices = 2;  // more than one request, and no hold
  if (driver.holds && !frames) driver.most_entry_points = 1;
  CAPTURE(frames, driver.holds);
  SliceDevice device(driver);
  device.inner().set_driver("test-vpu");
  const TemporaryFolder folder;
  const auto core = make_hardware_core(device, "prefer-hardware", folder.path());
  const PlayedFile played = play_file(*core, "test/data/hevc_slices.mp4");
  CHECK(played.failure == "");
  CHECK(played.pictures == play_file(*make_core(1), "test/data/hevc_slices.mp4").pictures);
  const auto pages = read_statistics(folder.path());
  REQUIRE(pages.ok());
  for (const auto& stage : pages->front().stages) CHECK(stage.substrate != "test-vpu");
}

}  // namespace daedalus::core::test
