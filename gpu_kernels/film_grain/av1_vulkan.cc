#include "gpu_kernels/film_grain/av1_vulkan.h"

#include <bit>
#include <limits>
#include <mutex>
#include <utility>

#include "gpu_kernels/film_grain/av1_tables.h"
#include "gpu_kernels/film_grain/shaders.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/buffer.h"
#include "gpu_kernels/vulkan/deadline_mutex.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/failure_log.h"
#include "gpu_kernels/vulkan/kernel.h"
#include "gpu_kernels/vulkan/plane.h"

namespace daedalus::gpu_kernels {
namespace film_grain {
namespace {

using vulkan::Array;
using vulkan::Batch;
using vulkan::Buffer;
using vulkan::Deadline;
using vulkan::Device;
using vulkan::Kernel;
using vulkan::Plane;

// What an invocation does, and how many of them are a workgroup's width.
constexpr uint32_t kColumns = 32;  // luma samples
constexpr uint32_t kRows = 2;
constexpr uint32_t kGroupWidth = 16;
constexpr uint32_t kStripeRows = 16;  // of invocations
constexpr uint32_t kOverlapGroupStripes = 16;

// Noise, in words of 32 bits: two halves (10 bits), or four bytes that are 128 more than they
// should (8 bits). Shaders read vectors of four words, so there is a copy of a template for each
// sample that a vector can begin with: a luma template's next one begins two columns on, a chroma
// template's one. The first column and row that any block has are the copies' first.
struct NoiseLayout {
  size_t first_word;
  uint32_t first_column, first_row;  // of the template
  uint32_t columns, rows;            // of the template
  uint32_t step;                     // columns, between copies
  uint32_t copy_columns, copy_rows;
};
constexpr NoiseLayout kLumaNoise = {0, 9, 9, 82, 73, 2, 64, 64};
constexpr NoiseLayout kCbNoise = {4 * 2048, 6, 6, 44, 38, 1, 32, 32};
constexpr NoiseLayout kCrNoise = {4 * 3072, 6, 6, 44, 38, 1, 32, 32};
constexpr size_t kNoiseWords = size_t{4} * 4096;

// Scaling by 1 / (1 << ScalingShift) is in the tables: of 8 bits two halves for every two samples,
// of 10 bits a float for every sample.
constexpr size_t kPairs = 65536;
constexpr size_t kScalingWords = 3 * kPairs;

constexpr size_t kParameters = 23;

// A float of 16 bits: value * 2^exponent, of at most 11 bits and no smaller than 2^-14.
uint32_t half_of(int value, int exponent) {
  if (value == 0) return 0;
  const auto magnitude = static_cast<uint32_t>(value < 0 ? -value : value);
  const int top = std::bit_width(magnitude) - 1;
  const uint32_t mantissa = magnitude << (10 - top) & 0x3FF;
  return (value < 0 ? 0x8000u : 0u) | static_cast<uint32_t>(15 + top + exponent) << 10 | mantissa;
}

void write_noise(const NoiseLayout& layout, const Av1PlaneGrain& plane, int bit_depth,
                 uint32_t* words) {
  const uint32_t samples_per_word = bit_depth == 8 ? 4 : 2;
  const uint32_t bits = 32 / samples_per_word;
  const uint32_t copies = 4 * samples_per_word / layout.step;
  uint32_t* to = words + layout.first_word;
  for (uint32_t copy = 0; copy < copies; ++copy) {
    for (uint32_t y = 0; y < layout.copy_rows; ++y) {
      const int16_t* row = plane.grain.data() + size_t{y + layout.first_row} * layout.columns;
      for (uint32_t x = 0; x < layout.copy_columns; x += samples_per_word) {
        uint32_t word = 0;
        for (uint32_t i = 0; i < samples_per_word; ++i) {
          const uint32_t column = layout.first_column + layout.step * copy + x + i;
          const int noise = column < layout.columns ? row[column] : 0;
          word |= (bit_depth == 8 ? static_cast<uint32_t>(noise + 128) : half_of(noise, 0))
                  << bits * i;
        }
        *to++ = word;
      }
    }
  }
}

void write_scaling(const Av1PlaneGrain& plane, int bit_depth, int shift, uint32_t* words) {
  if (bit_depth > 8) {
    for (size_t i = 0; i < plane.scaling.size(); ++i) {
      words[i] = std::bit_cast<uint32_t>(static_cast<float>(plane.scaling[i]) /
                                         static_cast<float>(1 << shift));
    }
    return;
  }
  std::array<uint32_t, 256> halves;
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = half_of(plane.scaling[i], -shift);
  for (const uint32_t second : halves) {
    for (const uint32_t first : halves) *words++ = first | second << 16;
  }
}

// Which of a picture's scalings lie in the buffer.
struct ScalingKey {
  int bit_depth = 0;
  int shift = 0;
  std::array<std::array<uint8_t, 1024>, 3> scaling{};
  bool operator==(const ScalingKey&) const = default;
};

uint32_t word_of(float value) { return std::bit_cast<uint32_t>(value); }

// How the shaders hold samples: see av1_vulkan.glsl.
constexpr float kBias = 1024;

// Whole invocations in the part.
uint32_t columns_of(const Av1GrainPicture& picture) { return picture.width / kColumns; }
uint32_t rows_of(const Av1GrainPicture& picture) { return picture.height / kRows; }

enum PlaneIndex : uint8_t { kY, kU, kV, kLuma, kChroma, kPlanes };
using Planes = std::array<Plane, kPlanes>;

// What invocations read and write of each plane.
Planes planes_of(const Av1FilmGrain& grain, const Av1GrainPicture& picture) {
  const uint32_t sample = grain.size.bit_depth > 8 ? 2 : 1;
  const uint32_t width = columns_of(picture) * kColumns;
  const uint32_t rows = rows_of(picture);
  const auto plane = [&](const void* data, ptrdiff_t stride, uint32_t samples, uint32_t height) {
    Plane made;
    made.data = static_cast<uint8_t*>(const_cast<void*>(data));
    made.stride = stride;
    made.row_bytes = samples * sample;
    made.rows = height;
    return made;
  };
  const auto source = [&](size_t i, uint32_t samples, uint32_t height) {
    const uint32_t x = i == 0 ? picture.x : picture.x / 2;
    const uint32_t y = i == 0 ? picture.y : picture.y / 2;
    return plane(row_of(picture.from[i], y) + size_t{x} * sample, picture.from[i].stride, samples,
                 height);
  };
  return {source(0, width, kRows * rows), source(1, width / 2, rows), source(2, width / 2, rows),
          plane(picture.luma.data, picture.luma.stride, width, kRows * rows),
          plane(picture.chroma.data, picture.chroma.stride, width, rows)};
}

// The part of a plane from (x, y) of the target on: `all` is the part wanted.
struct Rest {
  uint32_t x, y, width, height;
};

// What lies right of the invocations' part and below it.
std::array<Rest, 2> rests(uint32_t width, uint32_t height, uint32_t done_width,
                          uint32_t done_height) {
  return {Rest{done_width, 0, width - done_width, done_height},
          Rest{0, done_height, width, height - done_height}};
}

void add_rest(const Av1FilmGrain& grain, const Av1GrainPicture& picture) {
  const Av1FilmGrainFunctions& cpu = av1_film_grain_functions(Substrate::kAuto);
  const bool wide = grain.size.bit_depth > 8;
  const uint32_t sample = wide ? 2 : 1;
  const uint32_t width = columns_of(picture) * kColumns;
  const uint32_t rows = rows_of(picture);
  for (const Rest& rest : rests(picture.width, picture.height, width, kRows * rows)) {
    if (rest.width == 0 || rest.height == 0) continue;
    const TargetPlane to{row_of(picture.luma, rest.y) + size_t{rest.x} * sample,
                         picture.luma.stride};
    (wide ? cpu.luma_10_to_high : cpu.luma_8)(
        grain, picture.from[0], to,
        {picture.x + rest.x, picture.y + rest.y, {rest.width, 0, rest.height}});
  }
  for (const Rest& rest :
       rests(chroma_420(picture.width), chroma_420(picture.height), width / 2, rows)) {
    if (rest.width == 0 || rest.height == 0) continue;
    const TargetPlane to{row_of(picture.chroma, rest.y) + size_t{2} * rest.x * sample,
                         picture.chroma.stride};
    (wide ? cpu.chroma_10_to_high_interleaved : cpu.chroma_8_interleaved)(
        grain, picture.from, to,
        {picture.x / 2 + rest.x, picture.y / 2 + rest.y, {rest.width, 0, rest.height}});
  }
}

class GrainOnDevice final : public VulkanAv1FilmGrain {
 public:
  explicit GrainOnDevice(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  Status create();
  Result<PackTransfer> run(const Av1FilmGrain& grain, const Av1GrainPicture& picture,
                           Deadline deadline) override;

 private:
  // Of one bit depth; what `main` leaves goes in two parts.
  struct Kernels {
    std::unique_ptr<Kernel> main, overlap_luma, overlap_chroma;
  };

  Status add(const Av1FilmGrain& grain, const Av1GrainPicture& picture, Planes& planes,
             Deadline deadline);
  void write_tables(const Av1FilmGrain& grain);
  Status write_blocks(const Av1FilmGrain& grain, const Av1GrainPicture& picture);
  Status run_shaders(const Av1FilmGrain& grain, const Av1GrainPicture& picture,
                     const Planes& planes, Deadline deadline);

  const std::shared_ptr<Device> device_;
  vulkan::DeadlineMutex mutex_;
  Kernels nv12_, p010_;
  std::unique_ptr<Buffer> noise_, scaling_, blocks_;
  ScalingKey in_scaling_;
  vulkan::PlaneCopies copies_;
  vulkan::FailureLog failures_;
  std::unique_ptr<Batch> batch_;  // the last: see there
};

Status GrainOnDevice::create() {
  const Status kernels = vulkan::create_kernels(
      *device_, {{nv12_.main, shaders::grain_nv12, kParameters},
                 {nv12_.overlap_luma, shaders::grain_nv12_overlap_luma, kParameters},
                 {nv12_.overlap_chroma, shaders::grain_nv12_overlap_chroma, kParameters},
                 {p010_.main, shaders::grain_p010, kParameters},
                 {p010_.overlap_luma, shaders::grain_p010_overlap_luma, kParameters},
                 {p010_.overlap_chroma, shaders::grain_p010_overlap_chroma, kParameters}});
  if (!kernels.ok()) return kernels;
  struct Table {
    std::unique_ptr<Buffer>& buffer;
    size_t words;
  };
  for (const Table& table : {Table{noise_, kNoiseWords}, {scaling_, kScalingWords}}) {
    auto buffer = Buffer::allocate(*device_, table.words * sizeof(uint32_t));
    if (!buffer) return buffer.error();
    table.buffer = std::move(*buffer);
  }
  auto batch = Batch::create(*device_);
  if (!batch) return batch.error();
  batch_ = std::move(*batch);
  return {};
}

Result<PackTransfer> GrainOnDevice::run(const Av1FilmGrain& grain, const Av1GrainPicture& picture,
                                        Deadline deadline) {
  std::unique_lock lock(mutex_, deadline);
  if (!lock) return vulkan::busy_with_others();
  Planes planes = planes_of(grain, picture);
  Status added = batch_->ready(deadline);
  if (added.ok()) added = add(grain, picture, planes, deadline);
  if (!added.ok()) {
    failures_.tell(*device_, added.error());
    return added.error();
  }
  return vulkan::all_in_place(planes) ? PackTransfer::kInPlace : PackTransfer::kCopied;
}

Status GrainOnDevice::add(const Av1FilmGrain& grain, const Av1GrainPicture& picture, Planes& planes,
                          Deadline deadline) {
  std::array<Plane*, kPlanes> all;
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = &planes[i];
    vulkan::import_plane(*device_, planes[i]);
  }
  if (Status made = copies_.make_room(*device_, all); !made.ok()) return made;
  for (const PlaneIndex plane : {kY, kU, kV}) copies_.copy_in(planes[plane]);
  write_tables(grain);
  if (Status written = write_blocks(grain, picture); !written.ok()) return written;
  if (Status ran = run_shaders(grain, picture, planes, deadline); !ran.ok()) return ran;
  for (const PlaneIndex plane : {kLuma, kChroma}) copies_.copy_out(planes[plane]);
  add_rest(grain, picture);
  return {};
}

void GrainOnDevice::write_tables(const Av1FilmGrain& grain) {
  const int bit_depth = grain.size.bit_depth;
  const auto& [luma, cb, cr] = grain.planes;
  auto* const noise = reinterpret_cast<uint32_t*>(noise_->data());
  write_noise(kLumaNoise, luma, bit_depth, noise);
  write_noise(kCbNoise, cb, bit_depth, noise);
  write_noise(kCrNoise, cr, bit_depth, noise);
  // Most streams keep the scaling and change the seed alone.
  const ScalingKey key = {bit_depth, grain.scaling_shift, {luma.scaling, cb.scaling, cr.scaling}};
  if (key == in_scaling_) return;
  const size_t of_plane = bit_depth > 8 ? luma.scaling.size() : kPairs;
  auto* const scaling = reinterpret_cast<uint32_t*>(scaling_->data());
  for (size_t i = 0; i < grain.planes.size(); ++i) {
    write_scaling(grain.planes[i], bit_depth, grain.scaling_shift, scaling + i * of_plane);
  }
  in_scaling_ = key;
}

// For each block of the part a byte each of its own offsets, of its left neighbour's, of those
// above it, and of those above the left neighbour. Those that there are not are not used.
Status GrainOnDevice::write_blocks(const Av1FilmGrain& grain, const Av1GrainPicture& picture) {
  const uint32_t columns = columns_of(picture);
  const uint32_t stripes = (rows_of(picture) + kStripeRows - 1) / kStripeRows;
  const size_t size = size_t{columns} * stripes * sizeof(uint32_t);
  if (blocks_ == nullptr || blocks_->size() < size) {
    blocks_.reset();
    auto blocks = Buffer::allocate(*device_, size);
    if (!blocks) return blocks.error();
    blocks_ = std::move(*blocks);
  }
  auto* to = reinterpret_cast<uint32_t*>(blocks_->data());
  const uint32_t first_column = picture.x / kColumns;
  const uint32_t first_stripe = picture.y / kColumns;
  for (uint32_t stripe = first_stripe; stripe < first_stripe + stripes; ++stripe) {
    for (uint32_t column = first_column; column < first_column + columns; ++column) {
      const auto offsets = [&](uint32_t up, uint32_t left) -> uint32_t {
        if (stripe < up || column < left) return 0;
        return grain.block_offsets[size_t{stripe - up} * grain.blocks_across + column - left];
      };
      *to++ = offsets(0, 0) | offsets(0, 1) << 8 | offsets(1, 0) << 16 | offsets(1, 1) << 24;
    }
  }
  return {};
}

Status GrainOnDevice::run_shaders(const Av1FilmGrain& grain, const Av1GrainPicture& picture,
                                  const Planes& planes, Deadline deadline) {
  const uint32_t columns = columns_of(picture);
  const uint32_t rows = rows_of(picture);
  const uint32_t stripes = (rows + kStripeRows - 1) / kStripeRows;
  const uint32_t groups = (columns + kGroupWidth - 1) / kGroupWidth;
  const auto first_overlap = [&](uint32_t at) {
    if (!grain.overlap) return std::numeric_limits<uint32_t>::max();
    return at == 0 ? 1u : 0u;
  };
  std::array<uint32_t, kParameters> parameters;
  size_t count = 0;
  const auto put = [&](uint32_t value) { parameters[count++] = value; };
  put(columns);
  put(rows);
  for (const Plane& plane : planes) put(plane.vector_stride());
  put(columns);  // of the table of blocks
  put(first_overlap(picture.x));
  put(first_overlap(picture.y));
  put(0);
  put(word_of(kBias + static_cast<float>(grain.planes[0].min_value)));
  put(word_of(kBias + static_cast<float>(grain.planes[0].max_value)));
  for (const size_t i : {1, 2}) {
    const Av1PlaneGrain& plane = grain.planes[i];
    put(word_of(static_cast<float>(plane.luma_mult) / 64));
    put(word_of(static_cast<float>(plane.mult) / 64));
    // Both the sample and its luma come with the bias.
    put(word_of(static_cast<float>(plane.offset) -
                kBias / 64 * static_cast<float>(plane.luma_mult + plane.mult)));
    put(word_of(kBias + static_cast<float>(plane.min_value)));
    put(word_of(kBias + static_cast<float>(plane.max_value)));
  }

  if (Status begun = batch_->begin(); !begun.ok()) return begun;
  const Kernels& kernels = grain.size.bit_depth > 8 ? p010_ : nv12_;
  const Array noise{noise_.get(), 0};
  const Array scaling{scaling_.get(), 0};
  const Array blocks{blocks_.get(), 0};
  const Array y = planes[kY].array();
  const Array u = planes[kU].array();
  const Array v = planes[kV].array();
  const Array luma = planes[kLuma].array();
  const Array chroma = planes[kChroma].array();
  const uint32_t overlap_groups = (stripes + kOverlapGroupStripes - 1) / kOverlapGroupStripes;
  const std::array<Array, 5> of_luma = {noise, scaling, blocks, y, luma};
  if (Status status =
          batch_->dispatch(*kernels.overlap_luma, of_luma, parameters, groups, overlap_groups);
      !status.ok()) {
    return status;
  }
  const std::array<Array, 7> of_chroma = {noise, scaling, blocks, y, u, v, chroma};
  if (Status status =
          batch_->dispatch(*kernels.overlap_chroma, of_chroma, parameters, groups, overlap_groups);
      !status.ok()) {
    return status;
  }
  const std::array<Array, 8> all = {noise, scaling, blocks, y, luma, u, v, chroma};
  if (Status status = batch_->dispatch(*kernels.main, all, parameters, groups, stripes);
      !status.ok()) {
    return status;
  }
  return vulkan::run_on_planes(*device_, *batch_, planes, kLuma, deadline);
}

}  // namespace
}  // namespace film_grain

Result<std::unique_ptr<VulkanAv1FilmGrain>> VulkanAv1FilmGrain::create(
    std::shared_ptr<vulkan::Device> device) {
  auto grain = std::make_unique<film_grain::GrainOnDevice>(std::move(device));
  if (const Status created = grain->create(); !created.ok()) return created.error();
  return std::unique_ptr<VulkanAv1FilmGrain>(std::move(grain));
}

bool VulkanAv1FilmGrain::takes(const Av1GrainPicture& picture) {
  return picture.x % film_grain::kColumns == 0 && picture.y % film_grain::kColumns == 0 &&
         picture.width >= film_grain::kColumns && picture.height >= film_grain::kRows;
}

}  // namespace daedalus::gpu_kernels
