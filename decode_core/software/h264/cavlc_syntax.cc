#include "decode_core/software/h264/cavlc_syntax.h"

#include "decode_core/software/h264/cavlc_tables.h"

namespace daedalus::core::h264 {
namespace {

constexpr unsigned kChromaDcCount = 255;  // nC is -1

// nC (9.2.1) of the counts left and above, absent ones being 64.
unsigned expected_count(unsigned left, unsigned top) {
  const unsigned sum = left + top;
  return sum < 64 ? (sum + 1) >> 1 : sum & 31;
}

TokenClass class_of(unsigned count) {
  if (count == kChromaDcCount) return TokenClass::kChromaDc;
  return count < 2   ? TokenClass::kBelow2
         : count < 4 ? TokenClass::kBelow4
         : count < 8 ? TokenClass::kBelow8
                     : TokenClass::kAbove;
}

CoefficientToken read_token(BitWindow& bits, unsigned count) {
  const TokenClass kind = class_of(count);
  const uint32_t next = bits.peek();
  if (kind == TokenClass::kAbove) {
    // Six bits: TotalCoeff - 1 and TrailingOnes, or 000011 for none.
    bits.skip(6);
    const auto code = static_cast<uint8_t>(next >> 26);
    if (code == 3) return {6, 0, 0};
    return {6, static_cast<uint8_t>((code >> 2) + 1), static_cast<uint8_t>(code & 3)};
  }
  const CoefficientToken& token = kCavlcTables.token(kind, next);
  bits.skip(token.length);
  return token;
}

unsigned read_run(BitWindow& bits, unsigned zeros_left, bool& damaged) {
  const uint32_t next = bits.peek();
  if (zeros_left <= 6) {
    const CodeValue& code = kCavlcTables.runs[zeros_left - 1][next >> 29];
    bits.skip(code.length);
    return code.value;
  }
  const uint32_t three = next >> 29;
  if (three != 0) {
    bits.skip(3);
    return 7 - three;
  }
  const auto zeros = static_cast<unsigned>(std::countl_zero(next | 1));
  if (zeros > 10) damaged = true;
  bits.skip(zeros + 1);
  return zeros + 4;
}

}  // namespace

void CavlcSyntax::start(const uint8_t* begin, const uint8_t* end, size_t first) {
  bits_ = BitWindow(begin, end, first);
  damaged_ = false;
  while (end > begin && end[-1] == 0) --end;
  stop_bit_ = 0;
  if (end > begin) {
    stop_bit_ =
        static_cast<size_t>(end - begin) * 8 - 1 - static_cast<size_t>(std::countr_zero(end[-1]));
  }
}

unsigned CavlcSyntax::coded_block_pattern(const Neighbours&, bool intra_nxn, bool has_chroma) {
  const uint32_t code = bits_.ue();
  if (code >= (has_chroma ? 48u : 16u)) {
    damaged_ = true;
    return 0;
  }
  return kCodedBlockPatterns[has_chroma][intra_nxn ? 0 : 1][code];
}

const uint8_t* CavlcSyntax::pcm_samples(size_t bytes) {
  const size_t first = (bits_.position() + 7) / 8;
  if (first > bits_.bytes() || bytes > bits_.bytes() - first) return nullptr;
  const uint8_t* samples = bits_.data() + first;
  bits_ = BitWindow(bits_.data(), bits_.data() + bits_.bytes(), (first + bytes) * 8);
  return samples;
}

// 9.2.2.1; skips_ones: a first level that cannot be 1 or -1.
int32_t CavlcSyntax::read_level(unsigned& suffix_length, bool skips_ones) {
  const uint32_t next = bits_.peek();
  const auto prefix = static_cast<unsigned>(std::countl_zero(next | 1));
  if (prefix > 25) {
    damaged_ = true;
    return 1;
  }
  bits_.skip(prefix + 1);
  const unsigned suffix_size = prefix == 14 && suffix_length == 0 ? 4
                               : prefix >= 15                     ? prefix - 3
                                                                  : suffix_length;
  uint32_t code = (prefix < 15 ? prefix : 15) << suffix_length;
  if (suffix_size > 0) code += bits_.u(suffix_size);
  if (prefix >= 15 && suffix_length == 0) code += 15;
  if (prefix >= 16) code += (1u << (prefix - 3)) - 4096;
  if (skips_ones) code += 2;
  const auto magnitude = static_cast<int32_t>((code + 2) >> 1);
  if (suffix_length == 0) suffix_length = 1;
  if (magnitude > 3 << (suffix_length - 1) && suffix_length < 6) ++suffix_length;
  return code % 2 == 0 ? magnitude : -magnitude;
}

template <unsigned kCount>
unsigned CavlcSyntax::read_total_zeros(unsigned total) {
  const uint32_t next = bits_.peek();
  const CodeValue& code = kCount == 4 ? kCavlcTables.chroma_total_zeros[total - 1][next >> 29]
                                      : kCavlcTables.total_zeros[total - 1][next >> 23];
  if (code.length == 0) damaged_ = true;
  bits_.skip(code.length);
  return code.value;
}

// residual_block_cavlc() (7.3.5.3.2): calls sink(index, level), the highest index first.
template <unsigned kCount, typename Sink>
unsigned CavlcSyntax::decode_block(unsigned count_class, unsigned& last, Sink&& sink) {
  const CoefficientToken token = read_token(bits_, count_class);
  const unsigned total = token.total;
  if (token.length == 0 || total > kCount || token.ones > total) {
    damaged_ = true;
    return 0;
  }
  if (total == 0) return 0;
  std::array<int32_t, 16> levels;
  unsigned suffix_length = total > 10 && token.ones < 3 ? 1 : 0;
  for (unsigned i = 0; i < total; ++i) {
    levels[i] = i < token.ones ? (bits_.flag() ? -1 : 1)
                               : read_level(suffix_length, i == token.ones && token.ones < 3);
  }
  unsigned zeros_left = total < kCount ? read_total_zeros<kCount>(total) : 0;
  if (total + zeros_left > kCount) {
    damaged_ = true;
    return 0;
  }
  unsigned place = total + zeros_left - 1;
  last = place;
  for (unsigned i = 0; i < total; ++i) {
    sink(place, levels[i]);
    if (i + 1 == total) break;
    const unsigned run = zeros_left > 0 ? read_run(bits_, zeros_left, damaged_) : 0;
    if (run > zeros_left) {
      damaged_ = true;
      return total;
    }
    zeros_left -= run;
    place -= run + 1;
  }
  return total;
}

CavlcSyntax::Block CavlcSyntax::luma_4x4(MacroblockState& state, BlockCategory category, int x,
                                         int y, const LevelScale::Block4x4& scale, int16_t* out) {
  CoefficientCounts::Place place = state.counts.luma(x, y);
  const unsigned expected = expected_count(place.left, place.top);
  const bool ac = category == BlockCategory::kLumaAc;
  const uint8_t* scan = kScans4x4[state.field_scan].data() + (ac ? 1 : 0);
  const auto sink = [&](unsigned i, int32_t level) {
    out[scan[i]] = scale_4x4(level, scale[scan[i]]);
  };
  unsigned last = 0;
  const unsigned count =
      ac ? decode_block<15>(expected, last, sink) : decode_block<16>(expected, last, sink);
  place.set(static_cast<uint8_t>(count));
  return {count > 0, count > 0 && (ac || last > 0)};
}

// Four interleaved blocks (7.3.5.3.2).
CavlcSyntax::Block CavlcSyntax::luma_8x8(MacroblockState& state, int x, int y,
                                         const LevelScale::Block8x8& scale, int16_t* out) {
  Block result{};
  const uint8_t* scan = kScans8x8[state.field_scan].data();
  for (int part = 0; part < 4; ++part) {
    CoefficientCounts::Place place = state.counts.luma(x + part % 2, y + part / 2);
    const unsigned expected = expected_count(place.left, place.top);
    unsigned last = 0;
    const unsigned count = decode_block<16>(expected, last, [&](unsigned i, int32_t level) {
      const uint8_t where = scan[4 * i + static_cast<unsigned>(part)];
      out[where] = scale_8x8(level, scale[where]);
    });
    place.set(static_cast<uint8_t>(count));
    result.coded |= count > 0;
    result.beyond_first |= count > 0 && (part > 0 || last > 0);
  }
  return result;
}

CavlcSyntax::Block CavlcSyntax::chroma_ac(MacroblockState& state, int component, int x, int y,
                                          const LevelScale::Block4x4& scale, int16_t* out) {
  CoefficientCounts::Place place = state.counts.chroma(component, x, y);
  const unsigned expected = expected_count(place.left, place.top);
  const uint8_t* scan = kScans4x4[state.field_scan].data() + 1;
  unsigned last = 0;
  const unsigned count = decode_block<15>(expected, last, [&](unsigned i, int32_t level) {
    out[scan[i]] = scale_4x4(level, scale[scan[i]]);
  });
  place.set(static_cast<uint8_t>(count));
  return {count > 0, count > 0};
}

// Takes the counts of block 0, and leaves none.
bool CavlcSyntax::luma_dc(MacroblockState& state, std::array<int32_t, 16>& levels) {
  const CoefficientCounts::Place place = state.counts.luma(0, 0);
  const unsigned expected = expected_count(place.left, place.top);
  const uint8_t* scan = kScans4x4[state.field_scan].data();
  unsigned last = 0;
  return decode_block<16>(expected, last,
                          [&](unsigned i, int32_t level) { levels[scan[i]] = level; }) > 0;
}

bool CavlcSyntax::chroma_dc(MacroblockState&, int, std::array<int32_t, 4>& levels) {
  unsigned last = 0;
  return decode_block<4>(kChromaDcCount, last,
                         [&](unsigned i, int32_t level) { levels[i] = level; }) > 0;
}

}  // namespace daedalus::core::h264
