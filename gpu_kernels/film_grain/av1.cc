#include "gpu_kernels/film_grain/av1.h"

#include <functional>
#include <new>
#include <string>
#include <utility>

#include "gpu_kernels/film_grain/av1_gaussian_sequence.h"
#include "gpu_kernels/film_grain/av1_tables.h"

namespace daedalus::gpu_kernels {
namespace film_grain {
namespace {

constexpr uint32_t kMaxSize = 65536;
// Both templates' filters leave three columns at either side and three rows at the top alone.
constexpr int kBorder = 3;
constexpr int kMostLag = 3;

struct TemplateSize {
  int width;
  int height;
};
constexpr TemplateSize kLumaTemplate = {82, 73};
constexpr TemplateSize kChromaTemplate = {44, 38};

// 7.18.3.2.
class RandomRegister {
 public:
  explicit RandomRegister(uint32_t seed) : register_(seed & 0xFFFF) {}

  // The next four numbers: of what they shift in, nothing depends on what the others do.
  std::array<uint32_t, 4> four_numbers(int bits) {
    const uint32_t r = register_ | feedback() << 16;
    register_ = r >> 4;
    std::array<uint32_t, 4> numbers;
    for (uint32_t i = 0; i < 4; ++i) numbers[i] = (r >> (i + 1) & 0xFFFF) >> (16 - bits);
    return numbers;
  }

  uint32_t number(int bits) {
    register_ = (register_ | feedback() << 16) >> 1 & 0xFFFF;
    return register_ >> (16 - bits);
  }

 private:
  uint32_t feedback() const {
    const uint32_t r = register_;
    return (r ^ (r >> 1) ^ (r >> 3) ^ (r >> 12)) & 15;
  }

  uint32_t register_;
};

void generate_white_noise(uint32_t seed, int shift, const TemplateSize& size, int16_t* grain) {
  RandomRegister random(seed);
  const auto noise = [shift](uint32_t number) {
    return static_cast<int16_t>(round2(kGaussianSequence[number], shift));
  };
  const int count = size.width * size.height;
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    const auto numbers = random.four_numbers(11);
    for (size_t j = 0; j < 4; ++j) grain[i + static_cast<int>(j)] = noise(numbers[j]);
  }
  for (; i < count; ++i) grain[i] = noise(random.number(11));
}

// The auto-regressive filter of 7.18.3.3 over rows of a template of kWidth columns.
template <int kWidth>
struct AutoRegression {
  // In whole vectors, for compilers: the last ones see samples of the next row.
  static constexpr int kSums = (kWidth - 2 * kBorder + 7) / 8 * 8;
  using Sums = std::array<int, kSums>;  // from column kBorder on

  const int8_t* coeffs;
  int lag;
  int shift;
  int bit_depth;

  // `sums`: what other planes add to each sum.
  void filter_row(int16_t* row, Sums& sums) const {
    const int8_t* coeff = coeffs;
    for (int dy = -lag; dy < 0; ++dy) {
      for (int dx = -lag; dx <= lag; ++dx) {
        add_products(*coeff++, row + dy * kWidth + dx + kBorder, sums);
      }
    }
    // Those that are left of it in its own row; further ones than `lag` do not count.
    std::array<int, kMostLag> left{};
    for (int i = 0; i < lag; ++i) left[static_cast<size_t>(kMostLag - lag + i)] = coeff[i];
    filter_along(row, left, sums);
  }

 private:
  static void add_products(int coeff, const int16_t* from, Sums& sums) {
    for (size_t i = 0; i < kSums; ++i) sums[i] += coeff * from[i];
  }

