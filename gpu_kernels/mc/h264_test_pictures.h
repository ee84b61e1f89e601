// Pictures and blocks that the tests of inter prediction's substrates share.
#ifndef DAEDALUS_GPU_KERNELS_MC_H264_TEST_PICTURES_H_
#define DAEDALUS_GPU_KERNELS_MC_H264_TEST_PICTURES_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "gpu_kernels/harness.h"
#include "gpu_kernels/mc/h264.h"

namespace daedalus::gpu_kernels::mc_test {

using harness::draw;
using harness::Plane;
using harness::Random;

// One picture of NV12 in two planes, seen as a frame or as one of its fields.
struct Frame {
  Frame(Random& random, uint32_t frame_width, uint32_t frame_height)
      : width(frame_width),
        height(frame_height),
        luma(layout(random, height)),
        chroma(layout(random, height / 2)) {}

  Plane::Layout layout(Random& random, size_t rows) const {
    return {width, rows, static_cast<size_t>(draw(random, 0, 40)),
            static_cast<size_t>(draw(random, 0, 31))};
  }
  void fill(harness::Fill fill, Random& random) {
    luma.fill(fill, random);
    chroma.fill(fill, random);
  }
  // `parity`: -1 for the frame, 0 for the top field, 1 for the bottom field.
  H264McReference reference(int parity, int8_t chroma_offset) const {
    const int step = parity < 0 ? 1 : 2;
    return {luma.row(std::max(parity, 0)),
            chroma.row(std::max(parity, 0)),
            step * luma.stride(),
            step * chroma.stride(),
            width,
            height / step,
            chroma_offset};
  }

  uint32_t width;
  uint32_t height;
  Plane luma;
  Plane chroma;
};

inline constexpr std::array<std::array<uint8_t, 2>, 7> kSizes = {
    {{16, 16}, {16, 8}, {8, 16}, {8, 8}, {8, 4}, {4, 8}, {4, 4}}};

inline int16_t draw_vector(Random& random, int reach) {
  return static_cast<int16_t>(draw(random, -reach, std::min(reach, 32767)));
}

// Random blocks that cover the picture, some places left out.
inline std::vector<H264Prediction> draw_blocks(Random& random, int width, int height,
                                               int references, int weights) {
  std::vector<H264Prediction> list;
  for (int y = 0; y < height; y += 16) {
    for (int x = 0; x < width; x += 16) {
      const auto size = kSizes[draw(random, 0, 6)];
      const int reach = std::array{8, 60, 300, 32768}[draw(random, 0, 3)];
      for (int by = 0; by < 16; by += size[1]) {
        for (int bx = 0; bx < 16; bx += size[0]) {
          H264Prediction p;
          p.x = static_cast<uint16_t>(x + bx);
          p.y = static_cast<uint16_t>(y + by);
          p.width = size[0];
          p.height = size[1];
          const int lists = draw(random, 1, 3);
          for (int i = 0; i < 2; ++i) {
            if ((lists >> i & 1) == 0) continue;
            p.reference[i] = static_cast<uint8_t>(draw(random, 0, references - 1));
            p.vector[i] = {draw_vector(random, reach), draw_vector(random, reach)};
          }
          if (draw(random, 0, 2) == 0)
            p.weights = static_cast<uint16_t>(draw(random, 0, weights - 1));
          if (draw(random, 0, 9) != 0) list.push_back(p);
        }
      }
    }
  }
  return list;
}

// Those of streams, of which the sums fit 16 bits, and others.
inline std::vector<H264McWeights> draw_weights(Random& random) {
  std::vector<H264McWeights> list(6);
  for (size_t i = 0; i < list.size(); ++i) {
    const int reach = i < 3 ? 60 : 128;
    for (int component = 0; component < 3; ++component) {
      for (int16_t& weight : list[i].weight[component]) {
        weight = static_cast<int16_t>(draw(random, -reach, reach));
      }
      list[i].offset[component] = static_cast<int16_t>(draw(random, -128, 127));
      list[i].log2_denominator[component] = static_cast<uint8_t>(draw(random, 0, 7));
    }
    if (i != 2) list[i].log2_denominator[2] = list[i].log2_denominator[1];
  }
  list[0].weight.fill({128, 0});
  list[5].weight.fill({128, 128});
  return list;
}

}  // namespace daedalus::gpu_kernels::mc_test

#endif  // DAEDALUS_GPU_KERNELS_MC_H264_TEST_PICTURES_H_
