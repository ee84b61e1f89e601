// HEVC through requests: dynamic arrays of controls, bounds, and what the node makes of a picture.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "test/catch.h"
#include "test/cuse_device/v4l2/clip_pictures.h"
#include "test/cuse_device/v4l2/stateless_client.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::test {
namespace {

constexpr uint32_t kSliceParams = V4L2_CID_STATELESS_HEVC_SLICE_PARAMS;
constexpr uint32_t kEntryPoints = V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS;
constexpr uint32_t kDecodeParams = V4L2_CID_STATELESS_HEVC_DECODE_PARAMS;

// G_EXT_CTRLS of one control into `bytes`; `size` becomes what the ioctl says.
int get(RequestClient& client, uint32_t id, uint32_t which, int request_fd,
        std::span<std::byte> bytes, uint32_t* size) {
  v4l2_ext_control control{};
  control.id = id;
  control.size = static_cast<uint32_t>(bytes.size());
  control.ptr = bytes.data();
  v4l2_ext_controls controls{};
  controls.which = which;
  controls.request_fd = request_fd;
  controls.count = 1;
  controls.controls = &control;
  const int error = client.video.ioctl(VIDIOC_G_EXT_CTRLS, controls);
  *size = control.size;
  return error;
}

uint32_t elements_of(RequestClient& client, uint32_t id) {
  v4l2_query_ext_ctrl query{};
  query.id = id;
  REQUIRE(client.video.ioctl(VIDIOC_QUERY_EXT_CTRL, query) == 0);
  return query.elems;
}

ControlValue entry_points(const std::vector<uint32_t>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {kEntryPoints, {bytes.begin(), bytes.end()}};
}

ControlValue slice_params(size_t count, const v4l2_ctrl_hevc_slice_params& each = {}) {
  const std::vector<v4l2_ctrl_hevc_slice_params> all(count, each);
  const auto bytes = std::as_bytes(std::span(all));
  return {kSliceParams, {bytes.begin(), bytes.end()}};
}

template <typename T>
bool same(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

v4l2_ctrl_hevc_decode_params without_timestamps(v4l2_ctrl_hevc_decode_params decode) {
  for (v4l2_hevc_dpb_entry& entry : decode.dpb) entry.timestamp = 0;
  return decode;
}

// Everything that the node hands to the core is what the stream's own parser says.
void compare(const ClipPictures& pictures, size_t i) {
  INFO("picture " << i);
  const core::DecodeJob& expected = pictures.original(i);
  const core::DecodeJob& job = pictures.job(i);
  const auto& theirs = std::get<core::HevcParameters>(expected.parameters);
  const auto& ours = std::get<core::HevcParameters>(job.parameters);
  CHECK(same(ours.sps, theirs.sps));
  v4l2_ctrl_hevc_pps pps = theirs.pps;
  if (!(pps.flags & V4L2_HEVC_PPS_FLAG_TILES_ENABLED)) {
    pps.flags &= ~V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED;  // inferred, without effect
  }
  CHECK(same(ours.pps, pps));
  CHECK(same(ours.scaling_matrix, theirs.scaling_matrix));
  CHECK(same(without_timestamps(ours.decode), theirs.decode));
  REQUIRE(job.slices.size() == expected.slices.size());
  REQUIRE(ours.slices.size() == expected.slices.size());
  for (size_t slice = 0; slice < job.slices.size(); ++slice) {
    CHECK(std::ranges::equal(job.bytes_of(job.slices[slice]),
                             expected.bytes_of(expected.slices[slice])));
    CHECK(ours.slices[slice].lists == theirs.slices[slice].lists);
    CHECK(ours.slices[slice].reference_set_bits == theirs.slices[slice].reference_set_bits);
  }
  CHECK(pictures.same_references(i));
}

// A dependent slice segment of the picture (7.3.6.1), with a start code; PPS 0 has wavefronts and
// no extension of headers.
std::vector<uint8_t> dependent_slice(const core::DecodeJob& job) {
  const auto& sps = std::get<core::HevcParameters>(job.parameters).sps;
  const auto ctbs = [&](uint32_t samples) {
    const unsigned log2_size = sps.log2_min_luma_coding_block_size_minus3 + 3u +
                               sps.log2_diff_max_min_luma_coding_block_size;
    return ((samples - 1) >> log2_size) + 1;
  };
  const uint32_t count = ctbs(sps.pic_width_in_luma_samples) * ctbs(sps.pic_height_in_luma_samples);
  const auto first = job.bytes_of(job.slices[0]);
  BitWriter bits;
  bits.u(first[0], 8);
  bits.u(first[1], 8);
  bits.flag(false);                                             // first_slice_segment_in_pic_flag
  if ((first[0] >> 1 & 0x3f) >= 16) bits.flag(false);           // no_output_of_prior_pics_flag
  bits.ue(0);                                                   // slice_pic_parameter_set_id
  bits.flag(true);                                              // dependent_slice_segment_flag
  bits.u(1, static_cast<unsigned>(std::bit_width(count - 1)));  // slice_segment_address
  bits.ue(0);                                                   // num_entry_point_offsets
  std::vector<uint8_t> slice = {0, 0, 1};
  const auto nal = bits.finish();
  slice.insert(slice.end(), nal.begin(), nal.end());
  slice.insert(slice.end(), {0x12, 0x34, 0x80});
  return slice;
}

void allow_dependent_slices(std::vector<ControlValue>& controls) {
  for (ControlValue& control : controls) {
    if (control.id != V4L2_CID_STATELESS_HEVC_PPS) continue;
    v4l2_ctrl_hevc_pps pps;
    std::memcpy(&pps, control.bytes.data(), sizeof pps);
    pps.flags |= V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED;
    control = control_value(V4L2_CID_STATELESS_HEVC_PPS, pps);
  }
}

}  // namespace

TEST_CASE("dynamic arrays are as long as their last value, from one element to the most") {
  TestNodes nodes;
  RequestClient client(nodes);
  std::vector<std::byte> bytes(64);
  uint32_t size = 0;
  CHECK(elements_of(client, kEntryPoints) == 1);
  CHECK(get(client, kEntryPoints, V4L2_CTRL_WHICH_CUR_VAL, 0, bytes, &size) == 0);
  CHECK(size == 4);
  REQUIRE(client.set_control(-1, entry_points({1, 2, 3})) == 0);
  CHECK(elements_of(client, kEntryPoints) == 3);
  CHECK(get(client, kEntryPoints, V4L2_CTRL_WHICH_CUR_VAL, 0, bytes, &size) == 0);
  CHECK(size == 12);
  CHECK(std::to_integer<int>(bytes[8]) == 3);
  CHECK(get(client, kEntryPoints, V4L2_CTRL_WHICH_DEF_VAL, 0, bytes, &size) == 0);
  CHECK(size == 12);
  CHECK(std::to_integer<int>(bytes[8]) == 0);
  CHECK(get(client, kEntryPoints, V4L2_CTRL_WHICH_CUR_VAL, 0, std::span(bytes).first(11), &size) ==
        ENOSPC);
  CHECK(size == 12);

  // A part of an element counts for none.
  auto odd = entry_points({7, 8});
  odd.bytes.resize(7);
  REQUIRE(client.set_control(-1, odd) == 0);
  CHECK(elements_of(client, kEntryPoints) == 1);
  odd.bytes.resize(3);
  CHECK(client.set_control(-1, odd) == EFAULT);
  CHECK(elements_of(client, kEntryPoints) == 1);

  CHECK(client.set_control(-1, entry_points(std::vector<uint32_t>(4096, 1))) == 0);
  CHECK(elements_of(client, kEntryPoints) == 4096);
  CHECK(client.set_control(-1, entry_points(std::vector<uint32_t>(4097, 1))) == ENOSPC);
  CHECK(client.set_control(-1, slice_params(384)) == 0);
  CHECK(client.set_control(-1, slice_params(385)) == ENOSPC);
  CHECK(elements_of(client, kSliceParams) == 384);
}

TEST_CASE("a request has dynamic arrays of its own length") {
  ClipPictures pictures("hevc.mp4");
  RequestClient& client = pictures.client();
  std::vector<std::byte> bytes(64);
  uint32_t size = 0;
  REQUIRE(client.set_control(-1, entry_points({1, 2, 3, 4})) == 0);
  const auto add_two = [&](auto& controls, auto&) {
    controls.push_back(entry_points({9, 9}));
    CHECK(elements_of(client, kEntryPoints) == 4);
  };
  REQUIRE(pictures.queue(add_two, [&](int fd) {
    REQUIRE(client.set_control(-1, entry_points({1, 2, 3})) == 0);
    CHECK(get(client, kEntryPoints, V4L2_CTRL_WHICH_REQUEST_VAL, fd, bytes, &size) == 0);
    CHECK(size == 8);
    CHECK(std::to_integer<int>(bytes[4]) == 9);
    CHECK(get(client, kEntryPoints, V4L2_CTRL_WHICH_REQUEST_VAL, fd, std::span(bytes).first(4),
              &size) == ENOSPC);
    CHECK(size == 8);
  }));
  // Without any of its own it keeps those of the file when it was carried out.
  REQUIRE(pictures.queue(nullptr, [&](int fd) {
    REQUIRE(client.set_control(-1, entry_points({1, 2})) == 0);
    CHECK(get(client, kEntryPoints, V4L2_CTRL_WHICH_REQUEST_VAL, fd, bytes, &size) == 0);
    CHECK(size == 12);
  }));
}

TEST_CASE("all controls of the largest picture fit into one call over CUSE, many more into none") {
  constexpr size_t kMost = 131072;
  const size_t arrays = slice_params(384).bytes.size() + 4096 * sizeof(uint32_t);
  const size_t others = sizeof(v4l2_ctrl_hevc_sps) + sizeof(v4l2_ctrl_hevc_pps) +
                        sizeof(v4l2_ctrl_hevc_scaling_matrix) +
                        sizeof(v4l2_ctrl_hevc_decode_params);
  CHECK(sizeof(v4l2_ext_controls) + 6 * sizeof(v4l2_ext_control) + arrays + others <= kMost);
  TestNodes nodes;
  RequestClient client(nodes);
  const std::vector<ControlValue> three(3, slice_params(384));
  CHECK(client.set_controls(-1, three) == ENOMEM);
}

TEST_CASE("every element of an array is checked") {
  TestNodes nodes;
  RequestClient client(nodes);
  ControlValue value = slice_params(20);
  REQUIRE(client.set_control(-1, value) == 0);
  v4l2_ctrl_hevc_slice_params bad{};
  bad.slice_type = 3;
  std::memcpy(value.bytes.data() + 19 * sizeof bad, &bad, sizeof bad);
  CHECK(client.set_control(-1, value) == EINVAL);
}

TEST_CASE("pictures become the jobs that they were made of") {
  for (const char* clip : {"hevc.mp4", "hevc_10bit.mp4"}) {
    INFO(clip);
    ClipPictures pictures(clip);
    bool inter = false;
    for (size_t i = 0; i < pictures.count(); ++i) {
      REQUIRE(pictures.queue());
      compare(pictures, i);
      inter |= !pictures.job(i).references.empty();
    }
    CHECK(inter);
  }
}

// H.265 7.4.7.1: what a dependent slice segment does not say is as in the slice before it.
TEST_CASE("a dependent slice segment has the reference lists of its slice") {
  const bool own_request = GENERATE(false, true);
  ClipPictures pictures("hevc.mp4");
  if (own_request) {
    REQUIRE(pictures.client().set_control(
                -1, control_value(V4L2_CID_STATELESS_HEVC_DECODE_MODE,
                                  int32_t{V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED})) == 0);
  }
  size_t inter = 0;
  for (size_t i = 0; i < 10; ++i) {
    const core::DecodeJob& original = pictures.original(i);
    const auto dependent = dependent_slice(original);
    const ClipPictures::Change change = [&](auto& controls, std::vector<uint8_t>& data) {
      allow_dependent_slices(controls);
      if (!own_request) data.insert(data.end(), dependent.begin(), dependent.end());
    };
    std::span<const uint8_t> rest;
    if (own_request) rest = dependent;
    REQUIRE(pictures.queue(change, nullptr, rest));
    const core::DecodeJob& job = pictures.job(i);
    REQUIRE(job.slices.size() == original.slices.size() + 1);
    const auto& slices = std::get<core::HevcParameters>(job.parameters).slices;
    const core::HevcSliceParameters& whole =
        std::get<core::HevcParameters>(original.parameters).slices.back();
    REQUIRE(slices.size() == job.slices.size());
    CHECK(slices.back().lists == whole.lists);
    CHECK(slices.back().reference_set_bits == whole.reference_set_bits);
    inter += whole.lists != core::HevcSliceParameters{}.lists;
  }
  CHECK(inter > 5);
}

TEST_CASE("what slices and entry points say beside their headers changes nothing") {
  ClipPictures pictures("hevc.mp4");
  v4l2_ctrl_hevc_slice_params hostile{};
  std::memset(&hostile, 0xff, sizeof hostile);
  hostile.slice_type = hostile.colour_plane_id = 0;
  hostile.num_ref_idx_l0_active_minus1 = hostile.num_ref_idx_l1_active_minus1 = 15;
  for (size_t i = 0; i < 10; ++i) {
    REQUIRE(pictures.queue([&](auto& controls, auto&) {
      controls.push_back(slice_params(1 + i * 40, hostile));
      controls.push_back(entry_points(std::vector<uint32_t>(2 + i, UINT32_MAX)));
    }));
    compare(pictures, i);
  }
}

TEST_CASE("NAL units that are no slices of the base layer are left out") {
  ClipPictures pictures("hevc.mp4");
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(pictures.queue([](auto&, std::vector<uint8_t>& data) {
      const std::vector<uint8_t> before = {0, 0, 0, 1,    0x46, 0x01, 0x50,   // delimiter
                                           0, 0, 1, 0x02, 0x09, 0xd0, 0x80};  // layer 1
      data.insert(data.begin(), before.begin(), before.end());
      data.insert(data.end(), {0, 0, 1, 0x50, 0x01, 0x80});  // SEI
    }));
    compare(pictures, i);
  }
  CHECK_FALSE(pictures.queue([](auto&, auto& data) { data = {0, 0, 1, 0x46, 0x01, 0x50}; }));
}

