#include "gpu_kernels/idct/h264_vulkan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "gpu_kernels/idct/h264_tables.h"
#include "gpu_kernels/idct/shaders.h"

namespace daedalus::gpu_kernels {
namespace {

using idct::kChromaBlocks;
using idct::kLumaBlocks;

constexpr size_t kGroup = 64;  // blocks of a workgroup
constexpr size_t kVector = 8;  // coefficients that shaders read at a time
constexpr size_t kWordBytes = 4;

// As the shaders read them.
struct LumaBlock {
  uint32_t word;      // of the picture
  uint32_t residual;  // of 8x8 blocks: the first vector
};
struct ChromaBlock {
  uint32_t word;
  std::array<uint32_t, 2> residual;  // Cb, Cr
  uint32_t unused = 0;
};

// Residuals of h264_vulkan.glsl.
uint32_t full_residual(size_t vector) { return static_cast<uint32_t>(vector) << 1 | 1; }
uint32_t dc_residual(int16_t dc) { return static_cast<uint32_t>(int32_t{dc}) << 1; }

size_t whole_groups(size_t count) { return (count + kGroup - 1) / kGroup * kGroup; }

// Bits 0 to 3: the places where Cb or Cr has a block.
uint32_t chroma_places(const H264Residual& residual) {
  const uint32_t blocks = residual.full_blocks | residual.dc_blocks;
  return (blocks >> 16 | blocks >> 20) & 15;
}

}  // namespace

struct VulkanH264Idct::Counts {
  explicit Counts(std::span<const H264PlacedResidual> macroblocks) {
    for (const H264PlacedResidual& macroblock : macroblocks) {
      const H264Residual& residual = macroblock.residual;
      const auto full = static_cast<size_t>(std::popcount(residual.full_blocks & kLumaBlocks));
      const auto dc = static_cast<size_t>(std::popcount(residual.dc_blocks & kLumaBlocks));
      if (residual.transform_8x8) {
        blocks_8x8 += full;
        blocks_4x4 += 4 * dc;
      } else {
        blocks_4x4 += full + dc;
      }
      chroma += static_cast<size_t>(std::popcount(chroma_places(residual)));
      values += static_cast<size_t>(idct::full_end(residual) - residual.coefficients);
    }
  }

  size_t blocks_4x4 = 0;
  size_t blocks_8x8 = 0;
  size_t chroma = 0;
  size_t values = 0;  // of full blocks
};

// Writes the blocks of one macroblock after another.
class VulkanH264Idct::Filling {
 public:
  Filling(const VulkanH264Idct& to, const H264DevicePicture& picture)
      : picture_(picture),
        next_4x4_(to.blocks_4x4_.room.as<LumaBlock>()),
        next_8x8_(to.blocks_8x8_.room.as<LumaBlock>()),
        next_chroma_(to.chroma_.room.as<ChromaBlock>()),
        values_(to.coefficients_.as<int16_t>()) {}

  void add(const H264PlacedResidual& macroblock) {
    const H264Residual& residual = macroblock.residual;
    const auto values = static_cast<size_t>(idct::full_end(residual) - residual.coefficients);
    std::copy_n(residual.coefficients, values, values_ + filled_);
    add_luma(macroblock);
    add_chroma(macroblock);
    filled_ += values;
  }

  // To whole workgroups: of DC values of 0, and in 8x8 blocks of any, to the spare bytes.
  void finish(const VulkanH264Idct& to) {
    const auto spare = static_cast<uint32_t>(picture_.spare() / kWordBytes);
    std::fill(next_4x4_, to.blocks_4x4_.room.as<LumaBlock>() + to.blocks_4x4_.count,
              LumaBlock{spare, 0});
    std::fill(next_8x8_, to.blocks_8x8_.room.as<LumaBlock>() + to.blocks_8x8_.count,
              LumaBlock{spare, 0});
    std::fill(next_chroma_, to.chroma_.room.as<ChromaBlock>() + to.chroma_.count,
              ChromaBlock{spare, {}});
  }

 private:
  // `x` in bytes.
  uint32_t word_of(size_t plane, size_t x, size_t y) const {
    return static_cast<uint32_t>((plane + y * picture_.stride() + x) / kWordBytes);
  }

  void add_luma(const H264PlacedResidual& macroblock) {
    const H264Residual& residual = macroblock.residual;
    const int16_t* dc = idct::full_end(residual);
    size_t vector = filled_ / kVector;
    for (uint32_t left = (residual.full_blocks | residual.dc_blocks) & kLumaBlocks; left != 0;
         left &= left - 1) {
      const int block = std::countr_zero(left);
      const size_t x = macroblock.x * 16 + static_cast<size_t>((block & 1) * 4 + (block & 4) * 2);
      const size_t y = macroblock.y * 16 + static_cast<size_t>((block & 2) * 2 + (block & 8));
      const uint32_t word = word_of(0, x, y);
      if ((residual.full_blocks >> block & 1) != 0) {
        if (residual.transform_8x8) {
          *next_8x8_++ = {word, static_cast<uint32_t>(vector)};
        } else {
          *next_4x4_++ = {word, full_residual(vector)};
        }
        vector += idct::luma_block_values(residual) / kVector;
      } else {
        const uint32_t value = dc_residual(*dc++);
        *next_4x4_++ = {word, value};
        if (!residual.transform_8x8) continue;
        // Four blocks with the same DC value.
        *next_4x4_++ = {word + 1, value};
        *next_4x4_++ = {word_of(0, x, y + 4), value};
        *next_4x4_++ = {word_of(0, x, y + 4) + 1, value};
      }
    }
  }

