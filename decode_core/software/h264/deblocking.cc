#include "decode_core/software/h264/deblocking.h"

#include <bit>

#include "decode_core/software/h264/mbaff_deblocking.h"

namespace daedalus::core::h264 {
namespace {

bool any(const MacroblockStrengths& strengths) {
  uint64_t all = 0;
  for (const uint64_t part : std::bit_cast<std::array<uint64_t, 4>>(strengths)) all |= part;
  return all != 0;
}

}  // namespace

bool filters_across(const PictureList& list, const Macroblock& macroblock, uint32_t beyond) {
  const Macroblock& other = list.macroblocks[beyond];
  if (other.kind == MacroblockKind::kMissing) return false;
  constexpr uint8_t kNotAcrossSlices = 2;
  const auto& header = list.slices[macroblock.slice].header.slice;
  return header.disable_deblocking_filter_idc != kNotAcrossSlices ||
         other.slice == macroblock.slice;
}

bool is_filtered(const PictureList& list, const Macroblock& macroblock) {
  constexpr uint8_t kOff = 1;
  return macroblock.kind != MacroblockKind::kMissing &&
         list.slices[macroblock.slice].header.slice.disable_deblocking_filter_idc != kOff;
}

Deblocking::Deblocking(const PictureList& list, const v4l2_ctrl_h264_pps& pps,
                       const PicturePlanes& target, const gpu_kernels::SubstrateChoice& substrate)
    : list_(list),
      target_(target),
      functions_(gpu_kernels::h264_deblock_functions(substrate.of(gpu_kernels::Stage::kDeblock))),
      thresholds_(pps),
      strengths_(list) {
  batch_.resize(list.width);
}

void Deblocking::filter_row(uint32_t row) {
  if (list_.mbaff) {
    MbaffDeblocking(list_, target_, functions_, thresholds_, strengths_).filter_row(row);
  } else {
    filter_plain_row(row);
  }
}

void Deblocking::filter_plain_row(uint32_t row) {
  size_t count = 0;
  for (uint32_t x = 0; x < list_.width; ++x) {
    const uint32_t index = row * list_.width + x;
    const Macroblock& macroblock = list_.macroblocks[index];
    if (!is_filtered(list_, macroblock)) continue;
    FilteredNeighbours neighbours;
    if (x != 0 && filters_across(list_, macroblock, index - 1)) neighbours.left = index - 1;
    if (row != 0 && filters_across(list_, macroblock, index - list_.width)) {
      neighbours.top = index - list_.width;
    }
    const MacroblockStrengths strengths = strengths_.of(index, neighbours);
    if (!any(strengths)) continue;
    thresholds_.select(list_.slices[macroblock.slice]);
    const auto target = target_.macroblock(x, row);
    gpu_kernels::H264DeblockMacroblock& filtered = batch_[count++];
    filtered.luma = target.luma;
    filtered.chroma = target.chroma;
    filtered.strength = strengths;
    const auto set_outer = [&](size_t direction, uint32_t beyond) {
      if (strengths[direction][0] == EdgeStrength{}) return;
      filtered.thresholds[direction] = thresholds_.between(list_.macroblocks[beyond], macroblock);
    };
    set_outer(0, neighbours.left);
    set_outer(1, neighbours.top);
    filtered.thresholds[2] = thresholds_.inside(macroblock);
  }
  functions_.filter_macroblocks(batch_.data(), count, target_.luma_stride, target_.chroma_stride);
}

}  // namespace daedalus::core::h264
