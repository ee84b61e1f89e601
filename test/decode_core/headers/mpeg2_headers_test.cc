#include "decode_core/headers/mpeg2_headers.h"

#include <cstring>
#include <vector>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"
#include "decode_core/software/libavcodec/rewrite/mpeg2_headers.h"
#include "test/catch.h"

namespace daedalus::headers {
namespace {

using core::rewrite::BitWriter;

v4l2_ctrl_mpeg2_sequence large_sequence() {
  v4l2_ctrl_mpeg2_sequence sequence{};
  sequence.horizontal_size = 5000;  // more than the 12 bits of the header
  sequence.vertical_size = 4200;
  sequence.profile_and_level_indication = 0x44;
  sequence.chroma_format = 1;
  return sequence;
}

v4l2_ctrl_mpeg2_picture field_picture() {
  v4l2_ctrl_mpeg2_picture picture{};
  picture.flags = V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV | V4L2_MPEG2_PIC_FLAG_ALT_SCAN |
                  V4L2_MPEG2_PIC_FLAG_INTRA_VLC;
  picture.f_code[0][0] = 1;
  picture.f_code[0][1] = 2;
  picture.f_code[1][0] = 9;
  picture.f_code[1][1] = 15;
  picture.picture_coding_type = V4L2_MPEG2_PIC_CODING_TYPE_B;
  picture.picture_structure = V4L2_MPEG2_PIC_BOTTOM_FIELD;
  picture.intra_dc_precision = 2;
  return picture;
}

// Parses all units; the first error.
Status parse_all(Mpeg2HeaderParser& parser, std::span<const uint8_t> stream) {
  Mpeg2UnitReader units(stream);
  while (const auto unit = units.next()) {
    if (Status status = parser.parse(*unit); !status.ok()) return status;
  }
  return {};
}

std::vector<uint8_t> unit(uint8_t code, const BitWriter& bits) {
  std::vector<uint8_t> bytes = {0, 0, 1, code};
  bytes.insert(bytes.end(), bits.bytes().begin(), bits.bytes().end());
  return bytes;
}

std::vector<uint8_t> joined(std::initializer_list<std::vector<uint8_t>> parts) {
  std::vector<uint8_t> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<uint8_t> sequence_header(uint32_t width, uint32_t height) {
  BitWriter bits;
  bits.u(12, width);
  bits.u(12, height);
  bits.u(4, 3);
  bits.u(4, 5);
  bits.u(18, 1000);
  bits.u(1, 1);
  bits.u(10, 20);
  bits.u(3, 0);
  return unit(kMpeg2SequenceHeader, bits);
}

std::vector<uint8_t> sequence_extension(bool progressive, bool low_delay) {
  BitWriter bits;
  bits.u(4, 1);
  bits.u(8, 0x48);
  bits.flag(progressive);
  bits.u(2, 1);
  bits.u(4, 0);
  bits.u(12, 0);
  bits.u(1, 1);
  bits.u(8, 3);
  bits.flag(low_delay);
  bits.u(7, 0);
  return unit(kMpeg2Extension, bits);
}

std::vector<uint8_t> picture(uint32_t type, uint32_t structure, bool progressive) {
  BitWriter header;
  header.u(10, 77);
  header.u(3, type);
  header.u(16, 0xffff);
  header.u(11, 0);
  BitWriter extension;
  extension.u(4, 8);
  extension.u(16, 0xffff);
  extension.u(2, 0);
  extension.u(2, structure);
  extension.u(8, 0);
  extension.flag(progressive);
  extension.u(1, 0);
  return joined({unit(kMpeg2PictureStart, header), unit(kMpeg2Extension, extension)});
}

TEST_CASE("MPEG-2 headers that the engine writes read back the same") {
  v4l2_ctrl_mpeg2_quantisation matrices = mpeg2_default_quantisation();
  for (int i = 0; i < 64; ++i) {
    matrices.intra_quantiser_matrix[i] = static_cast<uint8_t>(8 + i);
    matrices.non_intra_quantiser_matrix[i] = static_cast<uint8_t>(255 - i);
  }
  const v4l2_ctrl_mpeg2_sequence sequence = large_sequence();
  const v4l2_ctrl_mpeg2_picture expected = field_picture();
  std::vector<uint8_t> stream;
  core::rewrite::append_sequence(sequence, matrices, stream);
  core::rewrite::append_picture(expected, matrices, stream);
  Mpeg2HeaderParser parser;
  REQUIRE(parse_all(parser, stream).ok());
  REQUIRE(parser.has_sequence());
  REQUIRE(parser.has_picture());
  const auto& read = parser.sequence().control;
  CHECK(read.horizontal_size == sequence.horizontal_size);
  CHECK(read.vertical_size == sequence.vertical_size);
  CHECK(read.profile_and_level_indication == sequence.profile_and_level_indication);
  CHECK(read.chroma_format == 1);
  CHECK(read.flags == 0);
  CHECK(std::memcmp(&parser.picture().control, &expected, sizeof(expected)) == 0);
  CHECK(parser.picture().bidirectional());
  CHECK_FALSE(parser.picture().frame());
  CHECK(std::memcmp(parser.quantisation().intra_quantiser_matrix, matrices.intra_quantiser_matrix,
                    64) == 0);
  CHECK(std::memcmp(parser.quantisation().non_intra_quantiser_matrix,
                    matrices.non_intra_quantiser_matrix, 64) == 0);

  // Cut anywhere, it never yields the picture, and no read is out of bounds.
  for (size_t size = 0; size < stream.size(); ++size) {
    const std::vector<uint8_t> cut(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(size));
    Mpeg2HeaderParser cut_parser;
    const Status status = parse_all(cut_parser, cut);
    CHECK((!status.ok() || !cut_parser.has_picture() ||
           std::memcmp(&cut_parser.picture().control, &expected, sizeof(expected)) == 0));
  }
}

TEST_CASE("MPEG-2 matrices are the default ones until loaded, and again with the next sequence") {
  const auto headers = joined({sequence_header(64, 48), sequence_extension(false, false)});
  Mpeg2HeaderParser parser;
  REQUIRE(parse_all(parser, headers).ok());
  const auto defaults = mpeg2_default_quantisation();
  CHECK(std::memcmp(&parser.quantisation(), &defaults, sizeof(defaults)) == 0);
  // Zigzag: the second and third are row 0 column 1 and row 1 column 0 (6.3.11).
  CHECK(defaults.intra_quantiser_matrix[1] == 16);
  CHECK(defaults.intra_quantiser_matrix[3] == 19);
  CHECK(defaults.intra_quantiser_matrix[63] == 83);
  CHECK(defaults.non_intra_quantiser_matrix[63] == 16);

  BitWriter bits;
  bits.u(4, 3);
  bits.u(1, 1);
  for (uint32_t i = 0; i < 64; ++i) bits.u(8, 100 + i);
  bits.u(2, 0);  // neither non-intra nor chroma intra
  bits.u(1, 1);
  for (uint32_t i = 0; i < 64; ++i) bits.u(8, 1 + i);
  REQUIRE(parse_all(parser, unit(kMpeg2Extension, bits)).ok());
  CHECK(parser.quantisation().intra_quantiser_matrix[63] == 163);
  CHECK(parser.quantisation().chroma_intra_quantiser_matrix[63] == 163);
  CHECK(parser.quantisation().non_intra_quantiser_matrix[0] == 16);
  CHECK(parser.quantisation().chroma_non_intra_quantiser_matrix[63] == 64);

  REQUIRE(parse_all(parser, headers).ok());
  CHECK(std::memcmp(&parser.quantisation(), &defaults, sizeof(defaults)) == 0);
}

TEST_CASE("an MPEG-2 matrix with a 0 is refused and changes nothing") {
  Mpeg2HeaderParser parser;
  REQUIRE(
      parse_all(parser, joined({sequence_header(64, 48), sequence_extension(false, false)})).ok());
  BitWriter bits;
  bits.u(4, 3);
  bits.u(1, 1);
  for (uint32_t i = 0; i < 64; ++i) bits.u(8, 63 - i);
  bits.u(3, 0);
  CHECK(parse_all(parser, unit(kMpeg2Extension, bits)).error().code == ErrorCode::kCorrupt);
  CHECK(parser.quantisation().intra_quantiser_matrix[0] == 8);
}

TEST_CASE("an MPEG-1 stream is refused by name") {
  Mpeg2HeaderParser parser;
  const Status status = parse_all(parser, joined({sequence_header(352, 288), picture(1, 3, true)}));
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == ErrorCode::kUnsupported);
  CHECK_THAT(status.error().message, Catch::Matchers::ContainsSubstring("MPEG-1"));
  CHECK_FALSE(parser.has_picture());
}

TEST_CASE("MPEG-2 flags of the sequence, group and picture") {
  Mpeg2HeaderParser parser;
  BitWriter group;
  group.u(25, 1 << 12);
  group.u(1, 1);
  group.u(1, 0);
  REQUIRE(parse_all(parser, joined({sequence_header(64, 48), sequence_extension(true, true),
                                    unit(kMpeg2Group, group), picture(2, 1, false)}))
              .ok());
  CHECK(parser.closed_gop());
  CHECK(parser.sequence().low_delay);
  CHECK(parser.sequence().aspect_ratio_information == 3);
  CHECK(parser.sequence().frame_rate_code == 5);
  CHECK(parser.sequence().control.vbv_buffer_size == (3 << 10 | 20));
  CHECK(parser.sequence().control.flags == V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE);
  CHECK(parser.picture().temporal_reference == 77);
  // A progressive sequence has frame pictures only (6.3.5, 6.3.10), whatever this one says.
  CHECK(parser.picture().frame());
  CHECK((parser.picture().control.flags & V4L2_MPEG2_PIC_FLAG_PROGRESSIVE) != 0);
}

TEST_CASE("damaged and unsupported MPEG-2 headers are refused") {
  const auto sequence = joined({sequence_header(64, 48), sequence_extension(false, false)});
  const auto code_of = [](const std::vector<uint8_t>& stream) {
    Mpeg2HeaderParser parser;
    const Status status = parse_all(parser, stream);
    REQUIRE_FALSE(status.ok());
    CHECK_FALSE(parser.has_picture());
    return status.error().code;
  };
  CHECK(code_of(picture(1, 3, true)) == ErrorCode::kCorrupt);  // no sequence header
  CHECK(code_of(sequence_extension(false, false)) == ErrorCode::kCorrupt);
  CHECK(code_of(joined({sequence_header(0, 48), sequence_extension(false, false)})) ==
        ErrorCode::kCorrupt);
  CHECK(code_of(joined({sequence, picture(0, 3, true)})) == ErrorCode::kCorrupt);
  CHECK(code_of(joined({sequence, picture(5, 3, true)})) == ErrorCode::kCorrupt);
  CHECK(code_of(joined({sequence, picture(4, 3, true)})) == ErrorCode::kUnsupported);
  CHECK(code_of(joined({sequence, picture(1, 0, false)})) == ErrorCode::kCorrupt);
  BitWriter scalable;
  scalable.u(8, 5 << 4);
  CHECK(code_of(joined({sequence, unit(kMpeg2Extension, scalable)})) == ErrorCode::kUnsupported);
}

TEST_CASE("MPEG-2 units reach from start code to start code") {
  const std::vector<uint8_t> stream = {9, 0, 0, 1, 0xb3, 1, 0, 0, 0, 1, 0x05, 0, 0, 1};
  Mpeg2UnitReader reader(stream);
  const auto first = reader.next();
  REQUIRE(first.has_value());
  CHECK(first->offset == 1);
  CHECK(first->code() == kMpeg2SequenceHeader);
  CHECK(first->bytes.size() == 6);  // the zero before a start code belongs to the unit before
  CHECK_FALSE(first->slice());
  const auto second = reader.next();
  REQUIRE(second.has_value());
  CHECK(second->slice());
  CHECK(second->bytes.size() == 7);  // a start code without its last byte is none
  CHECK(second->payload().size() == 3);
  CHECK_FALSE(reader.next().has_value());
  CHECK_FALSE(Mpeg2UnitReader({}).next().has_value());
}

}  // namespace
}  // namespace daedalus::headers
