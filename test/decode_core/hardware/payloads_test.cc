// That the comparison of payloads sees what differs, names it, and excuses no more than it should.
#include "test/decode_core/hardware/payloads.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "decode_core/record/recording.h"
#include "decode_core/uapi/controls.h"
#include "test/catch.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using Change = std::function<void(DecodeJob&)>;

// The clip's jobs as a recording, changed.
std::vector<Payload> payloads_of(const std::string& clip, const Change& change = nullptr) {
  const daedalus::test::TemporaryFile file;
  auto stream = parsed_stream::ParsedStream::open("test/data/" + clip);
  REQUIRE(stream.ok());
  auto writer = RecordingWriter::create(file.path());
  REQUIRE(writer.ok());
  parsed_stream::Event event;
  std::vector<parsed_stream::Event> kept;  // ids of pictures are used once
  for (;;) {
    const auto more = (*stream)->next(event);
    REQUIRE(more.ok());
    if (!*more) break;
    if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      if (change) change(decode->job);
      (*writer)->write(1, *(*stream)->profile(), decode->job, std::nullopt);
    }
    kept.push_back(std::move(event));
  }
  auto payloads = read_payloads(file.read());
  REQUIRE(payloads.ok());
  REQUIRE(payloads->size() >= 50);
  return std::move(*payloads);
}

TEST_CASE("payloads: a stream's are its own, and references are told by their number") {
  const std::string clip = GENERATE("h264.mp4", "h264_interlaced.mp4", "vp9.webm", "vp8.webm",
                                    "mpeg2.mpg", "hevc.mp4", "av1.webm");
  const auto stream = payloads_of(clip);
  CHECK(compare_payloads(stream, payloads_of(clip)).empty());
  for (size_t i = 0; i < stream.size(); ++i) CHECK(stream[i].target == i + 1);
}

TEST_CASE("payloads: each difference is told by its field, its first request and their number") {
  const auto stream = payloads_of("h264.mp4");
  auto client = stream;
  auto& pps = client[4].controls.at(V4L2_CID_STATELESS_H264_PPS);
  pps[offsetof(v4l2_ctrl_h264_pps, weighted_bipred_idc)] ^= 1;
  client[5].controls.at(V4L2_CID_STATELESS_H264_PPS) = pps;
  client[6].coded.back() ^= 1;
  client[7].target = 1;
  client[8].controls.erase(V4L2_CID_STATELESS_H264_SPS);
  const auto differences = compare_payloads(client, stream);
  REQUIRE(differences.size() == 4);
  CHECK(differences[0].where == "h264_pps.weighted_bipred_idc");
  CHECK(differences[0].first == 5);
  CHECK(differences[0].requests == 2);
  CHECK(differences[1].where == "coded bytes");
  CHECK(differences[2].where == "timestamp");
  CHECK(differences[3].where == "h264_sps");
  for (const Difference& difference : differences) CHECK(difference.reason.empty());
}

TEST_CASE("payloads: pictures that are left out, added or swapped are told") {
  const auto stream = payloads_of("vp9.webm");
  auto client = stream;
  std::string told;
  SECTION("left out") {
    client.erase(client.begin() + 9);
    told = "the stream's request 11 comes here";
  }
  SECTION("swapped") {
    std::swap(client[9], client[10]);
    told = "the stream's request 11 comes here";
  }
  SECTION("the last ones are missing") {
    client.resize(9);
    told = "the client ends here; the stream has 67 requests";
  }
  SECTION("more than the stream has") {
    client.push_back(client.back());
    told = "a request more than the stream has";
  }
  const auto differences = compare_payloads(client, stream);
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].where == "order");
  CHECK(differences[0].values == told);
}

TEST_CASE("payloads: what VA cannot carry is excused where it is what the driver sends, alone") {
  const auto stream = payloads_of("h264.mp4");
  const auto [level, excused] = GENERATE(table<uint8_t, bool>({{0, true}, {99, false}}));
  auto client = stream;
  client[0].controls.at(V4L2_CID_STATELESS_H264_SPS)[offsetof(v4l2_ctrl_h264_sps, level_idc)] =
      level;
  const auto differences = compare_payloads(client, stream);
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].where == "h264_sps.level_idc");
  CHECK(differences[0].reason.empty() != excused);
}

TEST_CASE("payloads: the order of a DPB's entries is no difference, what they are is") {
  const auto reverse_h264 = [](DecodeJob& job) {
    auto& dpb = std::get<H264Parameters>(job.parameters).decode.dpb;
    std::ranges::reverse(dpb);
    job.references.resize(std::size(dpb));
    std::ranges::reverse(job.references);
  };
  CHECK(compare_payloads(payloads_of("h264.mp4", reverse_h264), payloads_of("h264.mp4")).empty());

  const auto reverse_hevc = [](DecodeJob& job) {
    auto& decode = std::get<HevcParameters>(job.parameters).decode;
    const uint8_t count = decode.num_active_dpb_entries;
    std::reverse(decode.dpb, decode.dpb + count);
    std::reverse(job.references.begin(), job.references.begin() + count);
    const auto rename = [count](uint8_t* set, size_t size) {
      for (size_t i = 0; i < size; ++i) set[i] = static_cast<uint8_t>(count - 1 - set[i]);
    };
    rename(decode.poc_st_curr_before, decode.num_poc_st_curr_before);
    rename(decode.poc_st_curr_after, decode.num_poc_st_curr_after);
    rename(decode.poc_lt_curr, decode.num_poc_lt_curr);
  };
  CHECK(compare_payloads(payloads_of("hevc.mp4", reverse_hevc), payloads_of("hevc.mp4")).empty());

  const auto forget = [](DecodeJob& job) {
    for (auto& reference : job.references) reference.reset();
  };
  const auto differences =
      compare_payloads(payloads_of("h264.mp4", forget), payloads_of("h264.mp4"));
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].where == "h264_decode_params.dpb.reference_ts");
}

// 5.9.2: drivers read the vectors of intra block copy by it.
TEST_CASE("payloads: AV1 frames without references have vectors of whole samples") {
  const auto clear = [](DecodeJob& job) {
    auto& flags = std::get<Av1Parameters>(job.parameters).frame.flags;
    flags &= ~uint32_t{V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV};
  };
  for (const Payload& payload : payloads_of("av1.webm", clear)) {
    v4l2_ctrl_av1_frame frame;
    const auto& control = payload.controls.at(V4L2_CID_STATELESS_AV1_FRAME);
    REQUIRE(control.size() == sizeof frame);
    std::memcpy(&frame, control.data(), sizeof frame);
    const bool intra =
        frame.frame_type == V4L2_AV1_KEY_FRAME || frame.frame_type == V4L2_AV1_INTRA_ONLY_FRAME;
    CHECK(((frame.flags & V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV) != 0) == intra);
  }
}

}  // namespace
}  // namespace daedalus::core::test
