// The reference: what every substrate's bytes must equal.
#include <cstring>

#include "gpu_kernels/pack/pack_rows.h"

namespace daedalus::gpu_kernels::pack {
namespace {

uint16_t load_16(const uint8_t* from) {
  uint16_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void store_16(uint8_t* to, int value) {
  const uint16_t sample = static_cast<uint16_t>(value);
  std::memcpy(to, &sample, sizeof sample);
}

void interleave_8(SourcePlane u, SourcePlane v, TargetPlane uv, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    interleave_row_8(row_of(u, y), row_of(v, y), row_of(uv, y), band.width);
  }
}

void deinterleave_8(SourcePlane uv, TargetPlane u, TargetPlane v, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    deinterleave_row_8(row_of(uv, y), row_of(u, y), row_of(v, y), band.width);
  }
}

void low_to_high_16(SourcePlane low, TargetPlane high, Band band, int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    shift_left_row_16(row_of(low, y), row_of(high, y), band.width, 16 - bit_depth);
  }
}

void interleave_low_to_high_16(SourcePlane u, SourcePlane v, TargetPlane uv, Band band,
                               int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    interleave_shift_left_row_16(row_of(u, y), row_of(v, y), row_of(uv, y), band.width,
                                 16 - bit_depth);
  }
}

void high_to_low_16(SourcePlane high, TargetPlane low, Band band, int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    shift_right_row_16(row_of(high, y), row_of(low, y), band.width, 16 - bit_depth);
  }
}

void deinterleave_high_to_low_16(SourcePlane uv, TargetPlane u, TargetPlane v, Band band,
                                 int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    deinterleave_shift_right_row_16(row_of(uv, y), row_of(u, y), row_of(v, y), band.width,
                                    16 - bit_depth);
  }
}

void fill_16(TargetPlane to, Band band, uint16_t value) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    fill_row_16(row_of(to, y), band.width, value);
  }
}

}  // namespace

void interleave_row_8(const uint8_t* u, const uint8_t* v, uint8_t* uv, size_t width) {
  for (size_t x = 0; x < width; ++x) {
    uv[2 * x] = u[x];
    uv[2 * x + 1] = v[x];
  }
}

void deinterleave_row_8(const uint8_t* uv, uint8_t* u, uint8_t* v, size_t width) {
  for (size_t x = 0; x < width; ++x) {
    u[x] = uv[2 * x];
    v[x] = uv[2 * x + 1];
  }
}

void shift_left_row_16(const uint8_t* from, uint8_t* to, size_t width, int shift) {
  for (size_t x = 0; x < width; ++x) store_16(to + 2 * x, load_16(from + 2 * x) << shift);
}

void shift_right_row_16(const uint8_t* from, uint8_t* to, size_t width, int shift) {
  for (size_t x = 0; x < width; ++x) store_16(to + 2 * x, load_16(from + 2 * x) >> shift);
}

void interleave_shift_left_row_16(const uint8_t* u, const uint8_t* v, uint8_t* uv, size_t width,
                                  int shift) {
  for (size_t x = 0; x < width; ++x) {
    store_16(uv + 4 * x, load_16(u + 2 * x) << shift);
    store_16(uv + 4 * x + 2, load_16(v + 2 * x) << shift);
  }
}

void deinterleave_shift_right_row_16(const uint8_t* uv, uint8_t* u, uint8_t* v, size_t width,
                                     int shift) {
  for (size_t x = 0; x < width; ++x) {
    store_16(u + 2 * x, load_16(uv + 4 * x) >> shift);
    store_16(v + 2 * x, load_16(uv + 4 * x + 2) >> shift);
  }
}

void fill_row_16(uint8_t* to, size_t width, uint16_t value) {
  for (size_t x = 0; x < width; ++x) store_16(to + 2 * x, value);
}

void copy_8(SourcePlane from, TargetPlane to, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    std::memcpy(row_of(to, y), row_of(from, y), band.width);
  }
}

void copy_16(SourcePlane from, TargetPlane to, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    std::memcpy(row_of(to, y), row_of(from, y), size_t{2} * band.width);
  }
}

void fill_8(TargetPlane to, Band band, uint8_t value) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    std::memset(row_of(to, y), value, band.width);
  }
}

const PackFunctions& scalar_functions() {
  static constexpr PackFunctions kFunctions = {
      .substrate = Substrate::kScalar,
      .target = "scalar",
      .copy_8 = copy_8,
      .copy_16 = copy_16,
      .interleave_8 = interleave_8,
      .deinterleave_8 = deinterleave_8,
      .low_to_high_16 = low_to_high_16,
      .interleave_low_to_high_16 = interleave_low_to_high_16,
      .high_to_low_16 = high_to_low_16,
      .deinterleave_high_to_low_16 = deinterleave_high_to_low_16,
      .fill_8 = fill_8,
      .fill_16 = fill_16,
  };
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::pack
