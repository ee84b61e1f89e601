#include "decode_core/software/h264/intra_reconstruction.h"

#include <algorithm>
#include <cstring>

namespace daedalus::core::h264 {
namespace {

using gpu_kernels::H264ChromaMode;
using gpu_kernels::H264Edges16x16;
using gpu_kernels::H264Edges4x4;
using gpu_kernels::H264Edges8x8;
using gpu_kernels::H264EdgesChroma;
using gpu_kernels::H264IntraMode;
using gpu_kernels::H264PlaneMode;

// What a mode that may not be used reads.
constexpr uint8_t kAbsent = 128;

bool has(const Macroblock& macroblock, unsigned neighbours) {
  return (macroblock.intra_neighbours & neighbours) == neighbours;
}

constexpr unsigned kLeft = Macroblock::kLeftUpper | Macroblock::kLeftLower;

unsigned left_half(unsigned y) { return y < 8 ? Macroblock::kLeftUpper : Macroblock::kLeftLower; }

H264IntraMode resolve(uint8_t mode, bool left, bool top) {
  constexpr uint8_t kModes = 9;
  const auto named = static_cast<H264IntraMode>(mode < kModes ? mode : 2);
  if (named != H264IntraMode::kDc || (left && top)) return named;
  return left ? H264IntraMode::kDcLeft : top ? H264IntraMode::kDcTop : H264IntraMode::kDcNone;
}

H264PlaneMode resolve(H264PlaneMode mode, bool left, bool top) {
  if (mode != H264PlaneMode::kDc || (left && top)) return mode;
  return left ? H264PlaneMode::kDcLeft : top ? H264PlaneMode::kDcTop : H264PlaneMode::kDcNone;
}

// The left samples may be there for one half alone.
H264ChromaMode resolve(H264ChromaMode mode, bool upper, bool lower, bool top) {
  if (mode != H264ChromaMode::kDc || (upper && lower && top)) return mode;
  if (upper && lower) return H264ChromaMode::kDcLeft;
  if (upper) return top ? H264ChromaMode::kDcTopLeftUpper : H264ChromaMode::kDcLeftUpper;
  if (lower) return top ? H264ChromaMode::kDcTopLeftLower : H264ChromaMode::kDcLeftLower;
  return top ? H264ChromaMode::kDcTop : H264ChromaMode::kDcNone;
}

template <size_t kSize>
void read_left(const uint8_t* samples, ptrdiff_t stride, bool there,
               std::array<uint8_t, kSize>& left) {
  if (!there) {
    left.fill(kAbsent);
    return;
  }
  for (size_t i = 0; i < kSize; ++i) left[i] = samples[static_cast<ptrdiff_t>(i) * stride - 1];
}

// kWidth samples above a block, and as many right of them.
template <size_t kWidth>
void read_above(const uint8_t* above, bool there, bool right_there,
                std::array<uint8_t, kWidth * 2>& top) {
  if (!there) {
    top.fill(kAbsent);
    return;
  }
  std::memcpy(top.data(), above, right_there ? kWidth * 2 : kWidth);
  if (!right_there) std::memset(top.data() + kWidth, top[kWidth - 1], kWidth);
}

// 8x8 pairs.
void copy_pcm_chroma(const int16_t* coefficients, const gpu_kernels::H264Target& target) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(coefficients);
  const uint8_t* cb = bytes + 256;
  const uint8_t* cr = bytes + 320;
  for (ptrdiff_t y = 0; y < 8; ++y) {
    uint8_t* to = target.chroma + y * target.chroma_stride;
    for (ptrdiff_t x = 0; x < 8; ++x) {
      to[x * 2] = *cb++;
      to[x * 2 + 1] = *cr++;
    }
  }
}

void copy_pcm(const int16_t* coefficients, const gpu_kernels::H264Target& target) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(coefficients);
  for (ptrdiff_t y = 0; y < 16; ++y) {
    std::memcpy(target.luma + y * target.luma_stride, bytes + y * 16, 16);
  }
  copy_pcm_chroma(coefficients, target);
}

// Steps through a macroblock's coefficients block by block, in the order of the bits.
class BlockCoefficients {
 public:
  BlockCoefficients(const Macroblock& macroblock, const int16_t* coefficients, unsigned block_size)
      : full_blocks_(macroblock.full_blocks),
        dc_blocks_(macroblock.dc_blocks),
        block_size_(block_size),
        full_(coefficients) {
    const auto luma_blocks = static_cast<unsigned>(__builtin_popcount(full_blocks_ & 0xFFFF));
    const auto chroma_blocks = static_cast<unsigned>(__builtin_popcount(full_blocks_ >> 16));
    dc_ = coefficients + luma_blocks * block_size + chroma_blocks * 16;
  }

  // Null where the block has no full coefficients.
  const int16_t* next_full(unsigned block) {
    if ((full_blocks_ >> block & 1) == 0) return nullptr;
    const int16_t* values = full_;
    full_ += block_size_;
    return values;
  }
  // Null where the block has no single one.
  const int16_t* next_dc(unsigned block) {
    return (dc_blocks_ >> block & 1) == 0 ? nullptr : dc_++;
  }