  void add_chroma(const H264PlacedResidual& macroblock) {
    const H264Residual& residual = macroblock.residual;
    size_t vector =
        (filled_ + static_cast<size_t>(idct::first_full_chroma(residual) - residual.coefficients)) /
        kVector;
    const int16_t* dc = idct::first_dc_chroma(residual);
    std::array<std::array<uint32_t, 2>, 4> residuals{};  // by place
    for (uint32_t left = (residual.full_blocks | residual.dc_blocks) & kChromaBlocks; left != 0;
         left &= left - 1) {
      const auto block = static_cast<size_t>(std::countr_zero(left));
      uint32_t& made = residuals[block % 4][block >= 20 ? 1 : 0];
      if ((residual.full_blocks >> block & 1) != 0) {
        made = full_residual(vector);
        vector += 16 / kVector;
      } else {
        made = dc_residual(*dc++);
      }
    }
    for (uint32_t left = chroma_places(residual); left != 0; left &= left - 1) {
      const auto place = static_cast<size_t>(std::countr_zero(left));
      const uint32_t word = word_of(picture_.chroma(), macroblock.x * 16 + place % 2 * 8,
                                    macroblock.y * 8 + place / 2 * 4);
      *next_chroma_++ = {word, residuals[place]};
    }
  }

  const H264DevicePicture picture_;
  LumaBlock* next_4x4_;
  LumaBlock* next_8x8_;
  ChromaBlock* next_chroma_;
  int16_t* const values_;
  size_t filled_ = 0;  // of them
};

Result<std::unique_ptr<VulkanH264Idct>> VulkanH264Idct::create(vulkan::Device& device) {
  std::unique_ptr<VulkanH264Idct> made(new VulkanH264Idct(device));
  if (const Status created = made->create(); !created.ok()) return created.error();
  return made;
}

Status VulkanH264Idct::create() {
  constexpr uint32_t kParameters = 3;
  return vulkan::create_kernels(device_,
                                {{blocks_4x4_.kernel, shaders::h264_idct_4x4, kParameters},
                                 {blocks_8x8_.kernel, shaders::h264_idct_8x8, kParameters},
                                 {chroma_.kernel, shaders::h264_idct_chroma, kParameters}});
}

Status VulkanH264Idct::make_room(const Counts& counts) {
  blocks_4x4_.count = whole_groups(counts.blocks_4x4);
  blocks_8x8_.count = whole_groups(counts.blocks_8x8);
  chroma_.count = whole_groups(counts.chroma);
  const size_t one_group = kGroup * sizeof(ChromaBlock);
  const std::pair<vulkan::Room&, size_t> rooms[] = {
      {blocks_4x4_.room, blocks_4x4_.count * sizeof(LumaBlock)},
      {blocks_8x8_.room, blocks_8x8_.count * sizeof(LumaBlock)},
      {chroma_.room, chroma_.count * sizeof(ChromaBlock)},
      {coefficients_, counts.values * sizeof(int16_t)}};
  for (const auto& [room, size] : rooms) {
    if (Status made = room.make(device_, std::max(size, one_group)); !made.ok()) return made;
  }
  return {};
}

Status VulkanH264Idct::add(std::span<const H264PlacedResidual> macroblocks,
                           const H264DevicePicture& picture, vulkan::Array samples,
                           vulkan::Batch& batch) {
  if (Status made = make_room(Counts(macroblocks)); !made.ok()) return made;
  Filling filling(*this, picture);
  for (const H264PlacedResidual& macroblock : macroblocks) filling.add(macroblock);
  filling.finish(*this);
  for (const Blocks* blocks : {&blocks_4x4_, &blocks_8x8_, &chroma_}) {
    if (blocks->count == 0) continue;
    if (Status status = dispatch(*blocks, picture, samples, batch); !status.ok()) return status;
  }
  return {};
}

Status VulkanH264Idct::dispatch(const Blocks& blocks, const H264DevicePicture& picture,
                                vulkan::Array samples, vulkan::Batch& batch) {
  const std::array<vulkan::Array, 3> arrays = {samples, coefficients_.array(), blocks.room.array()};
  constexpr uint32_t kTwo24 = 1 << 24;
  constexpr uint32_t kAllSteps = ~uint32_t{0};
  const std::array<uint32_t, 3> parameters = {picture.stride() / uint32_t{kWordBytes}, kTwo24,
                                              kAllSteps};
  return batch.dispatch(*blocks.kernel, arrays, parameters,
                        static_cast<uint32_t>(blocks.count / kGroup), 1);
}

}  // namespace daedalus::gpu_kernels