TEST_CASE("without start codes the first NAL unit begins the buffer") {
  ClipPictures pictures("hevc.mp4");
  REQUIRE(pictures.client().set_control(
              -1, control_value(V4L2_CID_STATELESS_HEVC_START_CODE,
                                int32_t{V4L2_STATELESS_HEVC_START_CODE_NONE})) == 0);
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(pictures.queue([](auto&, auto& data) { data.erase(data.begin(), data.begin() + 3); }));
    compare(pictures, i);
  }
}

TEST_CASE("indices that lead nowhere and references that nobody has are missing pictures") {
  ClipPictures pictures("hevc.mp4");
  REQUIRE(pictures.queue());
  size_t changed = 0;
  for (size_t i = 1; i < pictures.count(); ++i) {
    (void)pictures.queue([&](std::vector<ControlValue>& controls, auto&) {
      for (ControlValue& control : controls) {
        if (control.id != kDecodeParams) continue;
        v4l2_ctrl_hevc_decode_params decode;
        std::memcpy(&decode, control.bytes.data(), sizeof decode);
        std::memset(decode.poc_st_curr_before, 0xff, sizeof decode.poc_st_curr_before);
        std::memset(decode.poc_st_curr_after, 200, sizeof decode.poc_st_curr_after);
        for (v4l2_hevc_dpb_entry& entry : decode.dpb) entry.timestamp = 5;
        changed += decode.num_active_dpb_entries != 0;
        control = control_value(kDecodeParams, decode);
      }
    });
    const core::DecodeJob& job = pictures.job(i);
    CHECK(job.references.size() == pictures.original(i).references.size());
    CHECK(std::ranges::all_of(job.references, [](const auto& r) { return r == nullptr; }));
  }
  CHECK(changed > 0);
}

