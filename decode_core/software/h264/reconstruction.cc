#include "decode_core/software/h264/reconstruction.h"

namespace daedalus::core::h264 {

Reconstruction::Reconstruction(const PictureList& list, const ReferenceSamples& references,
                               const PicturePlanes& target,
                               const gpu_kernels::SubstrateChoice& substrate)
    : list_(list),
      references_(references),
      target_(target),
      mc_(gpu_kernels::h264_mc_functions(substrate.of(gpu_kernels::Stage::kMc))),
      idct_(gpu_kernels::h264_idct_functions(substrate.of(gpu_kernels::Stage::kIdct))),
      lists_(list, references),
      intra_(list, target, substrate) {}

void Reconstruction::reconstruct_row(uint32_t row) {
  predict(PictureStructure::kFrame, target_);
  if (list_.mbaff) {
    predict(PictureStructure::kTopField, target_.field(/*bottom=*/false));
    predict(PictureStructure::kBottomField, target_.field(/*bottom=*/true));
  }
  add_residual(row);
  reconstruct_intra(row);
  intra_.keep_last_lines(row);
}

void Reconstruction::predict(PictureStructure structure, const PicturePlanes& target) {
  const auto list = lists_.of(structure);
  if (list.empty()) return;
  const gpu_kernels::H264McPictures pictures{target.luma,        target.chroma,
                                             target.luma_stride, target.chroma_stride,
                                             references_.all(),  lists_.weights()};
  mc_.predict(pictures, list.data(), list.size());
}

gpu_kernels::H264Target Reconstruction::target_of(uint32_t x, uint32_t y,
                                                  const Macroblock& macroblock) const {
  if (!list_.mbaff || (macroblock.flags & Macroblock::kField) == 0) {
    return target_.macroblock(x, y);
  }
  return target_.field((y & 1) != 0).macroblock(x, y / 2);
}

void Reconstruction::add_residual(uint32_t row) {
  residuals_.clear();
  const uint32_t height = list_.mbaff ? 2 : 1;
  const int16_t* coefficients = list_.rows[row].values.data();
  for (uint32_t y = row * height; y < (row + 1) * height; ++y) {
    for (uint32_t x = 0; x < list_.width; ++x) {
      const Macroblock& macroblock = list_.macroblocks[y * list_.width + x];
      if (macroblock.kind != MacroblockKind::kInter ||
          (macroblock.full_blocks | macroblock.dc_blocks) == 0) {
        continue;
      }
      residuals_.push_back({{macroblock.full_blocks, macroblock.dc_blocks,
                             (macroblock.flags & Macroblock::kTransform8x8) != 0,
                             coefficients + macroblock.coefficients},
                            target_of(x, y, macroblock)});
    }
  }
  idct_.add_macroblocks(residuals_.data(), residuals_.size());
}

void Reconstruction::reconstruct_intra(uint32_t row) {
  const uint32_t height = list_.mbaff ? 2 : 1;
  const int16_t* coefficients = list_.rows[row].values.data();
  for (uint32_t x = 0; x < list_.width; ++x) {
    for (uint32_t y = row * height; y < (row + 1) * height; ++y) {
      const Macroblock& macroblock = list_.macroblocks[y * list_.width + x];
      if (macroblock.kind == MacroblockKind::kInter ||
          macroblock.kind == MacroblockKind::kMissing) {
        continue;
      }
      intra_.reconstruct(x, y, coefficients + macroblock.coefficients);
    }
  }
}

}  // namespace daedalus::core::h264
