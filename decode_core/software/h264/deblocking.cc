#include "decode_core/software/h264/deblocking.h"

#include <bit>

#include "decode_core/software/h264/mbaff_deblocking.h"

namespace daedalus::core::h264 {
namespace {

bool any(const MacroblockStrengths& strengths) {
  const auto [a, b, c, d] = std::bit_cast<std::array<uint64_t, 4>>(strengths);
  return (a | b | c | d) != 0;
}

}  // namespace

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
  const Slice* slice = nullptr;
  for (uint32_t x = 0; x < list_.width; ++x) {
    const uint32_t index = row * list_.width + x;
    const Macroblock& macroblock = list_.macroblocks[index];
    if (!is_filtered(list_, macroblock)) continue;
    if (slice != &list_.slices[macroblock.slice]) {
      slice = &list_.slices[macroblock.slice];
      if (thresholds_.differ_for(*slice)) run_batch();
      thresholds_.select(*slice);
    }
    add_to_batch(x, row);
  }
  run_batch();
}

void Deblocking::add_to_batch(uint32_t x, uint32_t row) {
  const uint32_t index = row * list_.width + x;
  const Macroblock& macroblock = list_.macroblocks[index];
  FilteredNeighbours neighbours;
  if (x != 0 && filters_across(list_, macroblock, index - 1)) neighbours.left = index - 1;
  if (row != 0 && filters_across(list_, macroblock, index - list_.width)) {
    neighbours.top = index - list_.width;
  }
  gpu_kernels::H264DeblockMacroblock& filtered = batch_[batch_size_];
  filtered.strength = strengths_.of(index, neighbours);
  if (!any(filtered.strength)) return;
  ++batch_size_;
  const auto target = target_.macroblock(x, row);
  filtered.luma = target.luma;
  filtered.chroma = target.chroma;
  if (neighbours.left != kNoMacroblock) {
    filtered.qp[0] = thresholds_.between(list_.macroblocks[neighbours.left], macroblock);
  }
  if (neighbours.top != kNoMacroblock) {
    filtered.qp[1] = thresholds_.between(list_.macroblocks[neighbours.top], macroblock);
  }
  filtered.qp[2] = thresholds_.inside(macroblock);
}

void Deblocking::run_batch() {
  functions_.filter_macroblocks(batch_.data(), batch_size_, thresholds_.table(),
                                target_.luma_stride, target_.chroma_stride);
  batch_size_ = 0;
}

}  // namespace daedalus::core::h264
