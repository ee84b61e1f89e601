// Boundary strengths (H.264 8.7.2.1) against literal expectations.
#include "decode_core/software/h264/edge_strengths.h"

#include "test/catch.h"

namespace daedalus::core::h264 {
namespace {

constexpr EdgeStrength kNone = {0, 0, 0, 0};
constexpr EdgeStrength kOnes = {1, 1, 1, 1};
constexpr EdgeStrength kThrees = {3, 3, 3, 3};
constexpr EdgeStrength kFours = {4, 4, 4, 4};

// 2x2 inter macroblocks of one slice, all predicted from the first reference by the same vector.
// refIdx n of both lists is entry n of the DPB.
PictureList make_list() {
  PictureList list;
  list.width = 2;
  list.height = 2;
  list.macroblocks.resize(4);
  list.slices.resize(1);
  list.motion = std::make_shared<MotionField>();
  for (size_t i = 0; i < 2; ++i) {
    list.motion->vectors[i].resize(4);
    list.motion->references[i].resize(4);
    for (auto& references : list.motion->references[i]) {
      references.fill(static_cast<int8_t>(i == 0 ? 0 : -1));
    }
    list.slices[0].list_sizes[i] = 8;
    for (uint8_t entry = 0; entry < 8; ++entry) list.slices[0].lists[i][entry].entry = entry;
  }
  for (Macroblock& macroblock : list.macroblocks) macroblock.kind = MacroblockKind::kInter;
  return list;
}

// Of the last macroblock.
MacroblockStrengths last(const PictureList& list, const FilteredNeighbours& neighbours) {
  return EdgeStrengths(list).of(3, neighbours);
}

// Its neighbours are 2 (left) and 1 (above).
MacroblockStrengths last(const PictureList& list) { return last(list, {2, 1}); }

TEST_CASE("the same motion without coefficients is not filtered") {
  CHECK(last(make_list()) == MacroblockStrengths{});
}

TEST_CASE("intra macroblocks: 4 at macroblock edges, 3 inside, 3 at horizontal edges of fields") {
  PictureList list = make_list();
  list.macroblocks[3].kind = MacroblockKind::kIntra4x4;
  CHECK(last(list)[0] == std::array{kFours, kThrees, kThrees, kThrees});
  CHECK(last(list)[1] == std::array{kFours, kThrees, kThrees, kThrees});

  list.structure = PictureStructure::kBottomField;
  CHECK(last(list)[0] == std::array{kFours, kThrees, kThrees, kThrees});
  CHECK(last(list)[1] == std::array{kThrees, kThrees, kThrees, kThrees});

  list.macroblocks[3].flags = Macroblock::kTransform8x8;
  CHECK(last(list)[0] == std::array{kFours, kNone, kThrees, kNone});
  CHECK(last(list)[1] == std::array{kThrees, kNone, kThrees, kNone});

  CHECK(last(list, {})[0] == std::array{kNone, kNone, kThrees, kNone});
}

TEST_CASE("an intra neighbour makes the edge as strong") {
  PictureList list = make_list();
  list.macroblocks[2].kind = MacroblockKind::kPcm;
  list.macroblocks[1].kind = MacroblockKind::kIntra16x16;
  CHECK(last(list)[0] == std::array{kFours, kNone, kNone, kNone});
  CHECK(last(list)[1] == std::array{kFours, kNone, kNone, kNone});
  list.structure = PictureStructure::kTopField;
  CHECK(last(list)[1] == std::array{kThrees, kNone, kNone, kNone});
}

TEST_CASE("coefficients on either side: 2") {
  PictureList list = make_list();
  // Block 6 by index is the third of the second row.
  list.macroblocks[3].nonzero_blocks = 1 << 6;
  CHECK(last(list)[0] ==
        std::array{kNone, kNone, EdgeStrength{0, 2, 0, 0}, EdgeStrength{0, 2, 0, 0}});
  CHECK(last(list)[1] ==
        std::array{kNone, EdgeStrength{0, 0, 2, 0}, EdgeStrength{0, 0, 2, 0}, kNone});

  list = make_list();
  // The left one's last column: blocks 5, 7, 13, 15; the upper one's last row: 10, 11, 14, 15.
  list.macroblocks[2].nonzero_blocks = 1 << 7;
  list.macroblocks[1].nonzero_blocks = 1 << 10 | 1 << 14;
  CHECK(last(list)[0] == std::array{EdgeStrength{0, 2, 0, 0}, kNone, kNone, kNone});
  CHECK(last(list)[1] == std::array{EdgeStrength{2, 0, 2, 0}, kNone, kNone, kNone});

  list = make_list();
  list.macroblocks[3].flags = Macroblock::kTransform8x8;
  list.macroblocks[3].nonzero_blocks = 0x00F0;  // the upper right 8x8 block
  CHECK(last(list)[0] == std::array{kNone, kNone, EdgeStrength{2, 2, 0, 0}, kNone});
  CHECK(last(list)[1] ==
        std::array{EdgeStrength{0, 0, 2, 2}, kNone, EdgeStrength{0, 0, 2, 2}, kNone});
}

TEST_CASE("vectors that differ by a frame sample: 1; vertically in fields by half as much") {
  PictureList list = make_list();
  const auto set_all = [&](MotionVector vector) { list.motion->vectors[0][3].fill(vector); };
  set_all({3, 3});
  CHECK(last(list) == MacroblockStrengths{});
  set_all({-4, 0});
  CHECK(last(list)[0][0] == kOnes);
  CHECK(last(list)[1][0] == kOnes);
  CHECK(last(list)[0][1] == kNone);
  set_all({0, 4});
  CHECK(last(list)[0][0] == kOnes);
  set_all({0, 2});
  CHECK(last(list)[0][0] == kNone);
  list.structure = PictureStructure::kTopField;
  CHECK(last(list)[0][0] == kOnes);
  set_all({3, 1});
  CHECK(last(list)[0][0] == kNone);
}

TEST_CASE("partitions are compared where they meet") {
  PictureList list = make_list();
  Macroblock& macroblock = list.macroblocks[3];
  auto& vectors = list.motion->vectors[0][3];
  macroblock.partition = Partition::kQuarters;
  macroblock.quarters = {Partition::kWhole, Partition::kLeftRight, Partition::kUpperLower,
                         Partition::kQuarters};
  vectors[3] = vectors[7] = {8, 0};    // right half of the upper right quarter
  vectors[12] = vectors[13] = {0, 8};  // lower half of the lower left one
  vectors[15] = {8, 8};                // last block of the lower right one
  const MacroblockStrengths strengths = last(list);
  CHECK(strengths[0] == std::array{EdgeStrength{0, 0, 0, 1}, kNone, EdgeStrength{0, 0, 0, 1},
                                   EdgeStrength{1, 1, 0, 1}});
  CHECK(strengths[1] == std::array{EdgeStrength{0, 0, 0, 1}, kNone, EdgeStrength{0, 0, 0, 1},
                                   EdgeStrength{1, 1, 0, 1}});
}

TEST_CASE("references count by picture, not by index or list") {
  PictureList list = make_list();
  auto& references = list.motion->references;
  auto& vectors = list.motion->vectors;

  references[0][3].fill(1);
  CHECK(last(list)[0][0] == kOnes);

  // The same picture by another index of another slice.
  list.slices.push_back(list.slices[0]);
  list.slices[1].lists[0][1].entry = 0;
  list.macroblocks[3].slice = 1;
  CHECK(last(list)[0][0] == kNone);

  // By the other list, with a vector of its own.
  references[0][3].fill(-1);
  references[1][3].fill(0);
  vectors[0][3].fill({100, 100});
  CHECK(last(list)[0][0] == kNone);
  vectors[1][3].fill({4, 0});
  CHECK(last(list)[0][0] == kOnes);

  // Another field of the same frame.
  vectors[1][3].fill({});
  list.structure = PictureStructure::kTopField;
  for (Slice& slice : list.slices) {
    for (auto& entries : slice.lists) entries[0].structure = PictureStructure::kTopField;
  }
  CHECK(last(list)[0][0] == kNone);
  list.slices[1].lists[1][0].structure = PictureStructure::kBottomField;
  CHECK(last(list)[0][0] == kOnes);
}

TEST_CASE("two references: in either order, with the vectors that belong to them") {
  PictureList list = make_list();
  auto& references = list.motion->references;
  auto& vectors = list.motion->vectors;
  for (size_t i = 0; i < 4; ++i) references[1][i].fill(1);
  for (size_t i = 0; i < 3; ++i) {
    vectors[0][i].fill({10, 0});
    vectors[1][i].fill({-10, 0});
  }
  references[0][3].fill(1);
  references[1][3].fill(0);
  vectors[0][3].fill({-10, 0});
  vectors[1][3].fill({10, 0});
  CHECK(last(list)[0][0] == kNone);
  vectors[1][3].fill({-10, 0});
  CHECK(last(list)[0][0] == kOnes);
  // One reference only against two.
  vectors[1][3].fill({10, 0});
  references[0][3].fill(-1);
  CHECK(last(list)[0][0] == kOnes);
  // Both the same picture: either pairing of the vectors will do.
  for (size_t i = 0; i < 4; ++i) references[0][i].fill(2);
  for (size_t i = 0; i < 4; ++i) references[1][i].fill(2);
  CHECK(last(list)[0][0] == kNone);
  vectors[0][3].fill({10, 0});
  vectors[1][3].fill({-10, 0});
  CHECK(last(list)[0][0] == kNone);
  vectors[1][3].fill({10, 0});
  CHECK(last(list)[0][0] == kOnes);
}

TEST_CASE("field macroblocks of MBAFF frames refer to fields of their own parity by even indices") {
  PictureList list = make_list();
  list.mbaff = true;
  for (Macroblock& macroblock : list.macroblocks) macroblock.flags = Macroblock::kField;
  auto& references = list.motion->references[0];
  // Both of the bottom field: the same entry, indices 0 and 0.
  CHECK(last(list, {2, kNoMacroblock})[0][0] == kNone);
  references[3].fill(1);
  CHECK(last(list, {2, kNoMacroblock})[0][0] == kOnes);
  references[2].fill(1);
  CHECK(last(list, {2, kNoMacroblock})[0][0] == kNone);
  references[2].fill(2);
  references[3].fill(2);
  list.motion->vectors[0][3].fill({0, 2});
  CHECK(last(list, {2, kNoMacroblock})[0][0] == kOnes);
}

TEST_CASE("between field and frame macroblocks: never less than 1, intra 4 beside and 3 below") {
  PictureList list = make_list();
  list.mbaff = true;
  list.macroblocks[3].flags = Macroblock::kField;
  CHECK(mixed_vertical_strength(list, {2, 3}, {3, 0}) == 1);
  CHECK(mixed_horizontal_strength(list, {1, 12}, {3, 0}) == 1);
  list.macroblocks[3].nonzero_blocks = 1 << 2;  // the first of the second row
  CHECK(mixed_vertical_strength(list, {2, 3}, {3, 4}) == 2);
  CHECK(mixed_vertical_strength(list, {2, 7}, {3, 0}) == 1);
  list.macroblocks[2].kind = MacroblockKind::kIntra8x8;
  CHECK(mixed_vertical_strength(list, {2, 3}, {3, 4}) == 4);
  CHECK(mixed_horizontal_strength(list, {2, 12}, {3, 0}) == 3);
}

}  // namespace
}  // namespace daedalus::core::h264
