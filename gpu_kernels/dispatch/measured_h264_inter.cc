#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "gpu_kernels/dispatch/measured_pictures.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/mc/h264.h"
#include "gpu_kernels/mc/h264_vulkan.h"

namespace daedalus::gpu_kernels {
namespace {

// The same numbers each time.
class Draw {
 public:
  uint32_t bits() {
    state_ = state_ * 1664525 + 1013904223;  // Numerical Recipes' generator; low bits repeat soon
    return state_ >> 8;
  }
  int below(int end) { return static_cast<int>(bits() % static_cast<uint32_t>(end)); }

 private:
  uint32_t state_ = 1;
};

struct Nv12 {
  Nv12(uint32_t width, uint32_t height, Draw& draw)
      : luma(size_t{width} * height), chroma(luma.size() / 2) {
    for (uint8_t& sample : luma) sample = static_cast<uint8_t>(draw.bits());
    for (uint8_t& sample : chroma) sample = static_cast<uint8_t>(draw.bits());
  }
  std::vector<uint8_t> luma, chroma;
};

// A frame all of whose macroblocks are predicted, divided as streams do it: half of them whole; a
// quarter of the blocks from both lists; a third of the vectors without fractions; and half of the
// macroblocks with residual. One of its references was the last picture's, too.
class MeasuredH264Inter final : public MeasuredPicture {
 public:
  MeasuredH264Inter(VulkanH264Inter& gpu, const Work& work)
      : gpu_(gpu),
        width_(work.width),
        height_(work.height),
        target_(width_, height_, draw_),
        first_(width_, height_, draw_),
        second_(width_, height_, draw_),
        references_{reference(first_, new_h264_content()), reference(second_, 0)} {
    for (uint32_t y = 0; y < height_ / 16; ++y) {
      for (uint32_t x = 0; x < width_ / 16; ++x) {
        add_predictions(x * 16, y * 16);
        if (draw_.below(2) == 0) add_residual(x, y);
      }
      row_ends_.push_back({predictions_.size(), placed_.size()});
    }
    for (size_t i = 0; i < placed_.size(); ++i) {
      H264PlacedResidual& placed = placed_[i];
      placed.residual.coefficients = coefficients_.data() + coefficients_at_[i];
      const auto stride = static_cast<ptrdiff_t>(width_);
      residuals_.push_back({placed.residual,
                            {target_.luma.data() + placed.y * 16 * stride + size_t{placed.x} * 16,
                             target_.chroma.data() + placed.y * 8 * stride + size_t{placed.x} * 16,
                             stride, stride}});
    }
  }

  // By rows of macroblocks, as the engine does it.
  void on_cpu() override {
    const H264McFunctions& mc = h264_mc_functions(Substrate::kSimd);
    const H264IdctFunctions& idct = h264_idct_functions(Substrate::kSimd);
    const H264McPictures pictures = mc_pictures();
    RowEnd begin;
    for (const RowEnd& end : row_ends_) {
      mc.predict(pictures, predictions_.data() + begin.predictions,
                 end.predictions - begin.predictions);
      idct.add_macroblocks(residuals_.data() + begin.residuals, end.residuals - begin.residuals);
      begin = end;
    }
  }

  Status on_gpu() override {
    return gpu_.run({mc_pictures(), width_, height_, predictions_, placed_});
  }

 private:
  struct RowEnd {
    size_t predictions = 0;
    size_t residuals = 0;
  };

  H264McReference reference(const Nv12& picture, uint64_t content) const {
    return {.luma = picture.luma.data(),
            .chroma = picture.chroma.data(),
            .luma_stride = static_cast<ptrdiff_t>(width_),
            .chroma_stride = static_cast<ptrdiff_t>(width_),
            .width = width_,
            .height = height_,
            .content = content};
  }

  H264McPictures mc_pictures() {
    const auto stride = static_cast<ptrdiff_t>(width_);
    return {target_.luma.data(), target_.chroma.data(), stride, stride, references_, {}};
  }

  void add_predictions(uint32_t x, uint32_t y) {
    constexpr uint8_t kSizes[][2] = {{16, 16}, {16, 16}, {16, 16}, {16, 16},
                                     {16, 8},  {8, 16},  {8, 8},   {8, 8}};
    const auto& [width, height] = kSizes[draw_.below(8)];
    for (uint32_t block_y = 0; block_y < 16; block_y += height) {
      for (uint32_t block_x = 0; block_x < 16; block_x += width) {
        H264Prediction block;
        block.x = static_cast<uint16_t>(x + block_x);
        block.y = static_cast<uint16_t>(y + block_y);
        block.width = width;
        block.height = height;
        const int lists = draw_.below(4);
        if (lists != 1) add_reference(block, 0);
        if (lists <= 1) add_reference(block, 1);
        predictions_.push_back(block);
      }
    }
  }

  void add_reference(H264Prediction& block, uint8_t list) {
    block.reference[list] = list;
    const int fractions = draw_.below(3) == 0 ? ~3 : ~0;
    for (int16_t& component : block.vector[list]) {
      component = static_cast<int16_t>((draw_.below(128) - 64) & fractions);
    }
  }

  // A quarter of the blocks with coefficients, a quarter of chroma's with a DC value alone.
  void add_residual(uint32_t x, uint32_t y) {
    H264PlacedResidual placed;
    placed.x = x;
    placed.y = y;
    H264Residual& residual = placed.residual;
    residual.transform_8x8 = draw_.below(2) == 0;
    const uint32_t blocks = draw_.bits() & (residual.transform_8x8 ? 0xFF1111 : 0xFFFFFF);
    const uint32_t full = draw_.bits();
    residual.full_blocks = blocks & full;
    residual.dc_blocks = blocks & ~full & 0xFF0000;
    if ((residual.full_blocks | residual.dc_blocks) == 0) return;
    const size_t count =
        std::popcount(residual.full_blocks & 0xFFFF) * (residual.transform_8x8 ? 64 : 16) +
        std::popcount(residual.full_blocks & 0xFF0000) * 16 + std::popcount(residual.dc_blocks);
    coefficients_at_.push_back(coefficients_.size());
    for (size_t i = 0; i < count; ++i) {
      coefficients_.push_back(static_cast<int16_t>(draw_.below(128) - 64));
    }
    placed_.push_back(placed);
  }

  VulkanH264Inter& gpu_;
  const uint32_t width_, height_;
  Draw draw_;
  Nv12 target_;
  const Nv12 first_, second_;
  const std::vector<H264McReference> references_;
  std::vector<H264Prediction> predictions_;
  std::vector<int16_t> coefficients_;
  std::vector<size_t> coefficients_at_;  // of each residual, the first
  std::vector<H264PlacedResidual> placed_;
  std::vector<H264ResidualMacroblock> residuals_;  // the same
  std::vector<RowEnd> row_ends_;
};

}  // namespace

MeasuredPictureResult measured_h264_inter(VulkanH264Inter& gpu, const Work& work) {
  return std::unique_ptr<MeasuredPicture>(std::make_unique<MeasuredH264Inter>(gpu, work));
}

}  // namespace daedalus::gpu_kernels