 private:
  const uint32_t full_blocks_;
  const uint32_t dc_blocks_;
  const unsigned block_size_;
  const int16_t* full_;
  const int16_t* dc_;
};

gpu_kernels::H264Residual residual_of(const Macroblock& macroblock, const int16_t* coefficients) {
  return {macroblock.full_blocks, macroblock.dc_blocks,
          (macroblock.flags & Macroblock::kTransform8x8) != 0, coefficients};
}

}  // namespace

IntraReconstruction::IntraReconstruction(const PictureList& list, const PicturePlanes& target,
                                         const gpu_kernels::SubstrateChoice& substrate)
    : list_(list),
      target_(target),
      intra_(gpu_kernels::h264_intra_functions(substrate.of(gpu_kernels::Stage::kIntra))),
      idct_(gpu_kernels::h264_idct_functions(substrate.of(gpu_kernels::Stage::kIdct))) {
  for (Line& line : above_) {
    line.luma.resize(size_t{list.width} * 16 + kMargin * 2, kAbsent);
    line.chroma.resize(size_t{list.width} * 16 + kMargin * 2, kAbsent);
  }
}

void IntraReconstruction::keep_last_lines(uint32_t row) {
  const uint32_t lines = list_.mbaff ? 32 : 16;
  const size_t bytes = size_t{list_.width} * 16;
  const auto luma_end = static_cast<ptrdiff_t>(size_t{row + 1} * lines);
  const auto chroma_end = luma_end / 2;
  for (ptrdiff_t last = list_.mbaff ? 2 : 1; last > 0; --last) {
    Line& line = above_[static_cast<size_t>(2 - last)];
    std::memcpy(line.luma.data() + kMargin, target_.luma + (luma_end - last) * target_.luma_stride,
                bytes);
    std::memcpy(line.chroma.data() + kMargin,
                target_.chroma + (chroma_end - last) * target_.chroma_stride, bytes);
  }
}

IntraReconstruction::Place IntraReconstruction::place_of(uint32_t x, uint32_t y,
                                                         const int16_t* coefficients) const {
  const Macroblock& macroblock = list_.macroblocks[y * list_.width + x];
  const bool field_of_frame = list_.mbaff && (macroblock.flags & Macroblock::kField) != 0;
  const bool bottom = (y & 1) != 0;
  const auto target =
      field_of_frame ? target_.field(bottom).macroblock(x, y / 2) : target_.macroblock(x, y);
  if (list_.mbaff && !field_of_frame && bottom) {
    return {macroblock, coefficients, target, target.luma - target.luma_stride,
            target.chroma - target.chroma_stride};
  }
  const Line& line = above_[field_of_frame && !bottom ? 0 : 1];
  const size_t offset = kMargin + size_t{x} * 16;
  return {macroblock, coefficients, target, line.luma.data() + offset, line.chroma.data() + offset};
}

void IntraReconstruction::reconstruct(uint32_t x, uint32_t y, const int16_t* coefficients) {
  const Place place = place_of(x, y, coefficients);
  switch (place.macroblock.kind) {
    case MacroblockKind::kPcm:
      copy_pcm(coefficients, place.target);
      return;
    case MacroblockKind::kIntra16x16: {
      predict_16x16(place);
      predict_chroma(place);
      const gpu_kernels::H264ResidualMacroblock whole{residual_of(place.macroblock, coefficients),
                                                      place.target};
      idct_.add_macroblocks(&whole, 1);
      return;
    }
    case MacroblockKind::kIntra4x4:
      reconstruct_4x4(place);
      break;
    case MacroblockKind::kIntra8x8:
      reconstruct_8x8(place);
      break;
    case MacroblockKind::kInter:
    case MacroblockKind::kMissing:
      return;
  }
  predict_chroma(place);
  idct_.add_chroma(residual_of(place.macroblock, coefficients), place.target);
}

void IntraReconstruction::reconstruct_4x4(const Place& place) const {
  // Blocks whose upper right neighbour is decoded later or belongs to the macroblock on the right.
  constexpr uint32_t kNoTopRight = 1 << 3 | 1 << 7 | 1 << 11 | 1 << 13 | 1 << 15;
  constexpr unsigned kMacroblockCorner = 5;
  const Macroblock& macroblock = place.macroblock;
  const ptrdiff_t stride = place.target.luma_stride;
  BlockCoefficients coefficients(macroblock, place.coefficients, 16);
  for (unsigned block = 0; block < 16; ++block) {
    const unsigned x = (block & 4) * 2 + (block & 1) * 4;
    const unsigned y = (block & 8) + (block & 2) * 2;
    uint8_t* samples = place.target.luma + static_cast<ptrdiff_t>(y) * stride + x;
    const uint8_t* above = y == 0 ? place.luma_above + x : samples - stride;
    const bool left = x != 0 || has(macroblock, left_half(y));
    const bool top = y != 0 || has(macroblock, Macroblock::kTop);
    const bool corner = y != 0 ? x != 0 || has(macroblock, left_half(y - 1))
                               : has(macroblock, x != 0 ? unsigned{Macroblock::kTop}
                                                        : unsigned{Macroblock::kTopLeft});
    const bool top_right = block == kMacroblockCorner ? has(macroblock, Macroblock::kTopRight)
                                                      : (kNoTopRight >> block & 1) == 0;
    H264Edges4x4 edges;
    edges.corner = corner ? above[-1] : kAbsent;
    read_left(samples, stride, left, edges.left);
    read_above<4>(above, top, top_right, edges.top);
    const auto mode = static_cast<size_t>(resolve(macroblock.intra_modes[block], left, top));
    intra_.predict_4x4[mode](samples, stride, edges);
    if (const int16_t* full = coefficients.next_full(block)) idct_.add_4x4(samples, stride, full);
    if (const int16_t* dc = coefficients.next_dc(block)) idct_.add_4x4_dc(samples, stride, *dc);
  }
}

