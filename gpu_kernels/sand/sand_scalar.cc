// The reference: what every substrate's bytes must equal.
#include <cstring>

#include "gpu_kernels/sand/sand_tables.h"

namespace daedalus::gpu_kernels::sand {
namespace {

void store_high_ten(uint8_t* to, uint32_t value) {
  const auto sample = static_cast<uint16_t>(value << 6);
  std::memcpy(to, &sample, sizeof sample);
}

void unpack_nc30(ColumnPlane from, TargetPlane to, Band band) {
  for_each_column_row<kNc30ColumnSamples, 2>(from, to, band, unpack_nc30_row);
}

void unpack_nv15(SourcePlane from, TargetPlane to, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    unpack_nv15_row(row_of(from, y), row_of(to, y), band.width);
  }
}

}  // namespace

void unpack_nc12(ColumnPlane from, TargetPlane to, Band band) {
  for_each_column_row<kNc12ColumnSamples, 1>(
      from, to, band, [](const uint8_t* column, uint8_t* row, size_t samples) {
        std::memcpy(row, column, samples);
      });
}

void unpack_nc30_row(const uint8_t* from, uint8_t* to, size_t samples) {
  for (size_t x = 0; x < samples; ++x) {
    uint32_t word;
    std::memcpy(&word, from + x / kSamplesPerWord * sizeof word, sizeof word);
    store_high_ten(to + 2 * x, word >> (x % kSamplesPerWord * 10));
  }
}

void unpack_nv15_row(const uint8_t* from, uint8_t* to, size_t samples) {
  for (size_t x = 0; x < samples; ++x) {
    const uint8_t* const at = from + x * 10 / 8;
    store_high_ten(to + 2 * x, (at[0] | at[1] << 8) >> (x * 10 % 8));
  }
}

const SandFunctions& scalar_functions() {
  static constexpr SandFunctions kFunctions = {
      .substrate = Substrate::kScalar,
      .target = "scalar",
      .unpack_nc12 = unpack_nc12,
      .unpack_nc30 = unpack_nc30,
      .unpack_nv15 = unpack_nv15,
  };
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::sand