TEST_CASE("the sample depth of the sequence chooses the CAPTURE formats") {
  TestNodes nodes;
  RequestClient client(nodes);
  REQUIRE(client.video.set_format(kOutput, V4L2_PIX_FMT_HEVC_SLICE, 64, 64) == 0);
  const auto formats = [&] {
    std::vector<uint32_t> all;
    v4l2_fmtdesc description{};
    description.type = kCapture;
    for (; client.video.ioctl(VIDIOC_ENUM_FMT, description) == 0; ++description.index) {
      all.push_back(description.pixelformat);
    }
    return all;
  };
  const auto set_depth = [&](uint8_t minus8) {
    v4l2_ctrl_hevc_sps sps{};
    sps.chroma_format_idc = 1;
    sps.bit_depth_luma_minus8 = sps.bit_depth_chroma_minus8 = minus8;
    REQUIRE(client.set_control(-1, control_value(V4L2_CID_STATELESS_HEVC_SPS, sps)) == 0);
  };
  set_depth(2);
  CHECK(formats() == std::vector<uint32_t>{V4L2_PIX_FMT_P010});
  CHECK(client.video.format(kCapture).pixelformat == V4L2_PIX_FMT_P010);
  set_depth(0);
  CHECK(formats() ==
        std::vector<uint32_t>{V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_NV12M});
  CHECK(client.video.format(kCapture).pixelformat == V4L2_PIX_FMT_NV12);
}

}  // namespace daedalus::test
