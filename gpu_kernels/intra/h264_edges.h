// What the substrates compute of a block's neighbours alone: filtered edges, averages, slopes.
#ifndef DAEDALUS_GPU_KERNELS_INTRA_H264_EDGES_H_
#define DAEDALUS_GPU_KERNELS_INTRA_H264_EDGES_H_

#include <algorithm>
#include <array>

#include "gpu_kernels/intra/h264.h"

namespace daedalus::gpu_kernels::intra {

// (a + 2 b + c + 2) >> 2.
constexpr uint8_t smooth(int a, int b, int c) {
  return static_cast<uint8_t>((a + 2 * b + c + 2) >> 2);
}
constexpr uint8_t average(int a, int b) { return static_cast<uint8_t>((a + b + 1) >> 1); }
constexpr uint8_t clip(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

template <typename Samples>
int sum(const Samples& samples, size_t first, size_t count, size_t pitch = 1) {
  int total = 0;
  for (size_t i = 0; i < count; ++i) total += samples[first + i * pitch];
  return total;
}

// The neighbours of a block of kSize x kSize samples, filtered for 8x8.
template <int kSize>
struct Neighbours {
  uint8_t corner;
  std::array<uint8_t, 2 * kSize> top;
  std::array<uint8_t, kSize> left;

  // Along the edge from the left's end to the top's: negative: left, 0: corner, positive: top.
  int at(int i) const { return i == 0 ? corner : i > 0 ? top[i - 1] : left[-i - 1]; }
  uint8_t smooth_at(int i) const { return smooth(at(i - 1), at(i), at(i + 1)); }
};

inline Neighbours<4> neighbours_of(const H264Edges4x4& edges) {
  return {edges.corner, edges.top, edges.left};
}

// 8.3.2.2.1.
inline Neighbours<8> neighbours_of(const H264Edges8x8& edges) {
  Neighbours<8> to{};
  if (edges.has_top) {
    const int before = edges.has_corner ? edges.corner : edges.top[0];
    to.top[0] = smooth(before, edges.top[0], edges.top[1]);
    for (int i = 1; i < 15; ++i)
      to.top[i] = smooth(edges.top[i - 1], edges.top[i], edges.top[i + 1]);
    to.top[15] = smooth(edges.top[14], edges.top[15], edges.top[15]);
  }
  if (edges.has_corner) {
    const int left = edges.has_left ? edges.left[0] : edges.corner;
    const int top = edges.has_top ? edges.top[0] : edges.corner;
    to.corner = smooth(left, edges.corner, top);
  }
  if (edges.has_left) {
    const int before = edges.has_corner ? edges.corner : edges.left[0];
    to.left[0] = smooth(before, edges.left[0], edges.left[1]);
    for (int i = 1; i < 7; ++i) {
      to.left[i] = smooth(edges.left[i - 1], edges.left[i], edges.left[i + 1]);
    }
    to.left[7] = smooth(edges.left[6], edges.left[7], edges.left[7]);
  }
  return to;
}

// The DC modes of one component.
template <int kSize>
uint8_t dc_of(H264IntraMode mode, const Neighbours<kSize>& n) {
  switch (mode) {
    case H264IntraMode::kDc:
      return (sum(n.top, 0, kSize) + sum(n.left, 0, kSize) + kSize) / (2 * kSize);
    case H264IntraMode::kDcLeft:
      return (sum(n.left, 0, kSize) + kSize / 2) / kSize;
    case H264IntraMode::kDcTop:
      return (sum(n.top, 0, kSize) + kSize / 2) / kSize;
    default:
      return 128;
  }
}

constexpr bool is_dc(H264IntraMode mode) {
  return mode == H264IntraMode::kDc || mode >= H264IntraMode::kDcLeft;
}

// a + b (x - middle) + c (y - middle) of 8.3.3.4 and 8.3.4.4.
struct Plane {
  int a;
  int b;
  int c;

  // Each `pitch` samples of an edge are one of the component; `factor` and `shift` make slopes.
  template <typename Samples>
  Plane(const Samples& top, const Samples& left, int corner, int half, int factor, size_t pitch) {
    const auto slope = [&](const Samples& edge) {
      int gradient = 0;
      for (int i = 0; i < half; ++i) {
        const int before = half - 2 - i;
        gradient +=
            (i + 1) * (edge[(half + i) * pitch] - (before < 0 ? corner : edge[before * pitch]));
      }
      return (factor * gradient + 32) >> 6;
    };
    b = slope(top);
    c = slope(left);
    const size_t last = (2 * half - 1) * pitch;
    a = 16 * (left[last] + top[last]) - (half - 1) * (b + c) + 16;
  }
  uint8_t at(int x, int y) const { return clip((a + b * x + c * y) >> 5); }
};

struct ChromaDc {
  bool top;
  bool left_upper;
  bool left_lower;
};

constexpr ChromaDc chroma_dc(H264ChromaMode mode) {
  switch (mode) {
    case H264ChromaMode::kDc:
      return {true, true, true};
    case H264ChromaMode::kDcLeft:
      return {false, true, true};
    case H264ChromaMode::kDcTop:
      return {true, false, false};
    case H264ChromaMode::kDcLeftUpper:
      return {false, true, false};
    case H264ChromaMode::kDcLeftLower:
      return {false, false, true};
    case H264ChromaMode::kDcTopLeftUpper:
      return {true, true, false};
    case H264ChromaMode::kDcTopLeftLower:
      return {true, false, true};
    default:
      return {false, false, false};
  }
}

// The block at column 4 bx and row 4 by: both edges on the diagonal, else the nearer one first.
inline uint8_t chroma_dc_value(ChromaDc dc, const H264EdgesChroma& edges, int component, int bx,
                               int by) {
  const bool has_left = by == 0 ? dc.left_upper : dc.left_lower;
  const int top = sum(edges.top, bx * 8 + component, 4, 2);
  const int left = sum(edges.left, by * 8 + component, 4, 2);
  if (bx == by && dc.top && has_left) return (top + left + 4) >> 3;
  const bool prefers_left = bx == 0 && by == 1;
  if (dc.top && !(prefers_left && has_left)) return (top + 2) >> 2;
  return has_left ? (left + 2) >> 2 : 128;
}

}  // namespace daedalus::gpu_kernels::intra

#endif  // DAEDALUS_GPU_KERNELS_INTRA_H264_EDGES_H_