  void filter_along(int16_t* row, const std::array<int, kMostLag>& left, const Sums& sums) const {
    const int lowest = grain_min(bit_depth);
    const int highest = grain_max(bit_depth);
    int third = row[kBorder - 3];
    int second = row[kBorder - 2];
    int first = row[kBorder - 1];
    for (int x = kBorder; x < kWidth - kBorder; ++x) {
      const int far = sums[static_cast<size_t>(x - kBorder)] + left[0] * third + left[1] * second;
      third = second;
      second = first;
      first = std::clamp(row[x] + round2(far + left[2] * first, shift), lowest, highest);
      row[x] = static_cast<int16_t>(first);
    }
  }
};

void generate_luma(const Av1FilmGrainParameters& parameters, int bit_depth, int16_t* grain) {
  const auto& [width, height] = kLumaTemplate;
  generate_white_noise(parameters.grain_seed, 12 - bit_depth + parameters.grain_scale_shift,
                       kLumaTemplate, grain);
  using Filter = AutoRegression<kLumaTemplate.width>;
  const Filter filter = {parameters.luma_ar_coeffs.data(), parameters.ar_coeff_lag,
                         parameters.ar_coeff_shift, bit_depth};
  for (int y = kBorder; y < height; ++y) {
    Filter::Sums sums{};
    filter.filter_row(grain + y * width, sums);
  }
}

// `luma`: null where luma has no grain.
void generate_chroma(const Av1FilmGrainParameters& parameters, size_t component, int bit_depth,
                     const int16_t* luma, int16_t* grain) {
  constexpr std::array<uint32_t, 2> kSeeds = {0xb524, 0x49d8};
  const auto& [width, height] = kChromaTemplate;
  generate_white_noise(parameters.grain_seed ^ kSeeds[component],
                       12 - bit_depth + parameters.grain_scale_shift, kChromaTemplate, grain);
  const auto& coeffs = parameters.chroma[component].ar_coeffs;
  const auto lag = static_cast<size_t>(parameters.ar_coeff_lag);
  const int8_t luma_coeff = coeffs[2 * lag * (lag + 1)];
  using Filter = AutoRegression<kChromaTemplate.width>;
  const Filter filter = {coeffs.data(), parameters.ar_coeff_lag, parameters.ar_coeff_shift,
                         bit_depth};
  for (int y = kBorder; y < height; ++y) {
    Filter::Sums sums{};
    if (luma != nullptr) {
      const int16_t* above = luma + ((y - kBorder) * 2 + kBorder) * kLumaTemplate.width;
      const int16_t* below = above + kLumaTemplate.width;
      for (int x = 0; x < width - 2 * kBorder; ++x) {
        const int at = x * 2 + kBorder;
        const int sum = above[at] + above[at + 1] + below[at] + below[at + 1];
        sums[static_cast<size_t>(x)] = luma_coeff * round2(sum, 2);
      }
    }
    filter.filter_row(grain + y * width, sums);
  }
}

// ScalingLut (7.18.3.4) of at least one point.
std::array<uint8_t, 256> make_scaling(const Av1ScalingPoints& points) {
  std::array<uint8_t, 256> lut;
  lut.fill(points.scaling[points.count - 1]);
  std::fill_n(lut.begin(), points.value[0], points.scaling[0]);
  for (size_t i = 0; i + 1 < points.count; ++i) {
    const int delta_y = points.scaling[i + 1] - points.scaling[i];
    const int delta_x = points.value[i + 1] - points.value[i];
    const int delta = delta_y * ((65536 + (delta_x >> 1)) / delta_x);
    for (int x = 0; x < delta_x; ++x) {
      lut[points.value[i] + static_cast<size_t>(x)] =
          static_cast<uint8_t>(points.scaling[i] + ((x * delta + 32768) >> 16));
    }
  }
  return lut;
}

void prepare_scaling(const Av1ScalingPoints& points, int bit_depth, Av1PlaneGrain& plane) {
  const std::array<uint8_t, 256> lut = make_scaling(points);
  std::copy(lut.begin(), lut.end(), plane.scaling_points.begin());
  plane.scaling_points.back() = lut.back();
  const int shift = bit_depth - 8;
  for (size_t index = 0; index < size_t{1} << bit_depth; ++index) {
    const size_t x = index >> shift;
    const int rem = static_cast<int>(index - (x << shift));
    const int start = plane.scaling_points[x];
    const int end = plane.scaling_points[x + 1];
    plane.scaling[index] = static_cast<uint8_t>(start + round2((end - start) * rem, shift));
  }
}

void clip_to(int first, int last, int bit_depth, Av1PlaneGrain& plane) {
  plane.min_value = first << (bit_depth - 8);
  plane.max_value = last << (bit_depth - 8);
}

void prepare_luma(const Av1FilmGrainParameters& parameters, int bit_depth, Av1PlaneGrain& plane) {
  plane.template_width = kLumaTemplate.width;
  plane.applied = parameters.luma_points.count != 0;
  if (!plane.applied) return;
  generate_luma(parameters, bit_depth, plane.grain.data());
  prepare_scaling(parameters.luma_points, bit_depth, plane);
  if (parameters.clip_to_restricted_range) clip_to(16, 235, bit_depth, plane);
}

void prepare_chroma(const Av1FilmGrainParameters& parameters, size_t component, int bit_depth,
                    const Av1PlaneGrain& luma, Av1PlaneGrain& plane) {
  const Av1ChromaGrainParameters& chroma = parameters.chroma[component];
  const bool from_luma = parameters.chroma_scaling_from_luma;
  const Av1ScalingPoints& points = from_luma ? parameters.luma_points : chroma.points;
  plane.applied = from_luma || points.count != 0;
  if (!plane.applied) return;
  generate_chroma(parameters, component, bit_depth, luma.applied ? luma.grain.data() : nullptr,
                  plane.grain.data());
  // Without a point nothing is scaled, but still clipped.
  if (points.count != 0) prepare_scaling(points, bit_depth, plane);
  // 64 >> 6: luma itself.
  plane.luma_mult = from_luma ? 64 : chroma.luma_mult;
  plane.mult = from_luma ? 0 : chroma.mult;
  plane.offset = from_luma ? 0 : chroma.offset * (1 << (bit_depth - 8));
  if (parameters.clip_to_restricted_range) clip_to(16, 240, bit_depth, plane);
}

// The random numbers of 7.18.3.5.
void prepare_blocks(uint32_t seed, Av1FilmGrain& grain) {
  const uint32_t stripes = (grain.size.height + 31) / 32;
  grain.blocks_across = (grain.size.width + 31) / 32;
  grain.block_offsets.reserve(size_t{stripes} * grain.blocks_across);
  for (uint32_t stripe = 0; stripe < stripes; ++stripe) {
    RandomRegister random(seed ^ ((stripe * 37 + 178) & 255) << 8 ^ ((stripe * 173 + 105) & 255));
    for (uint32_t block = 0; block < grain.blocks_across; ++block) {
      grain.block_offsets.push_back(static_cast<uint8_t>(random.number(8)));
    }
  }
}

Error invalid(const char* what) {
  return {ErrorCode::kInvalidArgument, std::string("AV1 film grain: ") + what};
}

bool valid(const Av1ScalingPoints& points, size_t most) {
  if (points.count > most) return false;
  const auto end = points.value.begin() + static_cast<ptrdiff_t>(points.count);
  return std::adjacent_find(points.value.begin(), end, std::greater_equal<>()) == end;
}

constexpr bool within(int value, int first, int last) { return value >= first && value <= last; }

Status validate_chroma(const Av1ChromaGrainParameters& chroma) {
  if (!valid(chroma.points, 10)) return invalid("chroma points are too many or do not ascend");
  if (!within(chroma.mult, -128, 127) || !within(chroma.luma_mult, -128, 127) ||
      !within(chroma.offset, -256, 255)) {
    return invalid("a chroma multiplier or offset is out of range");
  }
  return {};
}

Status validate(const Av1FilmGrainParameters& parameters, const Av1GrainPictureSize& size) {
  if (size.bit_depth != 8 && size.bit_depth != 10) return invalid("neither 8 nor 10 bits");
  if (size.width == 0 || size.height == 0 || size.width > kMaxSize || size.height > kMaxSize) {
    return invalid("the picture's size is out of range");
  }
  if (!valid(parameters.luma_points, 14)) {
    return invalid("luma points are too many or do not ascend");
  }
  if (!within(parameters.ar_coeff_lag, 0, kMostLag)) return invalid("ar_coeff_lag above 3");
  if (!within(parameters.scaling_shift, 8, 11) || !within(parameters.ar_coeff_shift, 6, 9) ||
      !within(parameters.grain_scale_shift, 0, 3)) {
    return invalid("a shift is out of range");
  }
  if (size.monochrome) return {};
  for (const Av1ChromaGrainParameters& chroma : parameters.chroma) {
    if (Status status = validate_chroma(chroma); !status) return status;
  }
  return {};
}

}  // namespace
}  // namespace film_grain

