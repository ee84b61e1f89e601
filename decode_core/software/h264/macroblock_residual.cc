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
  const auto keep = [&](typename Syntax::Block found, int block, size_t values, int16_t* out) {
    if (found.beyond_first) {
      writer_.keep(static_cast<unsigned>(block), values);
    } else if (found.coded) {
      writer_.keep_dc(static_cast<unsigned>(block), out[0]);
    }
  };
  for (int first = 0; first < 16; first += 4) {
    const int x = block_x(first);
    const int y = block_y(first);
    if ((pattern >> (first / 4) & 1) == 0) {
      state_.counts.set_8x8(x, y, 0);
    } else if (transform_8x8) {
      int16_t* out = writer_.block<64>();
      keep(syntax.luma_8x8(state_, x, y, scale8x8, out), first, 64, out);
    } else {
      for (int i = 0; i < 4; ++i) {
        int16_t* out = writer_.block<16>();
        keep(syntax.luma_4x4(state_, BlockCategory::kLuma4x4, x + i % 2, y + i / 2, scale, out),
             first + i, 16, out);
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
  for (unsigned component = 0; component < 2; ++component) {
    for (unsigned block = 0; block < 4; ++block) {
      const unsigned bit = 16 + 4 * component + block;
      const auto first = static_cast<int16_t>(dc[component][block]);
      if (has_ac) {
        int16_t* out = writer_.block<16>();
        const int x = static_cast<int>(block % 2);
        const int y = static_cast<int>(block / 2);
        if (syntax.chroma_ac(state_, static_cast<int>(component), x, y, *scales[component], out)
                .coded) {
          out[0] = first;
          writer_.keep(bit, 16);
          continue;
        }
      }
      if (first != 0) writer_.keep_dc(bit, first);
    }
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
