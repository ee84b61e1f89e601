#include "decode_core/stream/header_probe.h"

#include <algorithm>
#include <vector>

#include "test/catch.h"
#include "test/decode_core/headers/av1_writer.h"
#include "test/decode_core/headers/h264_writer.h"
#include "test/decode_core/headers/hevc_writer.h"
#include "test/decode_core/headers/vp8_header_writer.h"
#include "test/decode_core/headers/vp9_header_writer.h"

namespace daedalus::core {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Bytes kStartCode = {0, 0, 0, 1};
const Bytes kPps = {0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80};

// 64x64, of which 60x52 at (2, 4); 3 pictures reordered.
Bytes h264_sps() {
  headers::H264Sps sps = daedalus::test::simple_sps();
  sps.cropping = {2, 2, 4, 8};
  sps.restriction = {3, 5};
  return kStartCode + daedalus::test::write_sps(sps);
}

const Bytes kHevcPps = {0, 0, 0, 1, 0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40};
// A slice of a clean random access picture, one of another, and one of an IDR picture of layer 1.
const Bytes kHevcIrap = {0, 0, 1, 0x2a, 0x01, 0xaf, 0x55};
const Bytes kHevcTrail = {0, 0, 1, 0x02, 0x01, 0xaf, 0x55};
const Bytes kHevcOtherLayer = {0, 0, 1, 0x26, 0x09, 0xaf, 0x55};

Bytes hevc_sps(const headers::HevcSps& sps) {
  return kStartCode + daedalus::test::write_hevc_sps(sps);
}

// 64x64, of which 60x52 at (2, 4); 10 bits, 2 pictures reordered.
Bytes hevc_sps() {
  headers::HevcSps sps = daedalus::test::simple_hevc_sps();
  sps.window = {2, 2, 4, 8};
  sps.bit_depth_luma = sps.bit_depth_chroma = 10;
  sps.colour = {9, 16, 9, true};
  return hevc_sps(sps);
}

// 720x576, 4:2:0, not low_delay; its display extension has BT.470 colour.
const Bytes kMpeg2Sequence = {0,    0, 1, 0xb3, 0x2d, 0x02, 0x40, 0x33, 0xff, 0xff, 0xe0,
                              0x18, 0, 0, 1,    0xb5, 0x14, 0x8a, 0x00, 0x01, 0x00, 0x00};
const Bytes kMpeg2Display = {0, 0, 1, 0xb5, 0x2b, 5, 5, 6, 0x0b, 0x42, 0x12, 0x00};
const Bytes kMpeg2Group = {0, 0, 1, 0xb8, 0x00, 0x08, 0x00, 0x40};

TEST_CASE("an H.264 format needs a whole parameter set") {
  const Bytes sps = h264_sps();
  HeaderProbe probe(Codec::kH264);
  CHECK_FALSE(probe.feed(sps).has_value());
  const auto format = probe.feed(kPps);
  REQUIRE(format.has_value());
  CHECK(format->coded_width == 64);
  CHECK(format->coded_height == 64);
  CHECK(format->visible.x == 2);
  CHECK(format->visible.y == 4);
  CHECK(format->visible.width == 60);
  CHECK(format->visible.height == 52);
  CHECK(format->bit_depth == 8);
  CHECK(format->min_buffers == 4);
  CHECK(format->colorimetry == Colorimetry{1, 13, 6, true});
}

TEST_CASE("an HEVC format needs a whole parameter set") {
  HeaderProbe probe(Codec::kHevc);
  CHECK_FALSE(probe.feed(hevc_sps()).has_value());
  const auto format = probe.feed(kHevcPps);
  REQUIRE(format.has_value());
  CHECK(format->coded_width == 64);
  CHECK(format->coded_height == 64);
  CHECK(format->visible.x == 2);
  CHECK(format->visible.y == 4);
  CHECK(format->visible.width == 60);
  CHECK(format->visible.height == 52);
  CHECK(format->bit_depth == 10);
  CHECK(format->min_buffers == 3);
  CHECK(format->colorimetry == Colorimetry{9, 16, 9, true});
}

// A temporal unit: delimiter and sequence header.
Bytes av1_unit(const headers::Av1SequenceHeader& header) {
  const Bytes payload = daedalus::test::write_av1_sequence(header, {});
  return Bytes{0x12, 0x00, 0x0a, static_cast<uint8_t>(payload.size())} + payload;
}

headers::Av1SequenceHeader av1_header() {
  headers::Av1SequenceHeader header;
  header.max_width = 322;
  header.max_height = 181;
  header.bit_depth = 10;
  header.primaries = header.matrix = 9;
  header.transfer = 16;
  return header;
}

TEST_CASE("an AV1 format comes with the first temporal unit that has a sequence header") {
  HeaderProbe probe(Codec::kAv1);
  CHECK_FALSE(probe.feed(Bytes{0x12, 0x00}).has_value());
  const auto format = probe.feed(av1_unit(av1_header()));
  REQUIRE(format.has_value());
  CHECK(format->coded_width == 322);
  CHECK(format->coded_height == 181);
  CHECK(format->visible.width == 322);
  CHECK(format->visible.height == 181);
  CHECK(format->bit_depth == 10);
  CHECK(format->min_buffers == 1);
  CHECK(format->colorimetry == Colorimetry{9, 16, 9, false});
  CHECK_FALSE(probe.feed(av1_unit(av1_header())).has_value());  // once
}

TEST_CASE("samples that are not supported make no format") {
  headers::Av1SequenceHeader monochrome = av1_header();
  monochrome.monochrome = true;
  CHECK_FALSE(HeaderProbe(Codec::kAv1).feed(av1_unit(monochrome)).has_value());
  headers::HevcSps wide_chroma = daedalus::test::simple_hevc_sps();
  wide_chroma.chroma_format_idc = 2;
  headers::HevcSps two_depths = daedalus::test::simple_hevc_sps();
  two_depths.bit_depth_chroma = 10;
  for (const headers::HevcSps& sps : {wide_chroma, two_depths}) {
    HeaderProbe probe(Codec::kHevc);
    CHECK_FALSE(probe.feed(hevc_sps(sps) + kHevcPps).has_value());
  }
  headers::H264Sps high422 = daedalus::test::simple_sps();
  high422.control.profile_idc = 122;
  high422.control.chroma_format_idc = 2;
  HeaderProbe probe(Codec::kH264);
  CHECK_FALSE(probe.feed(kStartCode + daedalus::test::write_sps(high422) + kPps).has_value());
}

TEST_CASE("decoding of HEVC may begin at random access pictures") {
  CHECK(may_begin(Codec::kHevc, hevc_sps() + kHevcPps + kHevcIrap));
  CHECK_FALSE(may_begin(Codec::kHevc, hevc_sps() + kHevcPps + kHevcTrail));
  CHECK_FALSE(may_begin(Codec::kHevc, kHevcTrail + kHevcOtherLayer));
  CHECK_FALSE(may_begin(Codec::kHevc, {}));
  CHECK(may_begin(Codec::kH264, {}));
}

TEST_CASE("without a word on reordering the level's buffer counts") {
  HeaderProbe probe(Codec::kH264);
  const Bytes sps = kStartCode + daedalus::test::write_sps(daedalus::test::simple_sps());
  const auto format = probe.feed(sps + kPps);
  REQUIRE(format.has_value());
  CHECK(format->min_buffers == 17);  // level 4.0 holds 16 pictures of this size
}

TEST_CASE("headers may come cut anywhere") {
  const Bytes h264 = h264_sps() + kPps;
  const Bytes mpeg2 = kMpeg2Sequence + kMpeg2Display + kMpeg2Group;
  const auto expect_once = [](Codec codec, const Bytes& bytes, size_t cut) {
    HeaderProbe probe(codec);
    const std::span all(bytes);
    const auto first = probe.feed(all.first(cut));
    const auto second = probe.feed(all.subspan(cut));
    return first.has_value() || second.has_value();
  };
  for (size_t cut = 0; cut <= h264.size(); ++cut) CHECK(expect_once(Codec::kH264, h264, cut));
  const Bytes hevc = hevc_sps() + kHevcPps;
  for (size_t cut = 0; cut <= hevc.size(); ++cut) CHECK(expect_once(Codec::kHevc, hevc, cut));
  for (size_t cut = 0; cut <= mpeg2.size(); ++cut) CHECK(expect_once(Codec::kMpeg2, mpeg2, cut));
}

TEST_CASE("an MPEG-2 format includes its display extension") {
  HeaderProbe probe(Codec::kMpeg2);
  CHECK_FALSE(probe.feed(kMpeg2Sequence).has_value());
  CHECK_FALSE(probe.feed(kMpeg2Display).has_value());
  const auto format = probe.feed(kMpeg2Group);
  REQUIRE(format.has_value());
  CHECK(format->coded_width == 720);
  CHECK(format->coded_height == 576);
  CHECK(format->visible.width == 720);
  CHECK(format->visible.height == 576);
  CHECK(format->min_buffers == 2);
  CHECK(format->colorimetry == Colorimetry{5, 5, 6, false});
}

TEST_CASE("a VP8 format is that of the first key frame") {
  HeaderProbe probe(Codec::kVp8);
  CHECK_FALSE(probe.feed(daedalus::test::write_vp8({})).has_value());  // no key frame
  daedalus::test::Vp8Bits key_frame = daedalus::test::vp8_key_frame(175, 143);
  key_frame.clamping_type = true;
  const auto format = probe.feed(daedalus::test::write_vp8(key_frame));
  REQUIRE(format.has_value());
  CHECK(format->coded_width == 175);
  CHECK(format->visible.height == 143);
  CHECK(format->bit_depth == 8);
  CHECK(format->min_buffers == 1);
  CHECK(format->colorimetry == Colorimetry{2, 2, 5, true});
  CHECK_FALSE(probe.feed(daedalus::test::write_vp8(key_frame)).has_value());  // once
}

TEST_CASE("a VP9 format is that of the first key frame, where it can be decoded") {
  daedalus::test::Vp9Bits bits;
  bits.key_frame = false;
  bits.show_existing = 2;
  HeaderProbe probe(Codec::kVp9);
  CHECK_FALSE(probe.feed(daedalus::test::write_vp9(bits)).has_value());
  bits = {};
  bits.profile = 2;
  bits.twelve_bits = true;
  CHECK_FALSE(probe.feed(daedalus::test::write_vp9(bits)).has_value());
  bits = {};
  bits.profile = 1;  // 4:4:4
  CHECK_FALSE(probe.feed(daedalus::test::write_vp9(bits)).has_value());
  bits = {};
  bits.profile = 2;
  bits.color_space = 5;
  bits.width = 197;
  bits.height = 211;
  const auto format = probe.feed(daedalus::test::write_vp9(bits));
  REQUIRE(format.has_value());
  CHECK(format->coded_width == 197);
  CHECK(format->visible.height == 211);
  CHECK(format->bit_depth == 10);
  CHECK(format->colorimetry == Colorimetry{2, 2, 9, false});
}

TEST_CASE("it gives up where no headers come") {
  HeaderProbe by_runs(Codec::kH264);
  const Bytes nothing(10, 0x55);
  for (size_t i = 0; i < HeaderProbe::kMaxRuns; ++i) CHECK_FALSE(by_runs.feed(nothing).has_value());
  CHECK_FALSE(by_runs.feed(h264_sps() + kPps).has_value());
  HeaderProbe by_bytes(Codec::kMpeg2);
  CHECK_FALSE(by_bytes.feed(Bytes(HeaderProbe::kMaxBytes, 0x55)).has_value());
  CHECK_FALSE(by_bytes.feed(kMpeg2Sequence + kMpeg2Group).has_value());
  HeaderProbe by_packets(Codec::kVp9);
  for (size_t i = 0; i < HeaderProbe::kMaxRuns; ++i)
    CHECK_FALSE(by_packets.feed(h264_sps() + kPps).has_value());
  CHECK_FALSE(by_packets.feed(daedalus::test::write_vp9({})).has_value());
}

TEST_CASE("parameter sets are found among other units") {
  const Bytes slice = {0, 0, 1, 0x65, 0x88, 0x84, 0x00};
  const Bytes sps = h264_sps();
  const Bytes found = parameter_sets_of(Codec::kH264, slice + sps + slice + kPps + slice);
  // Start codes come out with three bytes.
  CHECK(found == Bytes(sps.begin() + 1, sps.end()) + Bytes(kPps.begin() + 1, kPps.end()));
  CHECK(parameter_sets_of(Codec::kH264, slice + slice).empty());

  const Bytes vps = {0, 0, 1, 0x40, 0x01, 0x0c, 0x01};
  const Bytes hevc = hevc_sps();
  CHECK(parameter_sets_of(Codec::kHevc, kHevcTrail + vps + hevc + kHevcPps + kHevcIrap) ==
        vps + Bytes(hevc.begin() + 1, hevc.end()) + Bytes(kHevcPps.begin() + 1, kHevcPps.end()));

  const Bytes picture = {0, 0, 1,    0x00, 0x00, 0x0f, 0xff, 0xf8, 0,
                         0, 1, 0xb5, 0x8f, 0xff, 0xf3, 0xc1, 0x80};
  CHECK(parameter_sets_of(Codec::kMpeg2, picture + kMpeg2Sequence + kMpeg2Display + kMpeg2Group +
                                             picture) == kMpeg2Sequence + kMpeg2Display);
  CHECK(parameter_sets_of(Codec::kVp8, sps).empty());
}

}  // namespace
}  // namespace daedalus::core
