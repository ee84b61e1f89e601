#include "gpu_kernels/cdef/av1_vulkan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <span>
#include <utility>

#include "gpu_kernels/cdef/av1_tables.h"
#include "gpu_kernels/cdef/shaders.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/failure_log.h"
#include "gpu_kernels/vulkan/kernel.h"
#include "gpu_kernels/vulkan/room.h"

namespace daedalus::gpu_kernels {
namespace {

using vulkan::Array;
using vulkan::Batch;
using vulkan::Device;
using vulkan::Kernel;
using vulkan::Room;

// What shaders read and write at a time: eight samples of 16 bits.
constexpr uint32_t kVector = 16;
constexpr uint32_t kVectorSamples = 8;
// A sample outside the picture: less than all others, and as an unsigned number more.
constexpr uint16_t kUnavailable = 0xC000;
// How far taps reach up and down.
constexpr uint32_t kReach = 2;
constexpr uint32_t kCopies = 5;         // shifted by -2 to 2 samples
constexpr uint32_t kItself = 2;         // of them
constexpr uint32_t kBlocksOfGroup = 8;  // of cdef_direction, each way
constexpr uint32_t kShiftGroup = 256;
constexpr uint32_t kFilterGroupWidth = 8;
constexpr uint32_t kFilterGroupHeight = 32;
// Bits of cdef_filter's `taps`.
constexpr uint32_t kPrimaryTaps = 0x00F;
constexpr uint32_t kSecondaryTaps = 0xFF0;

constexpr uint32_t round_up(uint32_t value, uint32_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Whole workgroups of blocks. A row of blocks is as many vectors: 8 luma samples, or 4 pairs.
struct Grid {
  explicit Grid(const Av1CdefPicture& picture)
      : across(round_up(picture.blocks_across, kBlocksOfGroup)),
        down(round_up(picture.block_rows, kBlocksOfGroup)) {}

  // With a vector that is outside the picture between any two rows.
  uint32_t stride() const { return across + 1; }
  size_t blocks() const { return size_t{across} * down; }

  uint32_t across;
  uint32_t down;
};

// The samples of luma, or of both chroma planes, in shifted copies. Each begins with a vector that
// is outside the picture, and so are kReach rows above and below: no tap lies where a copy was
// shifted from beyond its own begin or end.
struct Layout {
  Layout(const Grid& grid, uint32_t rows_of_block)
      : rows(grid.down * rows_of_block),
        copy(round_up(1 + grid.stride() * (rows + 2 * kReach), kShiftGroup)),
        first(kItself * copy + 1 + kReach * grid.stride()),
        samples_bytes(size_t{kCopies} * copy * kVector),
        result_bytes(size_t{grid.across} * rows * kVector) {}

  uint32_t rows;
  uint32_t copy;   // vectors of a shifted copy
  uint32_t first;  // the picture's first vector
  size_t samples_bytes;
  size_t result_bytes;
};

template <typename Sample>
uint16_t load(const uint8_t* row, uint32_t x) {
  Sample sample;
  std::memcpy(&sample, row + x * sizeof sample, sizeof sample);
  return sample;
}

template <typename Sample>
void store(uint16_t value, uint8_t* row, uint32_t x) {
  const auto sample = static_cast<Sample>(value);
  std::memcpy(row + x * sizeof sample, &sample, sizeof sample);
}

// A plane to every `step`th sample of the rows, or back.
struct Interleaving {
  uint16_t* samples;
  size_t stride;  // samples
  uint32_t step;
  uint32_t width;
  uint32_t rows;
};

template <typename Sample>
void copy_in(SourcePlane from, const Interleaving& to) {
  for (uint32_t y = 0; y < to.rows; ++y) {
    const uint8_t* row = cdef::row_of(from, y);
    uint16_t* out = to.samples + y * to.stride;
    for (uint32_t x = 0; x < to.width; ++x) out[size_t{x} * to.step] = load<Sample>(row, x);
  }
}

template <typename Sample>
void copy_out(const Interleaving& from, TargetPlane to) {
  for (uint32_t y = 0; y < from.rows; ++y) {
    const uint16_t* in = from.samples + y * from.stride;
    uint8_t* row = cdef::row_of(to, y);
    for (uint32_t x = 0; x < from.width; ++x) store<Sample>(in[size_t{x} * from.step], row, x);
  }
}

// Which taps some block may have: of luma, and of chroma.
uint32_t taps_of(const Av1CdefPicture& picture, bool chroma) {
  uint32_t taps = 0;
  for (const Av1CdefStrengths& strengths : picture.strengths) {
    if ((chroma ? strengths.uv_primary : strengths.y_primary) != 0) taps |= kPrimaryTaps;
    if ((chroma ? strengths.uv_secondary : strengths.y_secondary) != 0) taps |= kSecondaryTaps;
  }
  return taps;
}

class CdefOnDevice final : public VulkanAv1Cdef {
 public:
  explicit CdefOnDevice(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  Status create();
  Status run(const Av1CdefPicture& picture) override;

 private:
  // Of luma or chroma.
  struct Channel {
    Room samples;
    Room filters;
    Room result;
  };

  Status filter(const Av1CdefPicture& picture);
  Status make_room(const Grid& grid, const Layout& luma, const Layout& chroma);
  void fill_blocks(const Av1CdefPicture& picture, const Grid& grid);
  Status find_directions(const Av1CdefPicture& picture, const Grid& grid, const Layout& luma,
                         const Layout& chroma);
  Status shift(const Kernel& kernel, const Channel& channel, const Layout& layout);
  Status filter(const Channel& channel, const Grid& grid, const Layout& layout, uint32_t log2_block,
                uint32_t taps);

  const std::shared_ptr<Device> device_;
  std::mutex mutex_;
  std::unique_ptr<Kernel> direction_, shift_luma_, shift_chroma_, filter_;
  std::unique_ptr<Batch> batch_;
  Channel luma_, chroma_;
  Room blocks_;
  vulkan::FailureLog failures_;
};

Status CdefOnDevice::create() {
  const Status kernels =
      vulkan::create_kernels(*device_, {{direction_, shaders::cdef_direction, 8},
                                        {shift_luma_, shaders::cdef_shift_luma, 1},
                                        {shift_chroma_, shaders::cdef_shift_chroma, 1},
                                        {filter_, shaders::cdef_filter, 6}});
  if (!kernels.ok()) return kernels;
  auto batch = Batch::create(*device_);
  if (!batch) return batch.error();
  batch_ = std::move(*batch);
  return {};
}

Status CdefOnDevice::run(const Av1CdefPicture& picture) {
  if (Status good = check_av1_cdef(picture); !good.ok()) return good;
  std::lock_guard lock(mutex_);
  Status filtered = batch_->ready();
  if (filtered.ok()) filtered = filter(picture);
  if (!filtered.ok()) failures_.tell(*device_, filtered.error());
  return filtered;
}

Status CdefOnDevice::make_room(const Grid& grid, const Layout& luma, const Layout& chroma) {
  const size_t filter_bytes = grid.blocks() * 2 * kVector;
  const std::pair<Room&, size_t> rooms[] = {{luma_.samples, luma.samples_bytes},
                                            {luma_.filters, filter_bytes},
                                            {luma_.result, luma.result_bytes},
                                            {chroma_.samples, chroma.samples_bytes},
                                            {chroma_.filters, filter_bytes},
                                            {chroma_.result, chroma.result_bytes},
                                            {blocks_, grid.blocks() * sizeof(uint32_t)}};
  for (const auto& [room, size] : rooms) {
    if (Status made = room.make(*device_, size); !made.ok()) return made;
  }
  return {};
}

// As cdef_direction.comp reads them.
void CdefOnDevice::fill_blocks(const Av1CdefPicture& picture, const Grid& grid) {
  std::fill_n(blocks_.as<uint32_t>(), grid.blocks(), 0);
  for (uint32_t row = 0; row < picture.block_rows; ++row) {
    const uint8_t* from = picture.blocks + size_t{row} * picture.blocks_across;
    uint32_t* to = blocks_.as<uint32_t>() + size_t{row} * grid.across;
    for (uint32_t column = 0; column < picture.blocks_across; ++column) {
      if (from[column] == kAv1CdefSkipped) continue;
      const Av1CdefStrengths& strengths = picture.strengths[from[column]];
      to[column] = strengths.y_primary | uint32_t{strengths.y_secondary} << 4 |
                   uint32_t{strengths.uv_primary} << 8 | uint32_t{strengths.uv_secondary} << 12;
    }
  }
}

Status CdefOnDevice::find_directions(const Av1CdefPicture& picture, const Grid& grid,
                                     const Layout& luma, const Layout& chroma) {
  const std::array<Array, 4> arrays = {luma_.samples.array(), blocks_.array(),
                                       luma_.filters.array(), chroma_.filters.array()};
  const std::array<uint32_t, 8> parameters = {luma.first,
                                              grid.across,
                                              grid.stride(),
                                              luma.copy,
                                              chroma.copy,
                                              static_cast<uint32_t>(picture.damping),
                                              static_cast<uint32_t>(picture.bit_depth - 8),
                                              0};
  return batch_->dispatch(*direction_, arrays, parameters, grid.across / kBlocksOfGroup,
                          grid.down / kBlocksOfGroup);
}

Status CdefOnDevice::shift(const Kernel& kernel, const Channel& channel, const Layout& layout) {
  const std::array<Array, 1> arrays = {channel.samples.array()};
  const std::array<uint32_t, 1> parameters = {layout.copy};
  return batch_->dispatch(kernel, arrays, parameters, layout.copy / kShiftGroup, 1);
}

Status CdefOnDevice::filter(const Channel& channel, const Grid& grid, const Layout& layout,
                            uint32_t log2_block, uint32_t taps) {
  const std::array<Array, 3> arrays = {channel.samples.array(), channel.filters.array(),
                                       channel.result.array()};
  const std::array<uint32_t, 6> parameters = {layout.first,  grid.across, log2_block,
                                              grid.stride(), taps,        0};
  return batch_->dispatch(*filter_, arrays, parameters, grid.across / kFilterGroupWidth,
                          layout.rows / kFilterGroupHeight);
}

Status CdefOnDevice::filter(const Av1CdefPicture& picture) {
  const Grid grid(picture);
  const Layout luma(grid, 8);
  const Layout chroma(grid, 4);
  if (Status made = make_room(grid, luma, chroma); !made.ok()) return made;
  fill_blocks(picture, grid);

  const size_t planes = picture.monochrome ? 1 : 3;
  const auto interleaving = [&](size_t plane, uint16_t* samples, uint32_t vectors) {
    const uint32_t size = plane == 0 ? 8 : 4;
    return Interleaving{samples + (plane == 2 ? 1 : 0), size_t{vectors} * kVectorSamples,
                        plane == 0 ? 1U : 2U, picture.blocks_across * size,
                        picture.block_rows * size};
  };
  const bool wide = picture.bit_depth > 8;
  for (size_t plane = 0; plane < planes; ++plane) {
    const Layout& layout = plane == 0 ? luma : chroma;
    const Channel& channel = plane == 0 ? luma_ : chroma_;
    uint16_t* const samples = channel.samples.as<uint16_t>();
    if (plane < 2) {
      std::fill_n(samples + size_t{kItself} * layout.copy * kVectorSamples,
                  size_t{layout.copy} * kVectorSamples, kUnavailable);
    }
    const Interleaving to =
        interleaving(plane, samples + size_t{layout.first} * kVectorSamples, grid.stride());
    (wide ? copy_in<uint16_t> : copy_in<uint8_t>)(picture.from[plane], to);
  }

  if (Status begun = batch_->begin(); !begun.ok()) return begun;
  Status status = find_directions(picture, grid, luma, chroma);
  if (status.ok()) status = shift(*shift_luma_, luma_, luma);
  if (status.ok() && planes > 1) status = shift(*shift_chroma_, chroma_, chroma);
  if (status.ok()) batch_->finish_writes();
  if (status.ok()) status = filter(luma_, grid, luma, 3, taps_of(picture, false));
  if (status.ok() && planes > 1) {
    status = filter(chroma_, grid, chroma, 2, taps_of(picture, true));
  }
  if (status.ok()) status = batch_->run();
  if (!status.ok()) return status;

  for (size_t plane = 0; plane < planes; ++plane) {
    uint16_t* const samples = (plane == 0 ? luma_ : chroma_).result.as<uint16_t>();
    const Interleaving from = interleaving(plane, samples, grid.across);
    (wide ? copy_out<uint16_t> : copy_out<uint8_t>)(from, picture.to[plane]);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<VulkanAv1Cdef>> VulkanAv1Cdef::create(std::shared_ptr<Device> device) {
  auto made = std::make_unique<CdefOnDevice>(std::move(device));
  if (const Status created = made->create(); !created.ok()) return created.error();
  return std::unique_ptr<VulkanAv1Cdef>(std::move(made));
}

}  // namespace daedalus::gpu_kernels
