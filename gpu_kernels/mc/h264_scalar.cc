// The reference of inter prediction.
#include <algorithm>

#include "gpu_kernels/mc/h264_tables.h"

namespace daedalus::gpu_kernels::mc {
namespace {

constexpr uint8_t clip(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

// The integer samples that one block's luma is made of, at most 16x16 and what the filter needs
// around it; (0, 0) is the sample that the vector's integer part points at.
class LumaSource {
 public:
  LumaSource(const H264McReference& reference, int x, int y)
      : reference_(reference), x_(x), y_(y) {}

  // Samples beyond the picture are its nearest (8-239, 8-240).
  int at(int x, int y) const {
    const int in_x = std::clamp(x_ + x, 0, static_cast<int>(reference_.width) - 1);
    const int in_y = std::clamp(y_ + y, 0, static_cast<int>(reference_.height) - 1);
    return reference_.luma[in_y * reference_.luma_stride + in_x];
  }

  // b1, h1 and j1 of 8.4.2.2.1: half samples right of, below, and diagonally off (x, y).
  int horizontal(int x, int y) const {
    return tap(at(x - 2, y), at(x - 1, y), at(x, y), at(x + 1, y), at(x + 2, y), at(x + 3, y));
  }
  int vertical(int x, int y) const {
    return tap(at(x, y - 2), at(x, y - 1), at(x, y), at(x, y + 1), at(x, y + 2), at(x, y + 3));
  }
  int diagonal(int x, int y) const {
    return tap(horizontal(x, y - 2), horizontal(x, y - 1), horizontal(x, y), horizontal(x, y + 1),
               horizontal(x, y + 2), horizontal(x, y + 3));
  }

 private:
  static int tap(int a, int b, int c, int d, int e, int f) {
    return a - 5 * b + 20 * c + 20 * d - 5 * e + f;
  }

  const H264McReference& reference_;
  int x_;
  int y_;
};

// The sample at a place in half samples from (x, y): integer, b, h or j.
int half_sample(const LumaSource& source, int x, int y, int half_x, int half_y) {
  x += half_x >> 1;
  y += half_y >> 1;
  switch ((half_x & 1) + 2 * (half_y & 1)) {
    case 0:
      return source.at(x, y);
    case 1:
      return clip((source.horizontal(x, y) + 16) >> 5);
    case 2:
      return clip((source.vertical(x, y) + 16) >> 5);
    default:
      return clip((source.diagonal(x, y) + 512) >> 10);
  }
}

// Table 8-12: quarter samples lie between two half samples; `x` and `y` of each.
struct Between {
  int x0, y0, x1, y1;
};

Between neighbours_of(int x, int y) {
  const bool on_column = x % 2 == 0;
  const bool on_row = y % 2 == 0;
  if (on_column && on_row) return {x / 2, y / 2, x / 2, y / 2};
  if (on_row) return {x / 2, y / 2, x / 2 + 1, y / 2};
  if (on_column) return {x / 2, y / 2, x / 2, y / 2 + 1};
  // e, g, p, r: a half sample of the nearest row and one of the nearest column.
  return {1, y == 1 ? 0 : 2, x == 1 ? 0 : 2, 1};
}

struct Block {
  std::array<uint8_t, 256> luma;
  std::array<uint8_t, 128> chroma;  // pairs
};

void predict_luma(const H264Prediction& p, size_t list, const H264McReference& reference,
                  Block& block) {
  const int vx = p.vector[list][0];
  const int vy = p.vector[list][1];
  const LumaSource source(reference, p.x + (vx >> 2), p.y + (vy >> 2));
  const Between n = neighbours_of(vx & 3, vy & 3);
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < p.width; ++x) {
      block.luma[16 * y + x] = static_cast<uint8_t>(
          (half_sample(source, x, y, n.x0, n.y0) + half_sample(source, x, y, n.x1, n.y1) + 1) >> 1);
    }
  }
}

// 8.4.2.2.2.
void predict_chroma(const H264Prediction& p, size_t list, const H264McReference& reference,
                    Block& block) {
  const int vx = p.vector[list][0];
  const int vy = p.vector[list][1] + reference.chroma_offset;
  const int fx = vx & 7;
  const int fy = vy & 7;
  const int last_x = static_cast<int>(reference.width / 2) - 1;
  const int last_y = static_cast<int>(reference.height / 2) - 1;
  for (int y = 0; y < p.height / 2; ++y) {
    const int y0 = p.y / 2 + (vy >> 3) + y;
    const uint8_t* const row0 =
        reference.chroma + std::clamp(y0, 0, last_y) * reference.chroma_stride;
    const uint8_t* const row1 =
        reference.chroma + std::clamp(y0 + 1, 0, last_y) * reference.chroma_stride;
    for (int x = 0; x < p.width / 2; ++x) {
      const int x0 = p.x / 2 + (vx >> 3) + x;
      const int left = 2 * std::clamp(x0, 0, last_x);
      const int right = 2 * std::clamp(x0 + 1, 0, last_x);
      for (int c = 0; c < 2; ++c) {
        block.chroma[16 * y + 2 * x + c] = static_cast<uint8_t>(
            ((8 - fx) * (8 - fy) * row0[left + c] + fx * (8 - fy) * row0[right + c] +
             (8 - fx) * fy * row1[left + c] + fx * fy * row1[right + c] + 32) >>
            6);
      }
    }
  }
}

constexpr H264McWeights kAverage = {
    .weight = {{{1, 1}, {1, 1}, {1, 1}}}, .offset = {}, .log2_denominator = {}};

void predict_one(const H264McPictures& pictures, const H264Prediction& p) {
  const size_t first = first_reference(p);
  std::array<Block, 2> blocks{};
  for (size_t list = first; list < (has_two_references(p) ? 2 : first + 1); ++list) {
    Block& block = blocks[list - first];
    predict_luma(p, list, pictures.references[p.reference[list]], block);
    if (pictures.chroma != nullptr) {
      predict_chroma(p, list, pictures.references[p.reference[list]], block);
    }
  }
  const H264McWeights& weights =
      p.weights == H264Prediction::kUnweighted ? kAverage : pictures.weights[p.weights];
  const std::array<H264Combination, 3> combine = {H264Combination(weights, 0, p),
                                                  H264Combination(weights, 1, p),
                                                  H264Combination(weights, 2, p)};
  for (int y = 0; y < p.height; ++y) {
    uint8_t* const to = pictures.luma + (p.y + y) * pictures.luma_stride + p.x;
    for (int x = 0; x < p.width; ++x) {
      to[x] = combine[0](blocks[0].luma[16 * y + x], blocks[1].luma[16 * y + x]);
    }
  }
  if (pictures.chroma == nullptr) return;
  for (int y = 0; y < p.height / 2; ++y) {
    uint8_t* const to = pictures.chroma + (p.y / 2 + y) * pictures.chroma_stride + p.x;
    for (int x = 0; x < p.width; ++x) {
      to[x] = combine[1 + x % 2](blocks[0].chroma[16 * y + x], blocks[1].chroma[16 * y + x]);
    }
  }
}

void predict(const H264McPictures& pictures, const H264Prediction* list, size_t count) {
  for (size_t i = 0; i < count; ++i) predict_one(pictures, list[i]);
}

}  // namespace

const H264McFunctions& h264_scalar_functions() {
  static constexpr H264McFunctions kFunctions = {
      .substrate = Substrate::kScalar,
      .target = "scalar",
      .predict = predict,
  };
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::mc
