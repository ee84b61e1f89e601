// Intra macroblocks: prediction modes (8.3.1.1, 8.3.2.1), I_PCM, which neighbours there are.
#include <algorithm>
#include <cstring>

#include "decode_core/software/h264/macroblock_parser.h"

namespace daedalus::core::h264 {
namespace {

// Numbers of tables 8-2 and 8-3.
constexpr int kDcMode = 2;

// Samples that a mode of a 4x4 or 8x8 block reads.
constexpr uint8_t kReadsLeft = 1;
constexpr uint8_t kReadsTop = 2;
constexpr uint8_t kReadsCorner = 4;
constexpr std::array<uint8_t, 9> kModeReads = {kReadsTop,
                                               kReadsLeft,
                                               0,
                                               kReadsTop,
                                               kReadsLeft | kReadsTop | kReadsCorner,
                                               kReadsLeft | kReadsTop | kReadsCorner,
                                               kReadsLeft | kReadsTop | kReadsCorner,
                                               kReadsTop,
                                               kReadsLeft};

}  // namespace

void MacroblockParser::find_intra_neighbours() {
  const auto usable = [&](const Neighbours::Place& place) {
    if (place.context->slice == MacroblockContext::kNoSlice) return false;
    return !picture_.constrained_intra || place.context->has(MacroblockContext::kIntra);
  };
  const Neighbours& near = state_.near;
  uint8_t found = 0;
  if (near.interleaved_left) {
    // Each half reads lines of both macroblocks; diagonal[1] is the lower one.
    if (usable(near.left[0]) && usable(near.diagonal[1])) {
      found |= Macroblock::kLeftUpper | Macroblock::kLeftLower;
    }
  } else {
    if (usable(near.left[0])) found |= Macroblock::kLeftUpper;
    if (usable(near.left[1])) found |= Macroblock::kLeftLower;
  }
  if (usable(near.top)) found |= Macroblock::kTop;
  if (usable(near.top_right)) found |= Macroblock::kTopRight;
  if (usable(near.top_left)) found |= Macroblock::kTopLeft;
  macroblock_->intra_neighbours = found;
}

// Of the block of `size` 4x4 blocks at (x, y).
bool MacroblockParser::has_neighbours_4x4(unsigned mode, int x, int y, int size) const {
  if (x >= size && y >= size) return true;
  const uint8_t found = macroblock_->intra_neighbours;
  const auto left_of = [&](int line) {
    return (found & (line < 2 ? Macroblock::kLeftUpper : Macroblock::kLeftLower)) != 0;
  };
  const bool has_top = y > 0 || (found & Macroblock::kTop) != 0;
  const bool has_left = x > 0 || left_of(y);
  const bool has_corner = x > 0   ? has_top
                          : y > 0 ? left_of(y - 1)
                                  : (found & Macroblock::kTopLeft) != 0;
  const uint8_t reads = kModeReads[mode];
  return ((reads & kReadsTop) == 0 || has_top) && ((reads & kReadsLeft) == 0 || has_left) &&
         ((reads & kReadsCorner) == 0 || has_corner);
}

bool MacroblockParser::has_neighbours_whole(bool vertical, bool horizontal, bool plane) const {
  constexpr uint8_t kLeft = Macroblock::kLeftUpper | Macroblock::kLeftLower;
  const uint8_t found = macroblock_->intra_neighbours;
  const bool has_left = (found & kLeft) == kLeft;
  const bool has_top = (found & Macroblock::kTop) != 0;
  if (vertical) return has_top;
  if (horizontal) return has_left;
  return !plane || (has_left && has_top && (found & Macroblock::kTopLeft) != 0);
}

template <typename Syntax>
bool MacroblockParser::parse_intra(Syntax& syntax, unsigned type) {
  constexpr unsigned kPcmType = 25;
  if (type > kPcmType) return false;
  MacroblockContext& context = *state_.context;
  state_.intra = true;
  context.flags |= MacroblockContext::kIntra;
  if (type == kPcmType) return parse_pcm(syntax);
  find_intra_neighbours();
  if (type == 0) {
    context.flags |= MacroblockContext::kNxN;
    macroblock_->kind = MacroblockKind::kIntra4x4;
    if (picture_.transform_8x8 && syntax.transform_8x8_flag(state_.near)) {
      context.flags |= MacroblockContext::kTransform8x8;
      macroblock_->flags |= Macroblock::kTransform8x8;
      macroblock_->kind = MacroblockKind::kIntra8x8;
    }
    if (!parse_intra_modes(syntax)) return false;
  } else {
    macroblock_->kind = MacroblockKind::kIntra16x16;
    const unsigned mode = (type - 1) % 4;
    macroblock_->intra16x16_mode = static_cast<uint8_t>(mode);
    if (!has_neighbours_whole(mode == 0, mode == 1, mode == 3)) return false;
    const unsigned chroma = (type - 1) / 4 % 3;
    context.coded_block_pattern = static_cast<uint8_t>((type >= 13 ? 15 : 0) | chroma << 4);
  }
  if (picture_.has_chroma) {
    const unsigned mode = syntax.chroma_mode(state_.near);
    if (mode > 3 || !has_neighbours_whole(mode == 2, mode == 1, mode == 3)) return false;
    context.chroma_mode = macroblock_->chroma_mode = static_cast<uint8_t>(mode);
  }
  if (type == 0) {
    context.coded_block_pattern =
        static_cast<uint8_t>(syntax.coded_block_pattern(state_.near, true, picture_.has_chroma));
  } else if (!picture_.has_chroma && context.coded_block_pattern > 15) {
    return false;
  }
  return parse_residual(syntax, type != 0);
}

template <typename Syntax>
bool MacroblockParser::parse_intra_modes(Syntax& syntax) {
  // Of the blocks left of and above those to come; negative: the block counts as not available
  // (dcPredModePredictedFlag).
  std::array<int8_t, 4> left;
  std::array<int8_t, 4> top;
  const auto of = [&](const Neighbours::Place& from, int8_t mode) {
    const MacroblockContext& context = *from.context;
    const bool there = context.slice != MacroblockContext::kNoSlice &&
                       (!picture_.constrained_intra || context.has(MacroblockContext::kIntra));
    return there ? mode : int8_t{-1};
  };
  const Neighbours& near = state_.near;
  for (size_t i = 0; i < 4; ++i) {
    const Neighbours::Place& beside = near.left[i / 2];
    left[i] = of(beside, beside.context->right_modes[near.left_rows[i]]);
    top[i] = of(near.top, near.top.context->lower_modes[i]);
  }
  const int size = macroblock_->kind == MacroblockKind::kIntra8x8 ? 2 : 1;
  for (int block = 0; block < 16; block += size * size) {
    const int x = (block & 1) + (block >> 1 & 2);
    const int y = (block >> 1 & 1) + (block >> 2 & 2);
    int8_t* const beside = &left[static_cast<size_t>(y)];
    int8_t* const above = &top[static_cast<size_t>(x)];
    const int predicted = *beside < 0 || *above < 0 ? kDcMode : std::min(*beside, *above);
    int mode = syntax.intra_mode();
    mode = mode < 0 ? predicted : mode + (mode >= predicted ? 1 : 0);
    if (!has_neighbours_4x4(static_cast<unsigned>(mode), x, y, size)) return false;
    for (int i = 0; i < size; ++i) beside[i] = above[i] = static_cast<int8_t>(mode);
    macroblock_->intra_modes[static_cast<size_t>(block / (size * size))] =
        static_cast<uint8_t>(mode);
  }
  state_.context->right_modes = left;
  state_.context->lower_modes = top;
  return true;
}

template <typename Syntax>
bool MacroblockParser::parse_pcm(Syntax& syntax) {
  constexpr size_t kLuma = 256;
  constexpr size_t kChroma = 128;
  const size_t bytes = kLuma + (picture_.has_chroma ? kChroma : 0);
  const uint8_t* samples = syntax.pcm_samples(bytes);
  if (samples == nullptr) return false;
  MacroblockContext& context = *state_.context;
  context.flags |= MacroblockContext::kPcm;
  context.coded_block_pattern = 0x2F;
  context.dc_blocks = 7;
  context.right_counts.fill(Syntax::kPcmCount);
  context.lower_counts.fill(Syntax::kPcmCount);
  macroblock_->kind = MacroblockKind::kPcm;
  macroblock_->nonzero_blocks = 0xFFFF;
  int16_t* values = reserve_values();
  auto* stored = reinterpret_cast<uint8_t*>(values);
  std::memcpy(stored, samples, bytes);
  if (!picture_.has_chroma) std::memset(stored + kLuma, 128, kChroma);
  row_values_[1] += (kLuma + kChroma) / sizeof(int16_t);
  syntax.no_qp_delta();
  return true;
}

template bool MacroblockParser::parse_intra(CabacSyntax& syntax, unsigned type);
template bool MacroblockParser::parse_intra(CavlcSyntax& syntax, unsigned type);

}  // namespace daedalus::core::h264
