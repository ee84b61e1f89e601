#include "decode_core/software/h264/prediction_lists.h"

#include <algorithm>
#include <optional>

namespace daedalus::core::h264 {
namespace {

using gpu_kernels::H264Prediction;

constexpr uint16_t kNotRemembered = 0xFFFE;

}  // namespace

PredictionLists::PredictionLists(const PictureList& list, const ReferenceSamples& references)
    : list_(list), references_(references) {
  for (auto& table : remembered_) {
    for (auto& row : table) row.fill(kNotRemembered);
  }
}

void PredictionLists::forget_weights() {
  for (uint16_t* weights : known_) *weights = kNotRemembered;
  known_.clear();
}

void PredictionLists::build_row(uint32_t row) {
  for (auto& list : lists_) list.clear();
  weights_.clear();
  weighted_slice_ = nullptr;
  for (uint32_t x = 0; x < list_.width; ++x) {
    if (list_.mbaff) {
      add_macroblock(x, row * 2);
      add_macroblock(x, row * 2 + 1);
    } else {
      add_macroblock(x, row);
    }
  }
}

uint32_t PredictionLists::lines_read() const {
  // Below a block, luma interpolation reads three lines (8.4.2.2.1), and chroma one.
  constexpr int kLinesBelow = 3;
  int lines = 0;
  for (const H264Prediction& block : of(PictureStructure::kFrame)) {
    for (size_t list = 0; list < 2; ++list) {
      if (block.reference[list] == H264Prediction::kNone) continue;
      // What lies above the picture is its first line.
      const int end = block.y + block.height + (block.vector[list][1] >> 2) + kLinesBelow;
      lines = std::max({lines, end, 1});
    }
  }
  return static_cast<uint32_t>(lines);
}

void PredictionLists::add_macroblock(uint32_t x, uint32_t y) {
  const uint32_t index = y * list_.width + x;
  const Macroblock& macroblock = list_.macroblocks[index];
  if (macroblock.kind != MacroblockKind::kInter && macroblock.kind != MacroblockKind::kMissing) {
    return;
  }
  Block block{index, nullptr, x * 16, y * 16, false, list_.structure};
  if (list_.mbaff && (macroblock.flags & Macroblock::kField) != 0) {
    block.field_of_frame = true;
    block.y = y / 2 * 16;
    block.current = y % 2 == 0 ? PictureStructure::kTopField : PictureStructure::kBottomField;
  }
  if (macroblock.kind == MacroblockKind::kMissing) {
    add_concealed(block);
    return;
  }
  block.slice = &list_.slices[macroblock.slice];
  switch (macroblock.partition) {
    case Partition::kWhole:
      add(block, 0, 0, 16, 16);
      break;
    case Partition::kUpperLower:
      add(block, 0, 0, 16, 8);
      add(block, 0, 8, 16, 8);
      break;
    case Partition::kLeftRight:
      add(block, 0, 0, 8, 16);
      add(block, 8, 0, 8, 16);
      break;
    case Partition::kQuarters:
      for (unsigned quarter = 0; quarter < 4; ++quarter) {
        add_quarter(block, quarter, macroblock.quarters[quarter]);
      }
      break;
  }
}

void PredictionLists::add_quarter(const Block& block, unsigned quarter, Partition division) {
  const unsigned left = quarter % 2 * 8;
  const unsigned top = quarter / 2 * 8;
  const unsigned width =
      division == Partition::kLeftRight || division == Partition::kQuarters ? 4 : 8;
  const unsigned height =
      division == Partition::kUpperLower || division == Partition::kQuarters ? 4 : 8;
  for (unsigned y = 0; y < 8; y += height) {
    for (unsigned x = 0; x < 8; x += width) add(block, left + x, top + y, width, height);
  }
}

void PredictionLists::add(const Block& block, unsigned left, unsigned top, unsigned width,
                          unsigned height) {
  const MotionField& motion = *list_.motion;
  const unsigned quarter = top / 8 * 2 + left / 8;
  const unsigned vector = top / 4 * 4 + left / 4;
  H264Prediction prediction;
  prediction.x = static_cast<uint16_t>(block.x + left);
  prediction.y = static_cast<uint16_t>(block.y + top);
  prediction.width = static_cast<uint8_t>(width);
  prediction.height = static_cast<uint8_t>(height);
  std::array<int, 2> reference = {-1, -1};
  for (size_t list = 0; list < 2; ++list) {
    if (block.macroblock >= motion.references[list].size()) continue;
    reference[list] = motion.references[list][block.macroblock][quarter];
    if (reference[list] < 0) continue;
    prediction.reference[list] = reference_of(block, list, reference[list]);
    const MotionVector from = motion.vectors[list][block.macroblock][vector];
    prediction.vector[list] = {from.x, from.y};
  }
  if (reference[0] < 0 && reference[1] < 0) {
    prediction.reference[0] = references_.substitute_for(block.current);
    missed_reference_ = true;
  } else if (block.slice->weighted != WeightedPrediction::kDefault) {
    prediction.weights = weights_of(block, reference);
  }
  lists_[block.field_of_frame ? static_cast<size_t>(block.current) : 0].push_back(prediction);
}

void PredictionLists::add_concealed(const Block& block) {
  H264Prediction prediction;
  prediction.x = static_cast<uint16_t>(block.x);
  prediction.y = static_cast<uint16_t>(block.y);
  prediction.width = prediction.height = 16;
  prediction.reference[0] = references_.substitute_for(block.current);
  lists_[block.field_of_frame ? static_cast<size_t>(block.current) : 0].push_back(prediction);
}

uint8_t PredictionLists::reference_of(const Block& block, size_t list, int index) {
  const unsigned place = static_cast<unsigned>(index) >> (block.field_of_frame ? 1 : 0);
  const Reference reference =
      place < kMaxReferences ? block.slice->lists[list][place] : Reference{};
  PictureStructure structure = reference.structure;
  if (block.field_of_frame) {
    // 8.4.2.1: even indices are of the macroblock's own parity.
    const bool bottom = (block.current == PictureStructure::kBottomField) != (index % 2 != 0);
    structure = bottom ? PictureStructure::kBottomField : PictureStructure::kTopField;
  }
  missed_reference_ |= references_.is_missing(reference.entry, structure);
  return references_.index_of(reference.entry, structure, block.current);
}

uint16_t PredictionLists::weights_of(const Block& block, std::array<int, 2> reference) {
  if (weighted_slice_ != block.slice) {
    forget_weights();
    weighted_slice_ = block.slice;
  }
  const PictureStructure macroblock =
      block.field_of_frame ? block.current : PictureStructure::kFrame;
  const auto first = static_cast<size_t>(reference[0] + 1);
  const auto second = static_cast<size_t>(reference[1] + 1);
  if (first >= kRemembered || second >= kRemembered) {
    return make_weights(block, reference, macroblock);
  }
  uint16_t& remembered = remembered_[static_cast<size_t>(macroblock)][first][second];
  if (remembered == kNotRemembered) {
    remembered = make_weights(block, reference, macroblock);
    known_.push_back(&remembered);
  }
  return remembered;
}

uint16_t PredictionLists::make_weights(const Block& block, std::array<int, 2> reference,
                                       PictureStructure macroblock) {
  const std::optional<Weights> weights = prediction_weights(*block.slice, reference, macroblock);
  if (!weights.has_value() || weights_.size() >= kNotRemembered) {
    return H264Prediction::kUnweighted;
  }
  gpu_kernels::H264McWeights& made = weights_.emplace_back();
  made.weight = weights->weight;
  made.log2_denominator = weights->log2_denominator;
  for (size_t component = 0; component < 3; ++component) {
    const auto& offset = weights->offset[component];
    const int combined = reference[1] < 0   ? offset[0]
                         : reference[0] < 0 ? offset[1]
                                            : (offset[0] + offset[1] + 1) >> 1;
    made.offset[component] = static_cast<int16_t>(combined);
  }
  return static_cast<uint16_t>(weights_.size() - 1);
}

}  // namespace daedalus::core::h264
