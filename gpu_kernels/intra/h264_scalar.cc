// The reference of intra prediction.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "gpu_kernels/intra/h264_tables.h"

namespace daedalus::gpu_kernels::intra {
namespace {

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

Neighbours<4> neighbours_of(const H264Edges4x4& edges) {
  return {edges.corner, edges.top, edges.left};
}

// 8.3.2.2.1.
Neighbours<8> neighbours_of(const H264Edges8x8& edges) {
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

// One sample (8.3.1.2.x; 8.3.2.2.x, which say the same of eight).
template <H264IntraMode kMode, int kSize>
uint8_t sample_at(const Neighbours<kSize>& n, int x, int y) {
  using enum H264IntraMode;
  if constexpr (kMode == kVertical) {
    return n.top[x];
  } else if constexpr (kMode == kHorizontal) {
    return n.left[y];
  } else if constexpr (kMode == kDiagonalDownLeft) {
    const int i = x + y;
    return smooth(n.top[i], n.top[i + 1], n.top[std::min(i + 2, 2 * kSize - 1)]);
  } else if constexpr (kMode == kDiagonalDownRight) {
    return n.smooth_at(x - y);
  } else if constexpr (kMode == kVerticalRight) {
    const int z = 2 * x - y;
    const int i = x - (y >> 1);
    if (z < -1) return n.smooth_at(z + 1);
    return z % 2 == 0 ? average(n.at(i), n.at(i + 1)) : n.smooth_at(i);
  } else if constexpr (kMode == kHorizontalDown) {
    const int z = 2 * y - x;
    const int i = y - (x >> 1);
    if (z < -1) return n.smooth_at(-z - 1);
    return z % 2 == 0 ? average(n.at(-i), n.at(-i - 1)) : n.smooth_at(-i);
  } else if constexpr (kMode == kVerticalLeft) {
    const int i = x + (y >> 1);
    return y % 2 == 0 ? average(n.top[i], n.top[i + 1])
                      : smooth(n.top[i], n.top[i + 1], n.top[i + 2]);
  } else {
    static_assert(kMode == kHorizontalUp);
    constexpr int kLast = kSize - 1;
    const int i = y + (x >> 1);
    const int next = n.left[std::min(i + 1, kLast)];
    if (i > kLast) return n.left[kLast];
    return x % 2 == 0 ? average(n.left[i], next)
                      : smooth(n.left[i], next, n.left[std::min(i + 2, kLast)]);
  }
}

constexpr bool is_dc(H264IntraMode mode) {
  return mode == H264IntraMode::kDc || mode >= H264IntraMode::kDcLeft;
}

template <H264IntraMode kMode, int kSize, typename Edges>
void predict(uint8_t* samples, ptrdiff_t stride, const Edges& edges) {
  const Neighbours<kSize> neighbours = neighbours_of(edges);
  for (int y = 0; y < kSize; ++y, samples += stride) {
    if constexpr (is_dc(kMode)) {
      std::fill_n(samples, kSize, dc_of(kMode, neighbours));
    } else {
      for (int x = 0; x < kSize; ++x) samples[x] = sample_at<kMode>(neighbours, x, y);
    }
  }
}

void predict_rows(uint8_t* samples, ptrdiff_t stride, uint8_t value) {
  for (int y = 0; y < 16; ++y, samples += stride) std::fill_n(samples, 16, value);
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

template <H264PlaneMode kMode>
void predict_16x16(uint8_t* samples, ptrdiff_t stride, const H264Edges16x16& edges) {
  using enum H264PlaneMode;
  if constexpr (kMode == kVertical) {
    for (int y = 0; y < 16; ++y) std::copy_n(edges.top.begin(), 16, samples + y * stride);
  } else if constexpr (kMode == kHorizontal) {
    for (int y = 0; y < 16; ++y) std::fill_n(samples + y * stride, 16, edges.left[y]);
  } else if constexpr (kMode == kPlane) {
    const Plane plane(edges.top, edges.left, edges.corner, 8, 5, 1);
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 16; ++x) samples[y * stride + x] = plane.at(x, y);
    }
  } else if constexpr (kMode == kDc) {
    predict_rows(samples, stride, (sum(edges.top, 0, 16) + sum(edges.left, 0, 16) + 16) >> 5);
  } else if constexpr (kMode == kDcLeft) {
    predict_rows(samples, stride, (sum(edges.left, 0, 16) + 8) >> 4);
  } else if constexpr (kMode == kDcTop) {
    predict_rows(samples, stride, (sum(edges.top, 0, 16) + 8) >> 4);
  } else {
    predict_rows(samples, stride, 128);
  }
}

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
uint8_t chroma_dc_value(ChromaDc dc, const H264EdgesChroma& edges, int component, int bx, int by) {
  const bool has_left = by == 0 ? dc.left_upper : dc.left_lower;
  const int top = sum(edges.top, bx * 8 + component, 4, 2);
  const int left = sum(edges.left, by * 8 + component, 4, 2);
  if (bx == by && dc.top && has_left) return (top + left + 4) >> 3;
  const bool prefers_left = bx == 0 && by == 1;
  if (dc.top && !(prefers_left && has_left)) return (top + 2) >> 2;
  return has_left ? (left + 2) >> 2 : 128;
}

template <H264ChromaMode kMode>
void predict_chroma(uint8_t* pairs, ptrdiff_t stride, const H264EdgesChroma& edges) {
  using enum H264ChromaMode;
  for (int component = 0; component < 2; ++component) {
    const Plane plane(std::span(edges.top).subspan(component),
                      std::span(edges.left).subspan(component), edges.corner[component], 4, 34, 2);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        uint8_t& sample = pairs[y * stride + 2 * x + component];
        if constexpr (kMode == kVertical) {
          sample = edges.top[2 * x + component];
        } else if constexpr (kMode == kHorizontal) {
          sample = edges.left[2 * y + component];
        } else if constexpr (kMode == kPlane) {
          sample = plane.at(x, y);
        } else {
          sample = chroma_dc_value(chroma_dc(kMode), edges, component, x / 4, y / 4);
        }
      }
    }
  }
}

template <size_t... kMode>
constexpr H264IntraFunctions make_functions(std::index_sequence<kMode...>) {
  H264IntraFunctions to{};
  to.substrate = Substrate::kScalar;
  to.target = "scalar";
  const auto set = [](auto& table, size_t mode, auto function) {
    if (mode < table.size()) table[mode] = function;
  };
  ((to.predict_4x4[kMode] = predict<static_cast<H264IntraMode>(kMode), 4, H264Edges4x4>), ...);
  ((to.predict_8x8[kMode] = predict<static_cast<H264IntraMode>(kMode), 8, H264Edges8x8>), ...);
  (set(to.predict_16x16, kMode,
       predict_16x16<static_cast<H264PlaneMode>(std::min(kMode, kH264PlaneModes - 1))>),
   ...);
  (set(to.predict_chroma, kMode,
       predict_chroma<static_cast<H264ChromaMode>(std::min(kMode, kH264ChromaModes - 1))>),
   ...);
  return to;
}

}  // namespace

const H264IntraFunctions& h264_scalar_functions() {
  static constexpr H264IntraFunctions kFunctions =
      make_functions(std::make_index_sequence<kH264IntraModes>());
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::intra
