// The kernels in Highway, compiled once for each SIMD target; foreach_target.h re-includes this
// file. A row is whole vectors, the last of which overlaps the one before it, so that neither a
// masked nor a partial store is needed; rows shorter than a vector are scalar.
#include "gpu_kernels/pack/pack_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/pack/pack_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::pack {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const PackFunctions* target_functions() { return &scalar_functions(); }

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Vector8 = hn::ScalableTag<uint8_t>;
using Vector16 = hn::ScalableTag<uint16_t>;

// Plain loads and stores go through byte vectors, which need no alignment; the interleaving ones
// only compute addresses from the uint16_t pointer and issue unaligned accesses.
HWY_INLINE hn::Vec<Vector16> load_16(const uint8_t* from) {
  return hn::BitCast(Vector16(), hn::LoadU(Vector8(), from));
}

HWY_INLINE void store_16(hn::Vec<Vector16> samples, uint8_t* to) {
  hn::StoreU(hn::BitCast(Vector8(), samples), Vector8(), to);
}

// On x86 a multiplication takes one of its factors from memory, a shift does not.
HWY_INLINE hn::Vec<Vector16> load_shifted_left_16(const uint8_t* from, int shift) {
#if HWY_ARCH_X86
  return hn::Mul(load_16(from), hn::Set(Vector16(), static_cast<uint16_t>(1u << shift)));
#else
  return hn::ShiftLeftSame(load_16(from), shift);
#endif
}

// Each step handles one vector of samples (or of pairs) that starts at sample x. Rows of the output
// pass also have two_steps, which loads before it stores: the compiler cannot know that planes do
// not overlap, and only neighbouring accesses become AArch64's paired ones.

struct Interleave8 {
  using Vector = Vector8;
  const uint8_t* u;
  const uint8_t* v;
  uint8_t* uv;

  HWY_INLINE void step(size_t x) const {
    const Vector d;
    hn::StoreInterleaved2(hn::LoadU(d, u + x), hn::LoadU(d, v + x), d, uv + 2 * x);
  }
  HWY_INLINE void two_steps(size_t x, size_t lanes) const {
    const Vector d;
    const auto u0 = hn::LoadU(d, u + x);
    const auto u1 = hn::LoadU(d, u + x + lanes);
    const auto v0 = hn::LoadU(d, v + x);
    const auto v1 = hn::LoadU(d, v + x + lanes);
    hn::StoreInterleaved2(u0, v0, d, uv + 2 * x);
    hn::StoreInterleaved2(u1, v1, d, uv + 2 * (x + lanes));
  }
  void scalar(size_t width) const { interleave_row_8(u, v, uv, width); }
};

struct Deinterleave8 {
  using Vector = Vector8;
  const uint8_t* uv;
  uint8_t* u;
  uint8_t* v;

  HWY_INLINE void step(size_t x) const {
    const Vector d;
    hn::Vec<Vector> us;
    hn::Vec<Vector> vs;
    hn::LoadInterleaved2(d, uv + 2 * x, us, vs);
    hn::StoreU(us, d, u + x);
    hn::StoreU(vs, d, v + x);
  }
  void scalar(size_t width) const { deinterleave_row_8(uv, u, v, width); }
};

struct ShiftLeft16 {
  using Vector = Vector16;
  const uint8_t* from;
  uint8_t* to;
  int shift;

  HWY_INLINE void step(size_t x) const {
    store_16(load_shifted_left_16(from + 2 * x, shift), to + 2 * x);
  }
  HWY_INLINE void two_steps(size_t x, size_t lanes) const {
    const auto first = load_shifted_left_16(from + 2 * x, shift);
    const auto second = load_shifted_left_16(from + 2 * (x + lanes), shift);
    store_16(first, to + 2 * x);
    store_16(second, to + 2 * (x + lanes));
  }
  void scalar(size_t width) const { shift_left_row_16(from, to, width, shift); }
};

struct ShiftRight16 {
  using Vector = Vector16;
  const uint8_t* from;
  uint8_t* to;
  int shift;

  HWY_INLINE void step(size_t x) const {
    store_16(hn::ShiftRightSame(load_16(from + 2 * x), shift), to + 2 * x);
  }
  void scalar(size_t width) const { shift_right_row_16(from, to, width, shift); }
};

struct InterleaveShiftLeft16 {
  using Vector = Vector16;
  const uint8_t* u;
  const uint8_t* v;
  uint8_t* uv;
  int shift;