Result<std::shared_ptr<const Av1FilmGrain>> prepare_av1_film_grain(
    const Av1FilmGrainParameters& parameters, const Av1GrainPictureSize& size) {
  if (Status status = film_grain::validate(parameters, size); !status) return status.error();
  try {
    auto grain = std::make_shared<Av1FilmGrain>();
    grain->size = size;
    grain->scaling_shift = parameters.scaling_shift;
    grain->overlap = parameters.overlap;
    auto& [luma, cb, cr] = grain->planes;
    for (Av1PlaneGrain& plane : grain->planes) plane.max_value = (1 << size.bit_depth) - 1;
    film_grain::prepare_luma(parameters, size.bit_depth, luma);
    cb.template_width = cr.template_width = film_grain::kChromaTemplate.width;
    if (!size.monochrome) {
      film_grain::prepare_chroma(parameters, 0, size.bit_depth, luma, cb);
      film_grain::prepare_chroma(parameters, 1, size.bit_depth, luma, cr);
    }
    film_grain::prepare_blocks(parameters.grain_seed, *grain);
    return std::shared_ptr<const Av1FilmGrain>(std::move(grain));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "no memory for a picture's film grain"};
  }
}

const Av1FilmGrainFunctions& av1_film_grain_functions(Substrate wish) {
  return wish == Substrate::kScalar ? film_grain::av1_scalar_functions()
                                    : film_grain::av1_simd_functions();
}

}  // namespace daedalus::gpu_kernels
