// Does a stage's work on one 1920x1080 4:2:0 picture N times, and nothing else: for counting
// instructions. Run it with two values of N; the difference of the counts is the kernels' alone.
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "gpu_kernels/cdef/av1.h"
#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/mc/h264.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/sand/sand.h"

namespace daedalus::gpu_kernels {
namespace {

constexpr uint32_t kWidth = 1920;
constexpr uint32_t kHeight = 1080;
constexpr Band kLuma = {kWidth, 0, kHeight};
constexpr Band kChroma = {chroma_420(kWidth), 0, chroma_420(kHeight)};
constexpr uint32_t kBlock = 8;  // CDEF's
constexpr uint32_t kMaxFrames = 1'000'000;

constexpr char kUsage[] =
    "usage: stage_frame WORK scalar|simd N\n"
    "Does a stage's work on a 1920x1080 picture N times and prints what ran. WORK is one of:\n";

// Samples at random, of two bytes where they have more than 8 bits; rows without padding.
class Plane {
 public:
  Plane(Band band, int bit_depth)
      : stride_(static_cast<ptrdiff_t>(band.width) * (bit_depth > 8 ? 2 : 1)),
        bytes_(static_cast<size_t>(stride_) * band.end_row) {
    std::minstd_rand random;
    for (size_t i = 0; i < bytes_.size(); ++i) {
      // Little-endian: the high byte of a sample comes second.
      const uint32_t mask = bit_depth > 8 && i % 2 == 1 ? (1U << (bit_depth - 8)) - 1 : 0xFF;
      bytes_[i] = static_cast<uint8_t>(random() >> 8 & mask);
    }
  }
  SourcePlane source() const { return {bytes_.data(), stride_}; }
  TargetPlane target() { return {bytes_.data(), stride_}; }

 private:
  ptrdiff_t stride_;
  std::vector<uint8_t> bytes_;
};

// A planar picture, and what is made of it.
struct Frame {
  explicit Frame(int depth)
      : bit_depth(depth),
        y(kLuma, depth),
        u(kChroma, depth),
        v(kChroma, depth),
        luma(kLuma, depth),
        pairs({2 * kChroma.width, 0, kChroma.end_row}, depth) {}

