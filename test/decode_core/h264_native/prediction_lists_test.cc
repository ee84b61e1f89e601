// From a row of the macroblock list to what inter prediction has to do.
#include "decode_core/software/h264/prediction_lists.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "test/catch.h"

namespace daedalus::core::h264 {
namespace {

using gpu_kernels::H264McReference;
using gpu_kernels::H264Prediction;

constexpr uint32_t kSize = 32;

// Two references of a frame's size, the third is missing; and the picture that is decoded.
struct Frames {
  std::array<std::vector<uint8_t>, 3> samples;
  std::vector<std::optional<FrameView>> views;
  FrameView target;

  Frames() {
    for (auto& memory : samples) {
      memory.resize(kSize * kSize * 2);
      FrameView view{SampleFormat::kNv12, kSize, kSize, {}};
      view.planes[0] = {memory.data(), kSize};
      view.planes[1] = {memory.data() + kSize * kSize, kSize};
      views.emplace_back(view);
    }
    target = *views.back();
    views.back().reset();
  }

  ReferenceSamples references_of(PictureStructure structure) const {
    return {views, target, structure};
  }
};

PictureList make_list(MacroblockKind kind) {
  PictureList list;
  list.width = 1;
  list.height = 2;
  list.macroblocks.resize(2);
  for (Macroblock& macroblock : list.macroblocks) macroblock.kind = kind;
  list.slices.resize(1);
  list.motion = std::make_shared<MotionField>();
  for (size_t i = 0; i < 2; ++i) {
    list.motion->vectors[i].resize(2);
    list.motion->references[i].resize(2);
    for (auto& references : list.motion->references[i]) {
      references.fill(static_cast<int8_t>(i == 0 ? 0 : -1));
    }
    list.slices[0].list_sizes[i] = 3;
    for (uint8_t entry = 0; entry < 3; ++entry) list.slices[0].lists[i][entry].entry = entry;
  }
  return list;
}

using Place = std::tuple<int, int, int, int>;
std::vector<Place> places_of(std::span<const H264Prediction> list) {
  std::vector<Place> places;
  for (const H264Prediction& block : list) {
    places.emplace_back(block.x, block.y, block.width, block.height);
  }
  std::sort(places.begin(), places.end());
  return places;
}

TEST_CASE("a block for each partition, with the vector at its corner") {
  const Frames frames;
  const ReferenceSamples references = frames.references_of(PictureStructure::kFrame);
  PictureList list = make_list(MacroblockKind::kInter);
  Macroblock& macroblock = list.macroblocks[1];
  for (int16_t i = 0; i < 16; ++i) {
    list.motion->vectors[0][1][static_cast<size_t>(i)] = {i, static_cast<int16_t>(-i)};
  }
  PredictionLists lists(list, references);

  macroblock.partition = Partition::kLeftRight;
  lists.build_row(1);
  CHECK(places_of(lists.of(PictureStructure::kFrame)) ==
        std::vector<Place>{{0, 16, 8, 16}, {8, 16, 8, 16}});
  CHECK(lists.of(PictureStructure::kFrame)[1].vector[0] == std::array<int16_t, 2>{2, -2});

  macroblock.partition = Partition::kUpperLower;
  lists.build_row(1);
  CHECK(places_of(lists.of(PictureStructure::kFrame)) ==
        std::vector<Place>{{0, 16, 16, 8}, {0, 24, 16, 8}});

  macroblock.partition = Partition::kQuarters;
  macroblock.quarters = {Partition::kWhole, Partition::kLeftRight, Partition::kUpperLower,
                         Partition::kQuarters};
  lists.build_row(1);
  CHECK(places_of(lists.of(PictureStructure::kFrame)) == std::vector<Place>{{0, 16, 8, 8},
                                                                            {0, 24, 8, 4},
                                                                            {0, 28, 8, 4},
                                                                            {8, 16, 4, 8},
                                                                            {8, 24, 4, 4},
                                                                            {8, 28, 4, 4},
                                                                            {12, 16, 4, 8},
                                                                            {12, 24, 4, 4},
                                                                            {12, 28, 4, 4}});
  CHECK_FALSE(lists.missed_reference());
}

TEST_CASE("fields refer to fields, those of the other parity with shifted chroma (table 8-9)") {
  const Frames frames;
  const ReferenceSamples references = frames.references_of(PictureStructure::kBottomField);
  PictureList list = make_list(MacroblockKind::kInter);
  list.structure = PictureStructure::kBottomField;
  list.slices[0].lists[0][0].structure = PictureStructure::kTopField;
  PredictionLists lists(list, references);
  lists.build_row(0);
  REQUIRE(lists.of(PictureStructure::kFrame).size() == 1);
  const H264McReference& other =
      references.all()[lists.of(PictureStructure::kFrame)[0].reference[0]];
  CHECK(other.luma == frames.samples[0].data());
  CHECK(other.luma_stride == 2 * kSize);
  CHECK(other.height == kSize / 2);
  CHECK(other.chroma_offset == 2);

  list.slices[0].lists[0][0].structure = PictureStructure::kBottomField;
  lists.build_row(0);
  const H264McReference& same =
      references.all()[lists.of(PictureStructure::kFrame)[0].reference[0]];
  CHECK(same.luma == frames.samples[0].data() + kSize);
  CHECK(same.chroma_offset == 0);
}

TEST_CASE("field macroblocks of a pair are predicted in their fields, indices count fields") {
  const Frames frames;
  const ReferenceSamples references = frames.references_of(PictureStructure::kFrame);
  PictureList list = make_list(MacroblockKind::kInter);
  list.mbaff = true;
  for (Macroblock& macroblock : list.macroblocks) macroblock.flags = Macroblock::kField;
  for (auto& indices : list.motion->references[0]) indices.fill(3);  // entry 1, other parity
  PredictionLists lists(list, references);
  lists.build_row(0);
  CHECK(lists.of(PictureStructure::kFrame).empty());
  REQUIRE(places_of(lists.of(PictureStructure::kTopField)) == std::vector<Place>{{0, 0, 16, 16}});
  REQUIRE(places_of(lists.of(PictureStructure::kBottomField)) ==
          std::vector<Place>{{0, 0, 16, 16}});
  const H264McReference& of_top =
      references.all()[lists.of(PictureStructure::kTopField)[0].reference[0]];
  CHECK(of_top.luma == frames.samples[1].data() + kSize);
  CHECK(of_top.chroma_offset == -2);
  const H264McReference& of_bottom =
      references.all()[lists.of(PictureStructure::kBottomField)[0].reference[0]];
  CHECK(of_bottom.luma == frames.samples[1].data());
  CHECK(of_bottom.chroma_offset == 2);
}

TEST_CASE("explicit weights, with the rounded mean of two offsets") {
  const Frames frames;
  const ReferenceSamples references = frames.references_of(PictureStructure::kFrame);
  PictureList list = make_list(MacroblockKind::kInter);
  Slice& slice = list.slices[0];
  slice.weighted = WeightedPrediction::kExplicit;
  slice.header.weights.luma_log2_weight_denom = 5;
  slice.header.weights.chroma_log2_weight_denom = 5;
  for (auto& factors : slice.header.weights.weight_factors) {
    for (size_t i = 0; i < 32; ++i) {
      factors.luma_weight[i] = factors.chroma_weight[i][0] = factors.chroma_weight[i][1] = 32;
    }
  }
  slice.header.weights.weight_factors[0].luma_weight[0] = 40;
  slice.header.weights.weight_factors[0].luma_offset[0] = -3;
  slice.header.weights.weight_factors[1].luma_offset[1] = 8;
  PredictionLists lists(list, references);
  lists.build_row(0);
  const H264Prediction single = lists.of(PictureStructure::kFrame)[0];
  REQUIRE(single.weights < lists.weights().size());
  CHECK(lists.weights()[single.weights].weight[0][0] == 40);
  CHECK(lists.weights()[single.weights].offset[0] == -3);
  CHECK(lists.weights()[single.weights].log2_denominator[0] == 5);

  list.motion->references[1][0].fill(1);
  lists.build_row(0);
  const H264Prediction both = lists.of(PictureStructure::kFrame)[0];
  REQUIRE(both.weights < lists.weights().size());
  CHECK(lists.weights()[both.weights].weight[0] == std::array<int16_t, 2>{40, 32});
  CHECK(lists.weights()[both.weights].offset[0] == 3);

  // The defaults are no weights.
  list.motion->references[0][0].fill(1);
  list.motion->references[1][0].fill(0);
  lists.build_row(0);
  CHECK(lists.of(PictureStructure::kFrame)[0].weights == H264Prediction::kUnweighted);
}

TEST_CASE("missing macroblocks and missing references are copied from the first reference") {
  const Frames frames;
  const ReferenceSamples references = frames.references_of(PictureStructure::kFrame);
  PictureList list = make_list(MacroblockKind::kMissing);
  PredictionLists lists(list, references);
  lists.build_row(1);
  REQUIRE(places_of(lists.of(PictureStructure::kFrame)) == std::vector<Place>{{0, 16, 16, 16}});
  const H264Prediction copied = lists.of(PictureStructure::kFrame)[0];
  CHECK(copied.vector[0] == std::array<int16_t, 2>{0, 0});
  CHECK(references.all()[copied.reference[0]].luma == frames.samples[0].data());
  CHECK_FALSE(lists.missed_reference());

  PictureList inter = make_list(MacroblockKind::kInter);
  for (auto& indices : inter.motion->references[0]) indices.fill(2);
  PredictionLists substituted(inter, references);
  substituted.build_row(0);
  CHECK(references.all()[substituted.of(PictureStructure::kFrame)[0].reference[0]].luma ==
        frames.samples[0].data());
  CHECK(substituted.missed_reference());
}

TEST_CASE("with no reference at all there is grey") {
  const ReferenceSamples references({}, {}, PictureStructure::kBottomField);
  const H264McReference& grey =
      references.all()[references.substitute_for(PictureStructure::kBottomField)];
  CHECK(grey.luma[0] == 128);
  CHECK(grey.chroma[1] == 128);
  CHECK(grey.height > 0);
}

TEST_CASE("views of the same samples have the same name, others have others") {
  const Frames frames;
  const std::array<uint64_t, 3> contents = {5, 0, 0};
  const ReferenceSamples references(frames.views, frames.target, PictureStructure::kFrame,
                                    contents);
  const auto content = [&](uint8_t entry, PictureStructure structure, PictureStructure current) {
    return references.all()[references.index_of(entry, structure, current)].content;
  };
  using enum PictureStructure;
  const uint64_t frame = content(0, kFrame, kFrame);
  const uint64_t top = content(0, kTopField, kTopField);
  const uint64_t bottom = content(0, kBottomField, kTopField);
  CHECK(std::set<uint64_t>{0, frame, top, bottom}.size() == 4);
  CHECK(content(0, kTopField, kBottomField) == top);
  CHECK(content(0, kBottomField, kBottomField) == bottom);
  // Of no name; and the first reference in the place of a missing one.
  CHECK(content(1, kFrame, kFrame) == 0);
  CHECK(content(1, kBottomField, kTopField) == 0);
  CHECK(content(2, kFrame, kFrame) == frame);
  CHECK(content(2, kBottomField, kTopField) == bottom);
}

TEST_CASE("no name of samples is another's, be it a frame's or a field's") {
  std::set<uint64_t> names = {0};
  for (int i = 0; i < 10; ++i) {
    const uint64_t frame = gpu_kernels::new_h264_content();
    names.insert(frame);
    for (const bool bottom : {false, true}) {
      names.insert(gpu_kernels::field_content(frame, bottom));
      CHECK(gpu_kernels::field_content(0, bottom) == 0);
    }
  }
  CHECK(names.size() == 31);
}

TEST_CASE("the lines that are being written are nobody's reference") {
  Frames frames;
  const uint8_t* const top = frames.target.planes[0].data;
  const uint8_t* const bottom = top + kSize;
  const PictureStructure written =
      GENERATE(PictureStructure::kTopField, PictureStructure::kBottomField);
  const bool is_top = written == PictureStructure::kTopField;
  const PictureStructure first =
      is_top ? PictureStructure::kBottomField : PictureStructure::kTopField;
  frames.views[0] = frames.target;
  const auto luma_of = [](const ReferenceSamples& references, uint8_t index) {
    return references.all()[index].luma;
  };

  // A second field: the first one of its frame is there, and stands for itself alone while there
  // are others.
  const ReferenceSamples second = frames.references_of(written);
  CHECK_FALSE(second.is_missing(0, first));
  CHECK(luma_of(second, second.index_of(0, first, written)) == (is_top ? bottom : top));
  CHECK(second.is_missing(0, written));
  CHECK(luma_of(second, second.index_of(0, written, written)) == (is_top ? bottom : top));
  CHECK(luma_of(second, second.substitute_for(written)) ==
        frames.samples[1].data() + (is_top ? 0 : kSize));

  frames.views[1].reset();
  const ReferenceSamples only = frames.references_of(written);
  CHECK(luma_of(only, only.substitute_for(written)) == (is_top ? bottom : top));
  CHECK(luma_of(only, only.index_of(1, written, written)) == (is_top ? bottom : top));

  const ReferenceSamples whole = frames.references_of(PictureStructure::kFrame);
  CHECK(whole.is_missing(0, PictureStructure::kFrame));
  CHECK(whole.is_missing(0, first));
  CHECK(luma_of(whole, whole.index_of(0, PictureStructure::kFrame, PictureStructure::kFrame))[0] ==
        128);
}

}  // namespace
}  // namespace daedalus::core::h264
