// Packs one 1920x1080 4:2:0 picture N times, and nothing else: for counting instructions.
// Run it with two values of N; the difference of the counts is the kernels' alone.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string_view>
#include <vector>

#include "gpu_kernels/pack/pack.h"

namespace daedalus::gpu_kernels {
namespace {

constexpr uint32_t kWidth = 1920;
constexpr uint32_t kHeight = 1080;
constexpr Band kLuma = {kWidth, 0, kHeight};
constexpr Band kChroma = {chroma_420(kWidth), 0, chroma_420(kHeight)};
constexpr uint32_t kMaxFrames = 1'000'000;
constexpr int kP010Depth = 10;

constexpr char kUsage[] =
    "usage: pack_frame nv12|p010 auto|scalar|simd N\n"
    "Packs a planar 1920x1080 picture N times and prints what ran.\n";

// A plane of `rows` rows without padding.
struct Plane {
  Plane(uint32_t row_bytes, uint32_t rows) : stride(row_bytes), bytes(size_t{row_bytes} * rows) {}
  SourcePlane source() const { return {bytes.data(), stride}; }
  TargetPlane target() { return {bytes.data(), stride}; }

  ptrdiff_t stride;
  std::vector<uint8_t> bytes;
};

// The picture and its packed form; the source's bytes are a ramp.
struct Frame {
  explicit Frame(uint32_t sample_bytes)
      : y(sample_bytes * kLuma.width, kLuma.end_row),
        u(sample_bytes * kChroma.width, kChroma.end_row),
        v(sample_bytes * kChroma.width, kChroma.end_row),
        packed_y(sample_bytes * kLuma.width, kLuma.end_row),
        packed_uv(2 * sample_bytes * kChroma.width, kChroma.end_row) {
    for (Plane* plane : {&y, &u, &v}) std::iota(plane->bytes.begin(), plane->bytes.end(), 0x5B);
  }

  Plane y, u, v, packed_y, packed_uv;
};

void pack_nv12(const PackFunctions& pack, Frame& frame) {
  pack.copy_8(frame.y.source(), frame.packed_y.target(), kLuma);
  pack.interleave_8(frame.u.source(), frame.v.source(), frame.packed_uv.target(), kChroma);
}

void pack_p010(const PackFunctions& pack, Frame& frame) {
  pack.low_to_high_16(frame.y.source(), frame.packed_y.target(), kLuma, kP010Depth);
  pack.interleave_low_to_high_16(frame.u.source(), frame.v.source(), frame.packed_uv.target(),
                                 kChroma, kP010Depth);
}

int fail(const char* what) {
  std::fprintf(stderr, "pack_frame: %s\n%s", what, kUsage);
  return 2;
}

int run(int argc, char** argv) {
  if (argc != 4) return fail("three arguments expected");
  const std::string_view format = argv[1];
  const bool is_p010 = format == "p010";
  if (!is_p010 && format != "nv12") return fail("unknown format");
  const auto choice = parse_substrate_choice(argv[2]);
  if (!choice.ok()) return fail(choice.error().message.c_str());
  const std::string_view count = argv[3];
  uint32_t frames = 0;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), frames);
  if (error != std::errc() || end != count.data() + count.size() || frames > kMaxFrames) {
    return fail("N is a number up to 1000000");
  }

  const Substrate wish = choice->of(Stage::kPack);
  const PackFunctions& pack = pack_functions(wish);
  if (wish != Substrate::kAuto && wish != pack.substrate) {
    std::fprintf(stderr, "pack_frame: this machine has no %s kernels for pack\n",
                 substrate_name(wish).data());
    return 1;
  }
  Frame frame(is_p010 ? 2 : 1);
  for (uint32_t i = 0; i < frames; ++i) {
    is_p010 ? pack_p010(pack, frame) : pack_nv12(pack, frame);
  }
  std::printf("%s %s %s frames=%u last_bytes=%02x%02x\n", argv[1],
              substrate_name(pack.substrate).data(), pack.target, frames,
              frame.packed_y.bytes.back(), frame.packed_uv.bytes.back());
  return 0;
}

}  // namespace
}  // namespace daedalus::gpu_kernels

int main(int argc, char** argv) { return daedalus::gpu_kernels::run(argc, argv); }
