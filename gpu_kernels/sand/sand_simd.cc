// The kernels in Highway, compiled once for each SIMD target; foreach_target.h re-includes this
// file. A row is whole vectors, the last of which overlaps the one before it and never leaves the
// row; what is shorter, and a last incomplete word or group of samples, is scalar.
#include "gpu_kernels/sand/sand_tables.h"
#include "gpu_kernels/vectors_128.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/sand/sand_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::sand {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const SandFunctions* target_functions() { return &scalar_functions(); }

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr hn::FixedTag<uint8_t, 16> kBytes;
constexpr hn::FixedTag<uint16_t, 8> kSamples;
constexpr hn::FixedTag<uint32_t, 4> kWords;
using Words = hn::Vec<hn::FixedTag<uint32_t, 4>>;
using Samples = hn::Vec<hn::FixedTag<uint16_t, 8>>;

// The high ten of the lower 16 bits of eight words.
HWY_INLINE Samples high_ten(Words first, Words second) {
  const auto lower =
      hn::ConcatEven(kSamples, hn::BitCast(kSamples, second), hn::BitCast(kSamples, first));
  return hn::And(lower, hn::Set(kSamples, kHighTen));
}

constexpr size_t kNc30StepWords = 8;
constexpr size_t kNc30StepSamples = kNc30StepWords * kSamplesPerWord;

HWY_INLINE void unpack_nc30_step(const uint8_t* from, uint8_t* to) {
  const auto first = hn::BitCast(kWords, hn::LoadU(kBytes, from));
  const auto second = hn::BitCast(kWords, hn::LoadU(kBytes, from + 16));
  hn::StoreInterleaved3(high_ten(hn::ShiftLeft<6>(first), hn::ShiftLeft<6>(second)),
                        high_ten(hn::ShiftRight<4>(first), hn::ShiftRight<4>(second)),
                        high_ten(hn::ShiftRight<14>(first), hn::ShiftRight<14>(second)), kSamples,
                        reinterpret_cast<uint16_t*>(to));
}

void unpack_simd_nc30_row(const uint8_t* from, uint8_t* to, size_t samples) {
  const size_t words = samples / kSamplesPerWord;
  if (words < kNc30StepWords) {
    unpack_nc30_row(from, to, samples);
    return;
  }
  const auto step = [&](size_t word) HWY_ATTR {
    unpack_nc30_step(from + word * sizeof(uint32_t), to + word * kSamplesPerWord * 2);
  };
  size_t word = 0;
  for (; word + kNc30StepWords <= words; word += kNc30StepWords) step(word);
  if (word != words) step(words - kNc30StepWords);
  unpack_nc30_row(from + words * sizeof(uint32_t), to + words * kSamplesPerWord * 2,
                  samples - words * kSamplesPerWord);
}

// A step takes eight samples from ten bytes. A vector has six more, which are after them, or before
// them at a row's end.
constexpr size_t kNv15StepSamples = 8;
constexpr size_t kNv15StepBytes = 10;
constexpr size_t kVectorBytes = 16;
constexpr size_t kNv15GroupSamples = 4;

// The two bytes that each sample is in, of a vector that begins with the step's first, or ends with
// its last.
alignas(16) constexpr uint8_t kNv15First[16] = {0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9};
alignas(16) constexpr uint8_t kNv15Last[16] = {6,  7,  7,  8,  8,  9,  9,  10,
                                               11, 12, 12, 13, 13, 14, 14, 15};
// Sample i begins with bit 2 * (i % 4) of its two bytes; a product takes it to bit 6.
alignas(16) constexpr uint16_t kNv15Factors[8] = {64, 16, 4, 1, 64, 16, 4, 1};

HWY_INLINE void unpack_nv15_step(const uint8_t* from, uint8_t* to, const uint8_t* indices) {
  const auto pairs = hn::TableLookupBytes(hn::LoadU(kBytes, from), hn::Load(kBytes, indices));
  const auto samples =
      hn::And(hn::Mul(hn::BitCast(kSamples, pairs), hn::Load(kSamples, kNv15Factors)),
              hn::Set(kSamples, kHighTen));
  hn::StoreU(hn::BitCast(kBytes, samples), kBytes, to);
}

// The step that ends at sample `end`, a multiple of four.
HWY_INLINE void unpack_nv15_last_step(const uint8_t* row, uint8_t* to, size_t end) {
  unpack_nv15_step(row + nv15_row_bytes(end) - kVectorBytes, to + 2 * (end - kNv15StepSamples),
                   kNv15Last);
}

void unpack_simd_nv15_row(const uint8_t* from, uint8_t* to, size_t samples) {
  const size_t grouped = samples - samples % kNv15GroupSamples;
  const size_t bytes = nv15_row_bytes(grouped);
  if (bytes < kVectorBytes) {
    unpack_nv15_row(from, to, samples);
    return;
  }
  size_t x = 0;
  const uint8_t* at = from;
  for (; at + kVectorBytes <= from + bytes; x += kNv15StepSamples, at += kNv15StepBytes) {
    unpack_nv15_step(at, to + 2 * x, kNv15First);
  }
  // Ten or fifteen bytes are left.
  if (grouped - x > kNv15StepSamples) unpack_nv15_last_step(from, to, x + kNv15StepSamples);
  unpack_nv15_last_step(from, to, grouped);
  unpack_nv15_row(from + bytes, to + 2 * grouped, samples - grouped);
}

void unpack_nc30(ColumnPlane from, TargetPlane to, Band band) {
  for_each_column_row<kNc30ColumnSamples, 2>(from, to, band, unpack_simd_nc30_row);
}

void unpack_nv15(SourcePlane from, TargetPlane to, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    unpack_simd_nv15_row(row_of(from, y), row_of(to, y), band.width);
  }
}

}  // namespace

const SandFunctions* target_functions() {
  static const SandFunctions functions = {
      .substrate = Substrate::kSimd,
      .target = hwy::TargetName(HWY_TARGET),
      .unpack_nc12 = unpack_nc12,
      .unpack_nc30 = unpack_nc30,
      .unpack_nv15 = unpack_nv15,
  };
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::sand
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::sand {

HWY_EXPORT(target_functions);

const SandFunctions& simd_functions() { return *HWY_DYNAMIC_DISPATCH(target_functions)(); }

}  // namespace daedalus::gpu_kernels::sand
#endif  // HWY_ONCE
