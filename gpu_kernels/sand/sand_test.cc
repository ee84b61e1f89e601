#include "gpu_kernels/sand/sand.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gpu_kernels/harness.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using harness::draw;
using harness::Fill;
using harness::kFills;
using harness::Plane;
using harness::Random;

// Literal expectations for both substrates, so that the reference is not its own judge.
const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

std::vector<uint16_t> p010(std::vector<uint16_t> samples) {
  for (uint16_t& sample : samples) sample = static_cast<uint16_t>(sample << 6);
  return samples;
}

TEST_CASE("a row of NC12 goes on in the next column", "[sand]") {
  std::vector<uint8_t> columns(2 * 3 * 128, 0xEE);
  for (int i = 0; i < 128; ++i) columns[128 + i] = static_cast<uint8_t>(i);
  columns[3 * 128 + 128] = 200;
  columns[3 * 128 + 129] = 201;
  for (const Substrate substrate : kBoth) {
    std::vector<uint8_t> row(132, 0x11);
    // Row 1 alone.
    sand_functions(substrate).unpack_nc12({columns.data(), 3 * 128}, {row.data() - 132, 132},
                                          {130, 1, 2});
    for (int i = 0; i < 128; ++i) CHECK(row[i] == i);
    CHECK(std::vector<uint8_t>(row.begin() + 128, row.end()) ==
          std::vector<uint8_t>{200, 201, 0x11, 0x11});
  }
}

TEST_CASE("NC30 has three samples in a word, the first lowest, and two bits of nothing", "[sand]") {
  std::vector<uint8_t> columns(2 * 128, 0xFF);
  const std::vector<uint8_t> words = {0x01, 0x08, 0x30, 0xC0, 0xFF, 0x03, 0x00, 0x3F};
  std::copy(words.begin(), words.end(), columns.begin());
  const std::vector<uint8_t> next = {0x55, 0xFD, 0x0A, 0x40};
  std::copy(next.begin(), next.end(), columns.begin() + 128);
  for (const Substrate substrate : kBoth) {
    std::vector<uint16_t> row(99);
    sand_functions(substrate).unpack_nc30({columns.data(), 128}, {row.data(), 0}, {99, 0, 1});
    std::vector<uint16_t> expected(96, 1023);
    const std::vector<uint16_t> first = {1, 2, 3, 1023, 0, 0x3F0};
    std::copy(first.begin(), first.end(), expected.begin());
    for (const uint16_t sample : {0x155, 0x2BF, 0}) expected.push_back(sample);
    CHECK(row == p010(expected));
  }
}

TEST_CASE("NV15 is a string of ten bits, lowest first", "[sand]") {
  // 1, 2, 3, 4, then 0x3FF, 0, 0x155, 0x2AA, then 0x201.
  const std::vector<uint8_t> bytes = {0x01, 0x08, 0x30, 0x00, 0x01, 0xFF,
                                      0x03, 0x50, 0x95, 0xAA, 0x01, 0x02};
  REQUIRE(nv15_row_bytes(9) == bytes.size());
  for (const Substrate substrate : kBoth) {
    std::vector<uint16_t> row(9);
    sand_functions(substrate).unpack_nv15({bytes.data(), 0}, {row.data(), 0}, {9, 0, 1});
    CHECK(row == p010({1, 2, 3, 4, 0x3FF, 0, 0x155, 0x2AA, 0x201}));
  }
}

TEST_CASE("rows of NV15 end with the byte of their last bit", "[sand]") {
  CHECK(nv15_row_bytes(1) == 2);
  CHECK(nv15_row_bytes(3) == 4);
  CHECK(nv15_row_bytes(4) == 5);
  CHECK(nv15_row_bytes(1920) == 2400);
}

