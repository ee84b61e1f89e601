// What the shaders of inter prediction are told: predictions cut into blocks of 4x4 luma samples.
#ifndef DAEDALUS_GPU_KERNELS_MC_H264_TASKS_H_
#define DAEDALUS_GPU_KERNELS_MC_H264_TASKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "gpu_kernels/idct/h264_vulkan.h"
#include "gpu_kernels/mc/h264.h"

namespace daedalus::gpu_kernels::mc {

// As h264_mc_luma.comp and h264_mc_chroma.comp read it.
struct H264Task {
  uint32_t from;
  uint32_t how;
  uint32_t to;
  uint32_t step;
};

// As h264_mc_combine.glsl reads it.
struct H264CombinedBlock {
  uint32_t to;
  uint32_t first_slot;
  uint32_t how;
  uint32_t unused = 0;
};

// A reference in an array of the device's, which goes on beyond its edges: from there on out a
// block is all edge.
struct H264DeviceReference {
  static constexpr size_t kMarginBytes = 16;  // left, and at least as much right
  static constexpr size_t kLumaMargin = 9;    // rows above and below
  static constexpr size_t kChromaMargin = 4;

  H264DeviceReference(const H264McReference& reference, size_t array_begin)
      : begin(array_begin),
        stride((reference.width + 2 * kMarginBytes + 15) / 16 * 16),
        width(static_cast<int>(reference.width)),
        height(static_cast<int>(reference.height)),
        chroma_offset(reference.chroma_offset) {}

  size_t luma_rows() const { return static_cast<size_t>(height) + 2 * kLumaMargin; }
  size_t chroma_rows() const { return static_cast<size_t>(height) / 2 + 2 * kChromaMargin; }
  size_t chroma() const { return begin + luma_rows() * stride; }
  size_t end() const { return chroma() + chroma_rows() * stride; }

  size_t begin;   // bytes, a multiple of 16
  size_t stride;  // bytes, a multiple of 16
  int width;      // luma samples
  int height;
  int chroma_offset;
};

// By index of H264McPictures::references, those that predictions name.
using H264DeviceReferences = std::array<std::optional<H264DeviceReference>, 256>;

// Uses its memory again for one picture after another.
class H264Tasks {
 public:
  static constexpr size_t kGroup = 64;  // tasks, or blocks, of a workgroup
  // Predictions that are to be combined lie behind the picture, in slots.
  static constexpr size_t kSlotBytes = 16;
  // Of each of H264McPictures::weights so many follow one another: of the first prediction alone,
  // the second alone, and both.
  static constexpr size_t kWeightVariants = 3;
  static constexpr size_t kMostWeights = std::numeric_limits<uint16_t>::max() / kWeightVariants;

  // May throw std::bad_alloc, as add() and finish().
  void begin(const H264DevicePicture& picture);
  void add(const H264Prediction& prediction, const H264DeviceReferences& references);
  // Fills the last workgroups.
  void finish();

  const std::vector<H264Task>& luma() const { return luma_; }
  const std::vector<H264Task>& chroma() const { return chroma_; }
  const std::vector<H264CombinedBlock>& combined_luma() const { return combined_luma_; }
  const std::vector<H264CombinedBlock>& combined_chroma() const { return combined_chroma_; }
  // Of the picture and the slots behind it.
  size_t bytes() const { return size_t{next_slot_} * kSlotBytes; }

 private:
  // Where a block's samples are read.
  struct Source {
    const H264DeviceReference* reference;
    int x;  // half luma samples, or eighths of chroma samples
    int y;
  };
  struct Sources {
    std::array<Source, 4> all;
    uint32_t count = 0;
    uint32_t flags = 0;         // of H264CombinedBlock
    uint32_t weights = 0xFFFF;  // the variant of them; 0xFFFF: none

    void add(const Source& source) { all[count++] = source; }
  };
  static H264Task luma_task(const Source& source);
  static H264Task chroma_task(const Source& source);
  void add_blocks(const H264Prediction& prediction, const Sources& sources, bool is_chroma);

  H264DevicePicture picture_;
  std::vector<H264Task> luma_, chroma_;
  std::vector<H264CombinedBlock> combined_luma_, combined_chroma_;
  uint32_t next_slot_ = 0;
};

}  // namespace daedalus::gpu_kernels::mc

#endif  // DAEDALUS_GPU_KERNELS_MC_H264_TASKS_H_
