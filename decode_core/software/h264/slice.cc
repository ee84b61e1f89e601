#include "decode_core/software/h264/slice.h"

namespace daedalus::core::h264 {
namespace {

std::optional<Weights> implicit_weights(const Slice& slice, std::array<int, 2> reference,
                                        PictureStructure macroblock) {
  if (reference[0] < 0 || reference[1] < 0) return std::nullopt;
  const auto kind = static_cast<size_t>(macroblock);
  const size_t entries = size_t{slice.list_sizes[1]} << (kind != 0 ? 1 : 0);
  const size_t place =
      static_cast<size_t>(reference[0]) * entries + static_cast<size_t>(reference[1]);
  if (place >= slice.implicit_weights[kind].size()) return std::nullopt;
  const int16_t w1 = slice.implicit_weights[kind][place];
  if (w1 == 32) return std::nullopt;
  Weights weights;
  weights.weight.fill({static_cast<int16_t>(64 - w1), w1});
  weights.log2_denominator.fill(5);
  return weights;
}

std::optional<Weights> explicit_weights(const Slice& slice, std::array<int, 2> reference,
                                        PictureStructure macroblock) {
  const v4l2_ctrl_h264_pred_weights& table = slice.header.weights;
  Weights weights;
  const auto luma = static_cast<uint8_t>(table.luma_log2_weight_denom);
  const auto chroma = static_cast<uint8_t>(table.chroma_log2_weight_denom);
  weights.log2_denominator = {luma, chroma, chroma};
  bool differs = false;
  for (size_t list = 0; list < 2; ++list) {
    if (reference[list] < 0) continue;
    const int entry =
        macroblock == PictureStructure::kFrame ? reference[list] : reference[list] >> 1;
    if (entry >= slice.list_sizes[list]) return std::nullopt;
    const v4l2_h264_weight_factors& factors = table.weight_factors[list];
    for (size_t component = 0; component < 3; ++component) {
      const int16_t weight =
          component == 0 ? factors.luma_weight[entry] : factors.chroma_weight[entry][component - 1];
      const int16_t offset =
          component == 0 ? factors.luma_offset[entry] : factors.chroma_offset[entry][component - 1];
      weights.weight[component][list] = weight;
      weights.offset[component][list] = offset;
      differs |= weight != 1 << weights.log2_denominator[component] || offset != 0;
    }
  }
  if (!differs) return std::nullopt;
  return weights;
}

}  // namespace

std::optional<Weights> prediction_weights(const Slice& slice, std::array<int, 2> reference,
                                          PictureStructure macroblock) {
  switch (slice.weighted) {
    case WeightedPrediction::kExplicit:
      return explicit_weights(slice, reference, macroblock);
    case WeightedPrediction::kImplicit:
      return implicit_weights(slice, reference, macroblock);
    case WeightedPrediction::kDefault:
      break;
  }
  return std::nullopt;
}

}  // namespace daedalus::core::h264
