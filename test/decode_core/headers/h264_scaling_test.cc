// H.264 scaling lists: syntax, scan and fall-back rules.
#include "decode_core/headers/h264_scaling.h"

#include <cstring>
#include <vector>

#include "decode_core/headers/bit_reader.h"
#include "test/catch.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::headers {
namespace {

std::vector<uint8_t> bytes_of_lists(const std::vector<std::vector<int>>& deltas) {
  test::BitWriter out;
  for (const std::vector<int>& list : deltas) {
    out.flag(!list.empty());
    for (const int delta : list) out.se(delta);
  }
  return out.finish();
}

TEST_CASE("Absent scaling lists follow fall-back rule set A or B, then the list before") {
  const std::vector<uint8_t> none = bytes_of_lists(std::vector<std::vector<int>>(8));
  v4l2_ctrl_h264_scaling_matrix matrix;
  BitReader a(none);
  REQUIRE(read_h264_scaling_matrix(a, 2, nullptr, matrix));
  CHECK(matrix.scaling_list_4x4[2][0] == 6);
  CHECK(matrix.scaling_list_4x4[2][15] == 42);
  CHECK(matrix.scaling_list_4x4[5][0] == 10);
  CHECK(matrix.scaling_list_4x4[5][15] == 34);
  CHECK(matrix.scaling_list_8x8[4][0] == 6);
  CHECK(matrix.scaling_list_8x8[4][63] == 42);
  CHECK(matrix.scaling_list_8x8[5][0] == 9);
  CHECK(matrix.scaling_list_8x8[5][63] == 35);

  v4l2_ctrl_h264_scaling_matrix sps_matrix;
  std::memset(&sps_matrix, 50, sizeof(sps_matrix));
  std::memset(sps_matrix.scaling_list_4x4[3], 51, 16);
  std::memset(sps_matrix.scaling_list_8x8[1], 52, 64);
  // Of these two the SPS's own values are not asked for: the list before comes first.
  std::memset(sps_matrix.scaling_list_4x4[1], 99, 16);
  std::memset(sps_matrix.scaling_list_8x8[3], 99, 64);
  BitReader b(none);
  REQUIRE(read_h264_scaling_matrix(b, 2, &sps_matrix, matrix));
  CHECK(matrix.scaling_list_4x4[1][7] == 50);
  CHECK(matrix.scaling_list_4x4[5][7] == 51);
  CHECK(matrix.scaling_list_8x8[2][7] == 50);
  CHECK(matrix.scaling_list_8x8[5][7] == 52);
}

TEST_CASE("Scaling lists come in zig-zag order, may end early and may ask for the default") {
  // Values 9, 10, 11 and then 11 for ever (next scale 0).
  const std::vector<int> ramp = {1, 1, 1, -11};
  const std::vector<int> use_default = {-8};
  const std::vector<uint8_t> bytes =
      bytes_of_lists({ramp, {}, use_default, {}, {}, ramp, ramp, {}});
  v4l2_ctrl_h264_scaling_matrix matrix;
  BitReader reader(bytes);
  REQUIRE(read_h264_scaling_matrix(reader, 2, nullptr, matrix));
  const uint8_t expected[16] = {9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11};
  CHECK(std::memcmp(matrix.scaling_list_4x4[0], expected, 16) == 0);
  CHECK(std::memcmp(matrix.scaling_list_4x4[1], expected, 16) == 0);
  CHECK(matrix.scaling_list_4x4[2][0] == 6);
  CHECK(matrix.scaling_list_4x4[3][0] == 10);
  CHECK(matrix.scaling_list_4x4[5][0] == 9);
  CHECK(matrix.scaling_list_8x8[0][0] == 9);
  CHECK(matrix.scaling_list_8x8[0][1] == 10);
  CHECK(matrix.scaling_list_8x8[0][8] == 11);

  // A ramp over the whole list shows the scan: raster index of position i holds 9 + i.
  std::vector<int> long_ramp(16, 1);
  const std::vector<uint8_t> full = bytes_of_lists({long_ramp, {}, {}, {}, {}, {}, {}, {}});
  BitReader full_reader(full);
  REQUIRE(read_h264_scaling_matrix(full_reader, 2, nullptr, matrix));
  const uint8_t scanned[16] = {9, 10, 14, 15, 11, 13, 16, 21, 12, 17, 20, 22, 18, 19, 23, 24};
  CHECK(std::memcmp(matrix.scaling_list_4x4[0], scanned, 16) == 0);
}

TEST_CASE("A scaling list out of range or cut short is refused") {
  v4l2_ctrl_h264_scaling_matrix matrix;
  for (const int delta : {128, -129}) {
    const std::vector<uint8_t> bytes = bytes_of_lists({{delta}});
    BitReader reader(bytes);
    CHECK_FALSE(read_h264_scaling_matrix(reader, 2, nullptr, matrix));
  }
  const std::vector<uint8_t> cut = bytes_of_lists({{1, 1, 1}});
  BitReader reader(cut);
  CHECK_FALSE(read_h264_scaling_matrix(reader, 2, nullptr, matrix));
}

}  // namespace
}  // namespace daedalus::headers
