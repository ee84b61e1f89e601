#include "decode_core/software/h264/reconstruction.h"

#include <new>

#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::core::h264 {

Reconstruction::Reconstruction(const PictureList& list, const ReferenceSamples& references,
                               const PicturePlanes& target,
                               const gpu_kernels::SubstrateChoice& substrate, InterGpu* gpu)
    : list_(list),
      references_(references),
      target_(target),
      mc_(gpu_kernels::h264_mc_functions(substrate.of(gpu_kernels::Stage::kMc))),
      idct_(gpu_kernels::h264_idct_functions(substrate.of(gpu_kernels::Stage::kIdct))),
      lists_(list, references),
      intra_(list, target, substrate),
      gpu_(gpu) {}

void Reconstruction::plan_row(uint32_t row) {
  if (gpu_ != nullptr && row == 0) at_once_ = plan_picture();
  if (!at_once_) lists_.build_row(row);
}

// The lists of all rows as one. False: its blocks have more weights than can be told apart.
bool Reconstruction::plan_picture() {
  predictions_.clear();
  weights_.clear();
  for (uint32_t row = 0; row < list_.height; ++row) {
    lists_.build_row(row);
    const size_t before = weights_.size();
    weights_.insert(weights_.end(), lists_.weights().begin(), lists_.weights().end());
    if (weights_.size() > gpu_kernels::H264Prediction::kUnweighted) return false;
    for (gpu_kernels::H264Prediction block : lists_.of(PictureStructure::kFrame)) {
      if (block.weights != gpu_kernels::H264Prediction::kUnweighted) {
        block.weights = static_cast<uint16_t>(block.weights + before);
      }
      predictions_.push_back(block);
    }
  }
  return true;
}

void Reconstruction::reconstruct_row(uint32_t row) {
  if (!at_once_) {
    predict(PictureStructure::kFrame, target_);
    if (list_.mbaff) {
      predict(PictureStructure::kTopField, target_.field(/*bottom=*/false));
      predict(PictureStructure::kBottomField, target_.field(/*bottom=*/true));
    }
  } else if (row == 0) {
    predict_picture();
  }
  if (inter_on_ != InterOn::kGpu || !gpu_->adds_residual()) add_residual(row);
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

// The CPU needs none of the memory that the lists for the GPU take.
Status Reconstruction::predict_on_gpu(const gpu_kernels::H264McPictures& pictures) try {
  std::vector<gpu_kernels::H264PlacedResidual> residuals;
  for (uint32_t y = 0; y < list_.height && gpu_->adds_residual(); ++y) {
    for (uint32_t x = 0; x < list_.width; ++x) {
      const Macroblock& macroblock = list_.macroblocks[y * list_.width + x];
      if (has_residual(macroblock)) residuals.push_back({residual_of(macroblock, y), x, y});
    }
  }
  return gpu_->run({pictures, list_.width * 16, list_.height * 16, predictions_, residuals});
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::kOutOfMemory, "no memory for what a GPU is to predict"};
}

void Reconstruction::predict_picture() {
  if (predictions_.empty()) return;
  const gpu_kernels::H264McPictures pictures{target_.luma,        target_.chroma,
                                             target_.luma_stride, target_.chroma_stride,
                                             references_.all(),   weights_};
  const Status made = predict_on_gpu(pictures);
  if (made.ok()) {
    inter_on_ = InterOn::kGpu;
    return;
  }
  if (gpu_kernels::failed_now(made.error())) inter_on_ = InterOn::kCpuForGpu;
  mc_.predict(pictures, predictions_.data(), predictions_.size());
}

gpu_kernels::H264Target Reconstruction::target_of(uint32_t x, uint32_t y,
                                                  const Macroblock& macroblock) const {
  if (!list_.mbaff || (macroblock.flags & Macroblock::kField) == 0) {
    return target_.macroblock(x, y);
  }
  return target_.field((y & 1) != 0).macroblock(x, y / 2);
}

// Of an inter macroblock: intra ones get theirs as they are predicted.
bool Reconstruction::has_residual(const Macroblock& macroblock) const {
  return macroblock.kind == MacroblockKind::kInter &&
         (macroblock.full_blocks | macroblock.dc_blocks) != 0;
}

gpu_kernels::H264Residual Reconstruction::residual_of(const Macroblock& macroblock,
                                                      uint32_t row) const {
  return {macroblock.full_blocks, macroblock.dc_blocks,
          (macroblock.flags & Macroblock::kTransform8x8) != 0,
          list_.rows[row].values.data() + macroblock.coefficients};
}

void Reconstruction::add_residual(uint32_t row) {
  residuals_.clear();
  const uint32_t height = list_.mbaff ? 2 : 1;
  for (uint32_t y = row * height; y < (row + 1) * height; ++y) {
    for (uint32_t x = 0; x < list_.width; ++x) {
      const Macroblock& macroblock = list_.macroblocks[y * list_.width + x];
      if (!has_residual(macroblock)) continue;
      residuals_.push_back({residual_of(macroblock, row), target_of(x, y, macroblock)});
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
