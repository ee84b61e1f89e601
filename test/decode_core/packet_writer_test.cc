#include "decode_core/software/libavcodec/packet_writer.h"

#include <algorithm>
#include <vector>

#include "decode_core/headers/h264_nal.h"
#include "decode_core/headers/h264_pps.h"
#include "decode_core/headers/h264_sps.h"
#include "decode_core/headers/mpeg2_start_code.h"
#include "decode_core/headers/rbsp.h"
#include "test/catch.h"
#include "test/decode_core/jobs.h"

namespace daedalus::core::test {
namespace {

using Bytes = std::vector<uint8_t>;
using headers::H264NalType;

// A packet of H.264 taken apart by the project's own parsers.
struct Packet {
  std::vector<headers::H264Sps> sps;
  std::vector<headers::H264Pps> pps;
  std::vector<Bytes> slices;
};

Packet take_apart(const Bytes& bytes, const headers::H264Sps& known = {}) {
  Packet packet;
  headers::NalUnits units(bytes);
  while (const auto nal = units.next()) {
    const H264NalType type = headers::h264_nal_header(*nal).type;
    if (type == H264NalType::kSps) {
      auto sps = headers::parse_h264_sps(*nal);
      REQUIRE(sps.ok());
      packet.sps.push_back(*sps);
    } else if (type == H264NalType::kPps) {
      auto pps = headers::parse_h264_pps(*nal, packet.sps.empty() ? known : packet.sps.back());
      REQUIRE(pps.ok());
      packet.pps.push_back(*pps);
    } else {
      packet.slices.emplace_back(nal->begin(), nal->end());
    }
  }
  return packet;
}

H264Parameters& h264(DecodeJob& job) { return std::get<H264Parameters>(job.parameters); }

// A job of these slices alone.
DecodeJob job_of(const std::vector<SliceWords>& slices) {
  DecodeJob job = make_job(Codec::kH264);
  job.bitstream.clear();
  job.slices.clear();
  h264(job).slice_reference_counts_minus1.clear();
  for (const SliceWords& words : slices) {
    add_slice(job, make_slice(words),
              {static_cast<uint8_t>(words.l0_minus1), static_cast<uint8_t>(words.l1_minus1)});
  }
  return job;
}

TEST_CASE("parameter sets are written before the first slices, then only when they change") {
  const auto writer = PacketWriter::create(Codec::kH264);
  Bytes bytes;
  DecodeJob job = make_job(Codec::kH264);
  REQUIRE(writer->write(job, bytes).ok());
  Packet packet = take_apart(bytes);
  CHECK(packet.sps.size() == 1);
  CHECK(packet.pps.size() == 1);
  REQUIRE(packet.slices.size() == 1);
  CHECK(packet.slices[0] == job.bitstream);

  REQUIRE(writer->write(job, bytes).ok());
  packet = take_apart(bytes);
  CHECK(packet.sps.empty());
  CHECK(packet.pps.empty());
  CHECK(packet.slices.size() == 1);

  SECTION("a picture parameter set alone") {
    h264(job).pps.pic_init_qp_minus26 = 3;
    REQUIRE(writer->write(job, bytes).ok());
    packet = take_apart(bytes);
    CHECK(packet.sps.empty());
    REQUIRE(packet.pps.size() == 1);
    CHECK(packet.pps[0].control.pic_init_qp_minus26 == 3);
  }
  SECTION("a sequence parameter set takes the picture parameter sets with it") {
    h264(job).sps.max_num_ref_frames = 2;
    REQUIRE(writer->write(job, bytes).ok());
    packet = take_apart(bytes);
    REQUIRE(packet.sps.size() == 1);
    CHECK(packet.sps[0].control.max_num_ref_frames == 2);
    CHECK(packet.pps.size() == 1);
  }
  SECTION("scaling lists") {
    h264(job).pps.flags |= V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT;
    for (auto& list : h264(job).scaling_matrix.scaling_list_4x4) std::fill_n(list, 16, 20);
    REQUIRE(writer->write(job, bytes).ok());
    packet = take_apart(bytes);
    REQUIRE(packet.pps.size() == 1);
    CHECK(packet.pps[0].scaling_matrix.scaling_list_4x4[3][7] == 20);
  }
}

TEST_CASE("every picture parameter set that a slice names is written once") {
  const auto writer = PacketWriter::create(Codec::kH264);
  Bytes bytes;
  const DecodeJob job = job_of({{.idr = true, .slice_type = 2, .pps_id = 7},
                                {.idr = true, .slice_type = 2, .pps_id = 255},
                                {.idr = true, .slice_type = 2, .pps_id = 7}});
  REQUIRE(writer->write(job, bytes).ok());
  const Packet packet = take_apart(bytes);
  REQUIRE(packet.pps.size() == 2);
  CHECK(packet.pps[0].control.pic_parameter_set_id == 7);
  CHECK(packet.pps[1].control.pic_parameter_set_id == 255);
  CHECK(packet.slices.size() == 3);
}

TEST_CASE("known default reference counts are written as they are") {
  const auto writer = PacketWriter::create(Codec::kH264);
  Bytes bytes;
  DecodeJob job = make_job(Codec::kH264);
  h264(job).default_reference_counts_known = true;
  h264(job).slice_reference_counts_minus1.clear();
  h264(job).pps.num_ref_idx_l0_default_active_minus1 = 5;
  h264(job).pps.num_ref_idx_l1_default_active_minus1 = 2;
  REQUIRE(writer->write(job, bytes).ok());
  const Packet packet = take_apart(bytes);
  REQUIRE(packet.pps.size() == 1);
  CHECK(packet.pps[0].control.num_ref_idx_l0_default_active_minus1 == 5);
  CHECK(packet.pps[0].control.num_ref_idx_l1_default_active_minus1 == 2);
}

TEST_CASE("unknown default reference counts come from slices that do not override them") {
  const auto writer = PacketWriter::create(Codec::kH264);
  Bytes bytes;
  // The one that overrides its counts says nothing of the defaults.
  DecodeJob job =
      job_of({{.slice_type = 0, .frame_num = 1, .override_counts = true, .l0_minus1 = 9},
              {.slice_type = 1, .frame_num = 1, .l0_minus1 = 3, .l1_minus1 = 1},
              {.slice_type = 0, .frame_num = 1, .l0_minus1 = 3}});
  REQUIRE(writer->write(job, bytes).ok());
  const Packet packet = take_apart(bytes);
  REQUIRE(packet.pps.size() == 1);
  CHECK(packet.pps[0].control.num_ref_idx_l0_default_active_minus1 == 3);
  CHECK(packet.pps[0].control.num_ref_idx_l1_default_active_minus1 == 1);

  // What was learnt stays while nobody says otherwise.
  job = job_of({{.slice_type = 0, .frame_num = 2, .override_counts = true, .l0_minus1 = 0}});
  REQUIRE(writer->write(job, bytes).ok());
  CHECK(take_apart(bytes).pps.empty());
}

TEST_CASE("each picture parameter set has default reference counts of its own") {
  const auto writer = PacketWriter::create(Codec::kH264);
  Bytes bytes;
  REQUIRE(writer
              ->write(job_of({{.slice_type = 0, .pps_id = 0, .frame_num = 1, .l0_minus1 = 3},
                              {.slice_type = 0, .pps_id = 1, .frame_num = 1, .l0_minus1 = 8}}),
                      bytes)
              .ok());
  const Packet packet = take_apart(bytes);
  REQUIRE(packet.pps.size() == 2);
  CHECK(packet.pps[0].control.num_ref_idx_l0_default_active_minus1 == 3);
  CHECK(packet.pps[1].control.num_ref_idx_l0_default_active_minus1 == 8);
}

TEST_CASE("a picture without a readable slice is an error, and the decoder is told nothing by it") {
  const auto writer = PacketWriter::create(Codec::kH264);
  Bytes bytes;
  DecodeJob damaged = make_job(Codec::kH264);
  std::fill(damaged.bitstream.begin() + 1, damaged.bitstream.end(), uint8_t{0});
  const Status status = writer->write(damaged, bytes);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == ErrorCode::kCorrupt);