  int bit_depth;
  Plane y, u, v;
  Plane luma, pairs;
};

// What is done, and by what.
struct Job {
  Substrate substrate;
  const char* target;
  std::function<void()> run;
};

enum Parts { kLumaOnly, kChromaOnly, kBoth };

Job pack(Substrate wish, int bit_depth, Parts parts) {
  const PackFunctions& f = pack_functions(wish);
  const auto frame = std::make_shared<Frame>(bit_depth);
  return {f.substrate, f.target, [&f, frame, parts] {
            Frame& p = *frame;
            if (parts != kChromaOnly) {
              p.bit_depth == 8
                  ? f.copy_8(p.y.source(), p.luma.target(), kLuma)
                  : f.low_to_high_16(p.y.source(), p.luma.target(), kLuma, p.bit_depth);
            }
            if (parts != kLumaOnly) {
              p.bit_depth == 8
                  ? f.interleave_8(p.u.source(), p.v.source(), p.pairs.target(), kChroma)
                  : f.interleave_low_to_high_16(p.u.source(), p.v.source(), p.pairs.target(),
                                                kChroma, p.bit_depth);
            }
          }};
}

// Of all planes, with scaling functions of their own, and overlapping blocks. The preparation, once
// a picture on whatever substrate, is not in it.
Job film_grain(Substrate wish, int bit_depth) {
  Av1FilmGrainParameters parameters;
  parameters.grain_seed = 1;
  parameters.luma_points = {2, {0, 255}, {40, 90}};
  for (auto& chroma : parameters.chroma) chroma.points = parameters.luma_points;
  parameters.overlap = true;
  const auto grain = prepare_av1_film_grain(parameters, {kWidth, kHeight, bit_depth, false});
  const Av1FilmGrainFunctions& f = av1_film_grain_functions(wish);
  const auto frame = std::make_shared<Frame>(bit_depth);
  return {
      f.substrate, f.target, [&f, frame, grain = *grain] {
        Frame& p = *frame;
        const bool wide = p.bit_depth > 8;
        (wide ? f.luma_10_to_high : f.luma_8)(*grain, p.y.source(), p.luma.target(), {0, 0, kLuma});
        (wide ? f.chroma_10_to_high_interleaved : f.chroma_8_interleaved)(
            *grain, {p.y.source(), p.u.source(), p.v.source()}, p.pairs.target(), {0, 0, kChroma});
      }};
}

// Every block with both strengths.
Job cdef(Substrate wish, int bit_depth) {
  struct Filtered {
    explicit Filtered(int depth) : from(depth), u(kChroma, depth), v(kChroma, depth) {}
    Frame from;
    Plane u, v;
    std::vector<uint8_t> blocks =
        std::vector<uint8_t>(size_t{kWidth / kBlock} * (kHeight / kBlock), 0);
    Av1CdefPicture picture;
  };
  const auto filtered = std::make_shared<Filtered>(bit_depth);
  Av1CdefPicture& picture = filtered->picture;
  picture.blocks_across = kWidth / kBlock;
  picture.block_rows = kHeight / kBlock;
  picture.bit_depth = bit_depth;
  picture.strengths[0] = {9, 2, 7, 1};
  picture.blocks = filtered->blocks.data();
  picture.from = {filtered->from.y.source(), filtered->from.u.source(), filtered->from.v.source()};
  picture.to = {filtered->from.luma.target(), filtered->u.target(), filtered->v.target()};
  const Av1CdefFunctions& f = av1_cdef_functions(wish);
  return {f.substrate, f.target,
          [&f, filtered] { f.rows(filtered->picture, 0, filtered->picture.block_rows); }};
}

// Luma and chroma.
Job sand(Substrate wish, bool wide) {
  constexpr uint32_t kColumnRows = kHeight + kHeight / 2;
  const uint32_t column_samples = wide ? kNc30ColumnSamples : kNc12ColumnSamples;
  const uint32_t columns = kWidth / column_samples;
  // Without a gap: as one plane whose rows are the columns' rows.
  const auto from = std::make_shared<Plane>(Band{kColumnBytes, 0, columns * kColumnRows}, 8);
  const auto to = std::make_shared<Frame>(wide ? 10 : 8);
  const SandFunctions& f = sand_functions(wish);
  return {f.substrate, f.target, [from, to, unpack = wide ? f.unpack_nc30 : f.unpack_nc12] {
            constexpr size_t kColumn = size_t{kColumnRows} * kColumnBytes;
            const auto* const data = static_cast<const uint8_t*>(from->source().data);
            unpack({data, kColumn}, to->luma.target(), kLuma);
            unpack({data + size_t{kHeight} * kColumnBytes, kColumn}, to->pairs.target(),
                   {2 * kChroma.width, 0, kChroma.end_row});
          }};
}

// H.264's pictures have whole macroblocks.
constexpr uint32_t kMacroblock = 16;
constexpr uint32_t kMacroblocksAcross = kWidth / kMacroblock;
constexpr uint32_t kMacroblockRows = (kHeight + kMacroblock - 1) / kMacroblock;

struct MacroblockFrame {
  Plane luma{{kWidth, 0, kMacroblockRows* kMacroblock}, 8};
  Plane pairs{{kWidth, 0, kMacroblockRows* kMacroblock / 2}, 8};
};

// Every macroblock whole, from one reference, between four samples; 12 samples away, so that edges
// play no part but at the picture's.
Job h264_mc(Substrate wish, Parts parts) {
  struct Predicted {
    MacroblockFrame from, to;
    H264McReference reference;
    std::vector<H264Prediction> list;
    H264McPictures pictures;
  };
  const auto predicted = std::make_shared<Predicted>();
  Predicted& p = *predicted;
  const auto in = [](const SourcePlane& plane) { return static_cast<const uint8_t*>(plane.data); };
  const auto out = [](const TargetPlane& plane) { return static_cast<uint8_t*>(plane.data); };
  p.reference = {.luma = in(p.from.luma.source()),
                 .chroma = in(p.from.pairs.source()),
                 .luma_stride = kWidth,
                 .chroma_stride = kWidth,
                 .width = kWidth,
                 .height = kMacroblockRows * kMacroblock};
  for (uint32_t y = 0; y < kMacroblockRows; ++y) {
    for (uint32_t x = 0; x < kMacroblocksAcross; ++x) {
      H264Prediction block;
      block.x = static_cast<uint16_t>(x * kMacroblock);
      block.y = static_cast<uint16_t>(y * kMacroblock);
      block.width = block.height = kMacroblock;
      block.reference[0] = 0;
      block.vector[0] = {4 * 12 + 2, 4 * 12 + 2};
      p.list.push_back(block);
    }
  }
  p.pictures = {.luma = out(p.to.luma.target()),
                .chroma = parts == kLumaOnly ? nullptr : out(p.to.pairs.target()),
                .luma_stride = kWidth,
                .chroma_stride = kWidth,
                .references = {&p.reference, 1},
                .weights = {}};
  const H264McFunctions& f = h264_mc_functions(wish);
  return {f.substrate, f.target, [&f, predicted] {
            f.predict(predicted->pictures, predicted->list.data(), predicted->list.size());
          }};
}

// All of these blocks of every macroblock, with coefficients.
Job h264_idct(Substrate wish, bool transform_8x8, uint32_t blocks) {
  struct Added {
    MacroblockFrame to;
    std::array<int16_t, 16 * 16> coefficients;
    std::vector<H264ResidualMacroblock> list;
  };
  const auto added = std::make_shared<Added>();
  std::minstd_rand random;
  for (int16_t& coefficient : added->coefficients) {
    coefficient = static_cast<int16_t>(static_cast<int>(random() >> 8 & 127) - 64);
  }
  auto* const luma = static_cast<uint8_t*>(added->to.luma.target().data);
  auto* const pairs = static_cast<uint8_t*>(added->to.pairs.target().data);
  for (uint32_t y = 0; y < kMacroblockRows; ++y) {
    for (uint32_t x = 0; x < kMacroblocksAcross; ++x) {
      added->list.push_back(
          {{.full_blocks = blocks,
            .transform_8x8 = transform_8x8,
            .coefficients = added->coefficients.data()},
           {luma + size_t{y} * kMacroblock * kWidth + size_t{x} * kMacroblock,
            pairs + size_t{y} * kMacroblock / 2 * kWidth + size_t{x} * kMacroblock, kWidth,
            kWidth}});
    }
  }
  const H264IdctFunctions& f = h264_idct_functions(wish);
  return {f.substrate, f.target,
          [&f, added] { f.add_macroblocks(added->list.data(), added->list.size()); }};
}

struct Work {
  std::string_view name;
  Job (*job)(Substrate wish);
};

constexpr Work kWorks[] = {
    {"nv12", [](Substrate wish) { return pack(wish, 8, kBoth); }},
    {"nv12-chroma", [](Substrate wish) { return pack(wish, 8, kChromaOnly); }},
    {"p010", [](Substrate wish) { return pack(wish, 10, kBoth); }},
    {"p010-luma", [](Substrate wish) { return pack(wish, 10, kLumaOnly); }},
    {"p010-chroma", [](Substrate wish) { return pack(wish, 10, kChromaOnly); }},
    {"film-grain-nv12", [](Substrate wish) { return film_grain(wish, 8); }},
    {"film-grain-p010", [](Substrate wish) { return film_grain(wish, 10); }},
    {"sand-nc12", [](Substrate wish) { return sand(wish, false); }},
    {"sand-nc30", [](Substrate wish) { return sand(wish, true); }},
    {"cdef-8", [](Substrate wish) { return cdef(wish, 8); }},
    {"h264-mc", [](Substrate wish) { return h264_mc(wish, kBoth); }},
    {"h264-mc-luma", [](Substrate wish) { return h264_mc(wish, kLumaOnly); }},
    {"h264-idct-8x8", [](Substrate wish) { return h264_idct(wish, true, 0x1111); }},
    {"h264-idct-4x4", [](Substrate wish) { return h264_idct(wish, false, 0xFFFF); }},
    {"h264-idct-chroma", [](Substrate wish) { return h264_idct(wish, false, 0xFF0000); }},
};

int fail(const char* what) {
  std::fprintf(stderr, "stage_frame: %s\n%s", what, kUsage);
  for (const Work& work : kWorks) std::fprintf(stderr, "  %s\n", work.name.data());
  return 2;
}

int run(int argc, char** argv) {
  if (argc != 4) return fail("three arguments expected");
  const Work* work = nullptr;
  for (const Work& known : kWorks) {
    if (known.name == argv[1]) work = &known;
  }
  if (work == nullptr) return fail("unknown work");
  const std::string_view word = argv[2];
  if (word != "scalar" && word != "simd") return fail("unknown substrate");
  const Substrate wish = word == "simd" ? Substrate::kSimd : Substrate::kScalar;
  const std::string_view count = argv[3];
  uint32_t frames = 0;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), frames);
  if (error != std::errc() || end != count.data() + count.size() || frames > kMaxFrames) {
    return fail("N is a number up to 1000000");
  }

  const Job job = work->job(wish);
  if (wish != job.substrate) {
    std::fprintf(stderr, "stage_frame: this machine has no %s kernels for %s\n",
                 substrate_name(wish).data(), work->name.data());
    return 1;
  }
  for (uint32_t i = 0; i < frames; ++i) job.run();
  std::printf("%s %s %s frames=%u\n", work->name.data(), substrate_name(job.substrate).data(),
              job.target, frames);
  return 0;
}

}  // namespace
}  // namespace daedalus::gpu_kernels

int main(int argc, char** argv) { return daedalus::gpu_kernels::run(argc, argv); }