// Bytes between two pages that nobody may touch: directly after the first, or before the second.
// With no sanitizer either, what reads beyond them ends the test.
class GuardedBytes {
 public:
  GuardedBytes(size_t size, bool at_end) {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t usable = (size + page - 1) / page * page;
    mapped_ = usable + 2 * page;
    void* const memory = ::mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    base_ = static_cast<uint8_t*>(memory);
    REQUIRE(::mprotect(base_ + page, usable, PROT_READ | PROT_WRITE) == 0);
    bytes_ = {base_ + page + (at_end ? usable - size : 0), size};
  }
  ~GuardedBytes() { ::munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::span<uint8_t> bytes() const { return bytes_; }

 private:
  uint8_t* base_ = nullptr;
  size_t mapped_ = 0;
  std::span<uint8_t> bytes_;
};

constexpr uint32_t kRows = 4;

// A format's packing, written down once more: bit by bit, or by division.
struct Format {
  const char* name;
  uint32_t sample_bytes;  // of the target
  uint32_t max_value;
  // Where a plane whose columns (NV15: rows) are `stride` bytes apart ends.
  size_t (*size)(uint32_t width, size_t stride);
  void (*put)(std::span<uint8_t> bytes, size_t stride, uint32_t x, uint32_t y, uint32_t value);
  void (*run)(const SandFunctions& f, const uint8_t* from, size_t stride, TargetPlane to, Band b);
};

// `bit` counts from the first byte's lowest.
void put_ten_bits(std::span<uint8_t> bytes, size_t bit, uint32_t value) {
  for (size_t i = bit; i < bit + 10; ++i, value >>= 1) {
    const auto mask = static_cast<uint8_t>(1 << (i % 8));
    bytes[i / 8] = static_cast<uint8_t>((bytes[i / 8] & ~mask) | ((value & 1) != 0 ? mask : 0));
  }
}

size_t nc12_size(uint32_t width, size_t stride) {
  return (width - 1) / 128 * stride + (kRows - 1) * 128 + (width - 1) % 128 + 1;
}

size_t nc30_size(uint32_t width, size_t stride) {
  return (width - 1) / 96 * stride + (kRows - 1) * 128 + ((width - 1) % 96 / 3 + 1) * 4;
}

const Format kFormats[] = {
    {"NC12", 1, 0xFF, nc12_size,
     [](std::span<uint8_t> bytes, size_t stride, uint32_t x, uint32_t y, uint32_t value) {
       bytes[x / 128 * stride + y * 128 + x % 128] = static_cast<uint8_t>(value);
     },
     [](const SandFunctions& f, const uint8_t* from, size_t stride, TargetPlane to, Band b) {
       f.unpack_nc12({from, stride}, to, b);
     }},
    {"NC30", 2, 0x3FF, nc30_size,
     [](std::span<uint8_t> bytes, size_t stride, uint32_t x, uint32_t y, uint32_t value) {
       const size_t word = x / 96 * stride + y * 128 + x % 96 / 3 * 4;
       put_ten_bits(bytes, word * 8 + x % 3 * 10, value);
     },
     [](const SandFunctions& f, const uint8_t* from, size_t stride, TargetPlane to, Band b) {
       f.unpack_nc30({from, stride}, to, b);
     }},
    {"NV15", 2, 0x3FF,
     [](uint32_t width, size_t stride) { return (kRows - 1) * stride + nv15_row_bytes(width); },
     [](std::span<uint8_t> bytes, size_t stride, uint32_t x, uint32_t y, uint32_t value) {
       put_ten_bits(bytes, y * stride * 8 + x * 10, value);
     },
     [](const SandFunctions& f, const uint8_t* from, size_t stride, TargetPlane to, Band b) {
       f.unpack_nv15({from, static_cast<ptrdiff_t>(stride)}, to, b);
     }},
};

struct Shape {
  uint32_t width = 0;   // samples
  size_t padding = 0;   // of the source: rows after a column's, or bytes after a row
  bool at_end = false;  // of its memory
  Band band;
};

std::string describe(const Format& format, const Shape& shape, const char* target) {
  return std::string(format.name) + " " + target + ", width " + std::to_string(shape.width) +
         ", padding " + std::to_string(shape.padding) + ", rows " +
         std::to_string(shape.band.first_row) + ".." + std::to_string(shape.band.end_row);
}

size_t stride_of(const Format& format, const Shape& shape) {
  if (format.name == std::string("NV15")) return nv15_row_bytes(shape.width) + shape.padding;
  return (kRows + shape.padding) * kColumnBytes;
}

// Adversarial samples: 0, the greatest, and powers of two, or random ones.
uint32_t sample(Random& random, uint32_t max_value) {
  switch (draw(random, 0, 3)) {
    case 0:
      return 0;
    case 1:
      return max_value;
    case 2:
      return (1u << draw(random, 0, 9)) & max_value;
    default:
      return static_cast<uint32_t>(draw(random, 0, static_cast<int>(max_value)));
  }
}

void compare_with_samples(const Format& format, const SandFunctions& functions, const Shape& shape,
                          Random& random) {
  const size_t stride = stride_of(format, shape);
  const GuardedBytes source(format.size(shape.width, stride), shape.at_end);
  for (uint8_t& byte : source.bytes()) byte = static_cast<uint8_t>(draw(random, 0, 255));
  Plane expected({shape.width * format.sample_bytes, kRows, shape.padding, shape.padding % 3});
  Plane actual = expected;
  for (uint32_t y = 0; y < kRows; ++y) {
    for (uint32_t x = 0; x < shape.width; ++x) {
      const uint32_t value = sample(random, format.max_value);
      format.put(source.bytes(), stride, x, y, value);
      if (y < shape.band.first_row || y >= shape.band.end_row) continue;
      const auto stored = static_cast<uint16_t>(format.sample_bytes == 2 ? value << 6 : value);
      std::memcpy(expected.row(y) + x * format.sample_bytes, &stored, format.sample_bytes);
    }
  }
  const std::vector<uint8_t> before(source.bytes().begin(), source.bytes().end());
  Band band = shape.band;
  band.width = shape.width;
  format.run(functions, source.bytes().data(), stride, {actual.row(0), actual.stride()}, band);
  if (actual == expected && std::ranges::equal(before, source.bytes())) return;
  FAIL(describe(format, shape, functions.target));
}

// Whatever the bytes are, those that no packing gives too.
void compare_with_scalar(const Format& format, const SandFunctions& functions, const Shape& shape,
                         Random& random) {
  const size_t stride = stride_of(format, shape);
  const GuardedBytes source(format.size(shape.width, stride), shape.at_end);
  for (const Fill fill : kFills) {
    Plane bytes({source.bytes().size(), 1});
    bytes.fill(fill, random);
    std::copy_n(bytes.row(0), source.bytes().size(), source.bytes().begin());
    Plane expected({shape.width * format.sample_bytes, kRows, shape.padding, 1});
    Plane actual = expected;
    Band band = shape.band;
    band.width = shape.width;
    format.run(sand_functions(Substrate::kScalar), source.bytes().data(), stride,
               {expected.row(0), expected.stride()}, band);
    format.run(functions, source.bytes().data(), stride, {actual.row(0), actual.stride()}, band);
    if (actual == expected) continue;
    FAIL(describe(format, shape, functions.target) << ", fill " << static_cast<int>(fill));
  }
}

// What is shorter than some vectors, every end of a column of either format, and real ones.
std::vector<uint32_t> widths() {
  constexpr std::pair<uint32_t, uint32_t> kRanges[] = {
      {1, 50}, {92, 98}, {120, 132}, {190, 194}, {254, 258}, {279, 289}, {640, 640}, {1919, 1921}};
  std::vector<uint32_t> all;
  for (const auto& [first, last] : kRanges) {
    for (uint32_t width = first; width <= last; ++width) all.push_back(width);
  }
  return all;
}

// Five, so that each meets both ends of memory and every padding.
constexpr Band kBands[] = {
    {0, 0, kRows}, {0, 1, 3}, {0, kRows - 1, kRows}, {0, 2, 2}, {0, 0, kRows}};

template <typename Compare>
void for_each_shape(const Compare& compare) {
  Random random(71);
  uint32_t turn = 0;
  for (const uint32_t width : widths()) {
    for (const size_t padding : {0, 1, 14}) {
      for (const bool at_end : {false, true}) {
        compare(Shape{width, padding, at_end, kBands[turn++ % 5]}, random);
      }
    }
  }
}

TEST_CASE("every substrate writes the samples that were packed, and nothing else", "[sand]") {
  for (const Format& format : kFormats) {
    for_each_shape([&](const Shape& shape, Random& random) {
      compare_with_samples(format, sand_functions(Substrate::kScalar), shape, random);
    });
    harness::for_each_target(sand_functions, [&](const SandFunctions& functions) {
      for_each_shape([&](const Shape& shape, Random& random) {
        compare_with_samples(format, functions, shape, random);
      });
    });
  }
}

TEST_CASE("every SIMD target writes what the reference writes", "[sand]") {
  harness::for_each_target(sand_functions, [](const SandFunctions& functions) {
    for (const Format& format : kFormats) {
      for_each_shape([&](const Shape& shape, Random& random) {
        compare_with_scalar(format, functions, shape, random);
      });
    }
  });
}

TEST_CASE("planes can be upside down", "[sand]") {
  const std::vector<uint8_t> rows = {0x01, 0x00, 0xEE, 0xFF, 0x03, 0xEE};
  for (const Substrate substrate : kBoth) {
    std::vector<uint16_t> out(2);
    sand_functions(substrate).unpack_nv15({rows.data() + 3, -3}, {out.data() + 1, -2}, {1, 0, 2});
    CHECK(out == p010({1, 1023}));
  }
}

TEST_CASE("a wish is met or the table says what runs instead", "[sand]") {
  harness::check_wishes(sand_functions);
}

// Rows stay in the first-level cache: this compares instructions, not memory.
TEST_CASE("speed of SIMD against the reference", "[.bench]") {
  Random random(1);
  const Shape shape{1920, 4, false, {1920, 0, kRows}};
  for (const Format& format : kFormats) {
    const size_t stride = stride_of(format, shape);
    Plane source({format.size(shape.width, stride), 1});
    source.fill(Fill::kRandom, random);
    Plane by_scalar({shape.width * format.sample_bytes, kRows});
    Plane by_simd = by_scalar;
    const auto run = [&](Substrate substrate, Plane& to) {
      format.run(sand_functions(substrate), source.row(0), stride, {to.row(0), to.stride()},
                 shape.band);
    };
    harness::print_ratio(
        format.name, sand_functions(Substrate::kSimd).target,
        [&] { run(Substrate::kScalar, by_scalar); }, [&] { run(Substrate::kSimd, by_simd); });
    CHECK(by_simd == by_scalar);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