  REQUIRE(writer->write(make_job(Codec::kH264), bytes).ok());
  const Packet packet = take_apart(bytes);
  CHECK(packet.sps.size() == 1);
  CHECK(packet.pps.size() == 1);
}

TEST_CASE("an unreadable slice among others goes along to be concealed") {
  const auto writer = PacketWriter::create(Codec::kH264);
  Bytes bytes;
  DecodeJob job = make_job(Codec::kH264);
  add_slice(job, Bytes{0x65, 0x00});
  REQUIRE(writer->write(job, bytes).ok());
  CHECK(take_apart(bytes).pps.size() == 1);
  CHECK(bytes.size() >= 5);
  CHECK(Bytes(bytes.end() - 5, bytes.end()) == Bytes{0, 0, 1, 0x65, 0x00});
}

std::vector<uint8_t> start_codes(const Bytes& bytes) {
  std::vector<uint8_t> codes;
  headers::Mpeg2UnitReader units(bytes);
  while (const auto unit = units.next()) codes.push_back(unit->code());
  return codes;
}

TEST_CASE("MPEG-2 sequence headers are written when they change, picture headers always") {
  const auto writer = PacketWriter::create(Codec::kMpeg2);
  const std::vector<uint8_t> whole = {0xb3, 0xb5, 0xb8, 0x00, 0xb5, 0xb5, 0x01};
  const std::vector<uint8_t> picture_only = {0x00, 0xb5, 0xb5, 0x01};
  Bytes bytes;
  DecodeJob job = make_job(Codec::kMpeg2);
  REQUIRE(writer->write(job, bytes).ok());
  CHECK(start_codes(bytes) == whole);
  CHECK(Bytes(bytes.end() - static_cast<ptrdiff_t>(job.bitstream.size()), bytes.end()) ==
        job.bitstream);
  REQUIRE(writer->write(job, bytes).ok());
  CHECK(start_codes(bytes) == picture_only);
  std::get<Mpeg2Parameters>(job.parameters).sequence.vertical_size = 96;
  REQUIRE(writer->write(job, bytes).ok());
  CHECK(start_codes(bytes) == whole);
}

TEST_CASE("MPEG-2 of another chroma format is refused") {
  const auto writer = PacketWriter::create(Codec::kMpeg2);
  Bytes bytes;
  DecodeJob job = make_job(Codec::kMpeg2);
  std::get<Mpeg2Parameters>(job.parameters).sequence.chroma_format = 2;
  const Status status = writer->write(job, bytes);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("VP8 and VP9 frames are packets as they are") {
  for (const Codec codec : {Codec::kVp8, Codec::kVp9}) {
    const auto writer = PacketWriter::create(codec);
    DecodeJob job = make_job(codec);
    job.bitstream.insert(job.bitstream.begin(), 0xee);  // the range begins behind it
    job.slices[0].offset = 1;
    Bytes bytes = {1, 2, 3};
    REQUIRE(writer->write(job, bytes).ok());
    CHECK(bytes == Bytes(job.bitstream.begin() + 1, job.bitstream.end()));
  }
}

}  // namespace
}  // namespace daedalus::core::test