  HWY_INLINE void step(size_t x) const { store(load(u, x), load(v, x), x); }
  HWY_INLINE void two_steps(size_t x, size_t lanes) const {
    const auto u0 = load(u, x);
    const auto u1 = load(u, x + lanes);
    const auto v0 = load(v, x);
    const auto v1 = load(v, x + lanes);
    store(u0, v0, x);
    store(u1, v1, x + lanes);
  }
  HWY_INLINE hn::Vec<Vector> load(const uint8_t* from, size_t x) const {
    return load_shifted_left_16(from + 2 * x, shift);
  }
  HWY_INLINE void store(hn::Vec<Vector> us, hn::Vec<Vector> vs, size_t x) const {
    hn::StoreInterleaved2(us, vs, Vector(), reinterpret_cast<uint16_t*>(uv + 4 * x));
  }
  void scalar(size_t width) const { interleave_shift_left_row_16(u, v, uv, width, shift); }
};

struct DeinterleaveShiftRight16 {
  using Vector = Vector16;
  const uint8_t* uv;
  uint8_t* u;
  uint8_t* v;
  int shift;

  HWY_INLINE void step(size_t x) const {
    hn::Vec<Vector> us;
    hn::Vec<Vector> vs;
    hn::LoadInterleaved2(Vector(), reinterpret_cast<const uint16_t*>(uv + 4 * x), us, vs);
    store_16(hn::ShiftRightSame(us, shift), u + 2 * x);
    store_16(hn::ShiftRightSame(vs, shift), v + 2 * x);
  }
  void scalar(size_t width) const { deinterleave_shift_right_row_16(uv, u, v, width, shift); }
};

struct Fill16 {
  using Vector = Vector16;
  uint8_t* to;
  uint16_t value;

  HWY_INLINE void step(size_t x) const { store_16(hn::Set(Vector(), value), to + 2 * x); }
  void scalar(size_t width) const { fill_row_16(to, width, value); }
};

template <typename Row>
HWY_INLINE void two_steps(const Row row, size_t x, size_t lanes) {
  if constexpr (requires { row.two_steps(x, lanes); }) {
    row.two_steps(x, lanes);
  } else {
    row.step(x);
    row.step(x + lanes);
  }
}

template <typename Row>
HWY_INLINE void do_row(const Row row, size_t width) {
  const size_t lanes = hn::Lanes(typename Row::Vector());
  if (width < lanes) {
    row.scalar(width);
    return;
  }
  const size_t in_eights = width - width % (8 * lanes);
  const size_t in_pairs = width - width % (2 * lanes);
  size_t x = 0;
  for (; x != in_eights; x += 8 * lanes) {
    two_steps(row, x, lanes);
    two_steps(row, x + 2 * lanes, lanes);
    two_steps(row, x + 4 * lanes, lanes);
    two_steps(row, x + 6 * lanes, lanes);
  }
  for (; x != in_pairs; x += 2 * lanes) two_steps(row, x, lanes);
  if (width - x >= lanes) {
    row.step(x);
    x += lanes;
  }
  if (x != width) row.step(width - lanes);
}

void interleave_8(SourcePlane u, SourcePlane v, TargetPlane uv, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    do_row(Interleave8{row_of(u, y), row_of(v, y), row_of(uv, y)}, band.width);
  }
}

void deinterleave_8(SourcePlane uv, TargetPlane u, TargetPlane v, Band band) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    do_row(Deinterleave8{row_of(uv, y), row_of(u, y), row_of(v, y)}, band.width);
  }
}

void low_to_high_16(SourcePlane low, TargetPlane high, Band band, int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    do_row(ShiftLeft16{row_of(low, y), row_of(high, y), 16 - bit_depth}, band.width);
  }
}

void interleave_low_to_high_16(SourcePlane u, SourcePlane v, TargetPlane uv, Band band,
                               int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    do_row(InterleaveShiftLeft16{row_of(u, y), row_of(v, y), row_of(uv, y), 16 - bit_depth},
           band.width);
  }
}

void high_to_low_16(SourcePlane high, TargetPlane low, Band band, int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    do_row(ShiftRight16{row_of(high, y), row_of(low, y), 16 - bit_depth}, band.width);
  }
}

void deinterleave_high_to_low_16(SourcePlane uv, TargetPlane u, TargetPlane v, Band band,
                                 int bit_depth) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    do_row(DeinterleaveShiftRight16{row_of(uv, y), row_of(u, y), row_of(v, y), 16 - bit_depth},
           band.width);
  }
}

void fill_16(TargetPlane to, Band band, uint16_t value) {
  for (uint32_t y = band.first_row; y < band.end_row; ++y) {
    do_row(Fill16{row_of(to, y), value}, band.width);
  }
}

}  // namespace

const PackFunctions* target_functions() {
  static const PackFunctions functions = {
      .substrate = Substrate::kSimd,
      .target = hwy::TargetName(HWY_TARGET),
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
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::pack
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::pack {

HWY_EXPORT(target_functions);

const PackFunctions& simd_functions() { return *HWY_DYNAMIC_DISPATCH(target_functions)(); }

}  // namespace daedalus::gpu_kernels::pack
#endif  // HWY_ONCE