void IntraReconstruction::reconstruct_8x8(const Place& place) const {
  const Macroblock& macroblock = place.macroblock;
  const ptrdiff_t stride = place.target.luma_stride;
  BlockCoefficients coefficients(macroblock, place.coefficients, 64);
  for (unsigned block = 0; block < 4; ++block) {
    const unsigned x = block % 2 * 8;
    const unsigned y = block / 2 * 8;
    uint8_t* samples = place.target.luma + static_cast<ptrdiff_t>(y) * stride + x;
    const uint8_t* above = y == 0 ? place.luma_above + x : samples - stride;
    constexpr std::array<unsigned, 4> kCorner = {Macroblock::kTopLeft, Macroblock::kTop,
                                                 Macroblock::kLeftUpper, 0};
    constexpr std::array<unsigned, 2> kTopRight = {Macroblock::kTop, Macroblock::kTopRight};
    H264Edges8x8 edges;
    edges.has_left = x != 0 || has(macroblock, left_half(y));
    edges.has_top = y != 0 || has(macroblock, Macroblock::kTop);
    edges.has_corner = has(macroblock, kCorner[block]);
    const bool top_right = y == 0 ? has(macroblock, kTopRight[block]) : x == 0;
    edges.corner = edges.has_corner ? above[-1] : kAbsent;
    read_left(samples, stride, edges.has_left, edges.left);
    read_above<8>(above, edges.has_top, top_right, edges.top);
    const auto mode =
        static_cast<size_t>(resolve(macroblock.intra_modes[block], edges.has_left, edges.has_top));
    intra_.predict_8x8[mode](samples, stride, edges);
    const unsigned bit = block * 4;
    if (const int16_t* full = coefficients.next_full(bit)) idct_.add_8x8(samples, stride, full);
    if (const int16_t* dc = coefficients.next_dc(bit)) idct_.add_8x8_dc(samples, stride, *dc);
  }
}

void IntraReconstruction::predict_16x16(const Place& place) const {
  const Macroblock& macroblock = place.macroblock;
  const bool left = has(macroblock, kLeft);
  const bool top = has(macroblock, Macroblock::kTop);
  H264Edges16x16 edges;
  edges.corner = has(macroblock, Macroblock::kTopLeft) ? place.luma_above[-1] : kAbsent;
  read_left(place.target.luma, place.target.luma_stride, left, edges.left);
  if (top) {
    std::memcpy(edges.top.data(), place.luma_above, edges.top.size());
  } else {
    edges.top.fill(kAbsent);
  }
  const auto mode = static_cast<H264PlaneMode>(macroblock.intra16x16_mode & 3);
  intra_.predict_16x16[static_cast<size_t>(resolve(mode, left, top))](
      place.target.luma, place.target.luma_stride, edges);
}

void IntraReconstruction::predict_chroma(const Place& place) const {
  const Macroblock& macroblock = place.macroblock;
  const ptrdiff_t stride = place.target.chroma_stride;
  const bool top = has(macroblock, Macroblock::kTop);
  const bool upper = has(macroblock, Macroblock::kLeftUpper);
  const bool lower = has(macroblock, Macroblock::kLeftLower);
  H264EdgesChroma edges;
  edges.corner.fill(kAbsent);
  if (has(macroblock, Macroblock::kTopLeft)) {
    std::memcpy(edges.corner.data(), place.chroma_above - 2, 2);
  }
  if (top) {
    std::memcpy(edges.top.data(), place.chroma_above, edges.top.size());
  } else {
    edges.top.fill(kAbsent);
  }
  edges.left.fill(kAbsent);
  for (ptrdiff_t y = 0; y < 8; ++y) {
    if (!(y < 4 ? upper : lower)) continue;
    std::memcpy(edges.left.data() + y * 2, place.target.chroma + y * stride - 2, 2);
  }
  const auto mode = static_cast<H264ChromaMode>(macroblock.chroma_mode & 3);
  const auto predict = intra_.predict_chroma[static_cast<size_t>(resolve(mode, upper, lower, top))];
  predict(place.target.chroma, stride, edges);
}

}  // namespace daedalus::core::h264
