// Residual data (7.3.5.3) with QP (7.4.5) and the transforms of DC coefficients (8.5.2, 8.5.4).
#include "decode_core/software/h264/macroblock_parser.h"

namespace daedalus::core::h264 {
namespace {

int block_x(int block) { return (block & 1) + (block >> 1 & 2); }
int block_y(int block) { return (block >> 1 & 1) + (block >> 2 & 2); }

}  // namespace

// Where the macroblock's values begin; room for all it can have.
int16_t* MacroblockParser::reserve_values() {
  constexpr size_t kStep = 16 * ResidualWriter::kMostValues;
  std::vector<int16_t>& values = picture_.list.rows[row_values_[0]].values;
  const size_t used = row_values_[1];
  if (values.size() < used + ResidualWriter::kMostValues) {
    values.resize(values.size() + values.size() / 2 + kStep);
  }
  macroblock_->coefficients = static_cast<uint32_t>(used);
  return values.data() + used;
}

template <typename Syntax>
bool MacroblockParser::parse_qp_delta(Syntax& syntax) {
  const int delta = syntax.qp_delta();
  if (delta < -26 || delta > 25) return false;
  qp_ = (qp_ + delta + 52) % 52;
  return true;
}

template <typename Syntax>
bool MacroblockParser::parse_residual(Syntax& syntax, bool intra16x16) {
  const unsigned pattern = state_.context->coded_block_pattern;
  if (pattern == 0 && !intra16x16) {
    syntax.no_qp_delta();
    macroblock_->luma_qp = static_cast<int8_t>(qp_);
    return true;
  }
  if (!parse_qp_delta(syntax)) return false;
  macroblock_->luma_qp = static_cast<int8_t>(qp_);
  state_.counts.load(state_.near, Syntax::absent_count(state_.intra));
  writer_.begin(reserve_values());
  if (intra16x16) {
    parse_luma_16x16(syntax);
  } else {
    parse_luma(syntax);
  }
  if (pattern > 15) {
    parse_chroma(syntax);
  } else {
    state_.counts.clear_chroma();
  }
  row_values_[1] += writer_.finish(*macroblock_);
  state_.counts.store(*state_.context);
  set_nonzero_blocks();
  return !syntax.overrun();
}

template <typename Syntax>
void MacroblockParser::parse_luma(Syntax& syntax) {
  const unsigned pattern = state_.context->coded_block_pattern;
  const auto qp = static_cast<size_t>(qp_);
  const LevelScale::Block4x4& scale = picture_.scale.blocks4x4[state_.intra ? 0 : 3][qp];
  const LevelScale::Block8x8& scale8x8 = picture_.scale.blocks8x8[state_.intra ? 0 : 1][qp];
  const bool transform_8x8 = (macroblock_->flags & Macroblock::kTransform8x8) != 0;
  for (int first = 0; first < 16; first += 4) {
    if ((pattern >> (first / 4) & 1) == 0) {
      state_.counts.set_8x8(block_x(first), block_y(first), 0);
      continue;
    }
    for (int block = first; block < first + (transform_8x8 ? 1 : 4); ++block) {
      const size_t values = transform_8x8 ? 64 : 16;
      int16_t* out = transform_8x8 ? writer_.block<64>() : writer_.block<16>();
      const auto found =
          transform_8x8 ? syntax.luma_8x8(state_, block_x(block), block_y(block), scale8x8, out)
                        : syntax.luma_4x4(state_, BlockCategory::kLuma4x4, block_x(block),
                                          block_y(block), scale, out);
      if (!found.coded) continue;
      if (found.beyond_first) {
        writer_.keep(static_cast<unsigned>(block), values);
      } else {
        writer_.keep_dc(static_cast<unsigned>(block), out[0]);
      }
    }
  }
}

template <typename Syntax>
void MacroblockParser::parse_luma_16x16(Syntax& syntax) {
  const unsigned pattern = state_.context->coded_block_pattern;
  const LevelScale::Block4x4& scale = picture_.scale.blocks4x4[0][static_cast<size_t>(qp_)];
  std::array<int32_t, 16> dc{};
  if (syntax.luma_dc(state_, dc)) transform_luma_dc(dc, scale[0]);
  if ((pattern & 15) == 0) state_.counts.clear_luma();
  for (int block = 0; block < 16; ++block) {
    const int x = block_x(block);
    const int y = block_y(block);
    const auto first = static_cast<int16_t>(dc[static_cast<size_t>(4 * y + x)]);
    if ((pattern & 15) != 0) {
      int16_t* out = writer_.block<16>();
      if (syntax.luma_4x4(state_, BlockCategory::kLumaAc, x, y, scale, out).coded) {
        out[0] = first;
        writer_.keep(static_cast<unsigned>(block), 16);
        continue;
      }
    }
    if (first != 0) writer_.keep_dc(static_cast<unsigned>(block), first);
  }
}

template <typename Syntax>
void MacroblockParser::parse_chroma(Syntax& syntax) {
  const bool has_ac = (state_.context->coded_block_pattern & 0x20) != 0;
  std::array<std::array<int32_t, 4>, 2> dc{};
  std::array<const LevelScale::Block4x4*, 2> scales{};
  for (size_t component = 0; component < 2; ++component) {
    const size_t qp = picture_.chroma_qp[component][static_cast<size_t>(qp_)];
    scales[component] = &picture_.scale.blocks4x4[(state_.intra ? 1 : 4) + component][qp];
    if (syntax.chroma_dc(state_, static_cast<int>(component), dc[component])) {
      transform_chroma_dc(dc[component], (*scales[component])[0]);
    }
  }
  if (!has_ac) state_.counts.clear_chroma();
  for (unsigned block = 0; block < 8; ++block) {
    const size_t component = block / 4;
    const auto first = static_cast<int16_t>(dc[component][block % 4]);
    if (has_ac) {
      int16_t* out = writer_.block<16>();
      if (syntax
              .chroma_ac(state_, static_cast<int>(component), static_cast<int>(block % 2),
                         static_cast<int>(block / 2 % 2), *scales[component], out)
              .coded) {
        out[0] = first;
        writer_.keep(16 + block, 16);
        continue;
      }
    }
    if (first != 0) writer_.keep_dc(16 + block, first);
  }
}

void MacroblockParser::set_nonzero_blocks() {
  const bool transform_8x8 = (macroblock_->flags & Macroblock::kTransform8x8) != 0;
  uint32_t blocks = (macroblock_->full_blocks | macroblock_->dc_blocks) & 0xFFFF;
  if (transform_8x8) blocks *= 15;  // from each first block to all four
  macroblock_->nonzero_blocks = static_cast<uint16_t>(blocks);
}

template bool MacroblockParser::parse_residual(CabacSyntax& syntax, bool intra16x16);
template bool MacroblockParser::parse_residual(CavlcSyntax& syntax, bool intra16x16);

}  // namespace daedalus::core::h264
