// The reference of intra prediction.
#include <algorithm>
#include <span>
#include <utility>

#include "gpu_kernels/intra/h264_edges.h"
#include "gpu_kernels/intra/h264_tables.h"

namespace daedalus::gpu_kernels::intra {
namespace {

// One sample of a directional mode (8.3.1.2.x; 8.3.2.2.x, which say the same of eight).
template <H264IntraMode kMode, int kSize>
uint8_t sample_at(const Neighbours<kSize>& n, int x, int y) {
  using enum H264IntraMode;
  if constexpr (kMode == kDiagonalDownLeft) {
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

template <H264IntraMode kMode, int kSize, typename Edges>
void predict(uint8_t* samples, ptrdiff_t stride, const Edges& edges) {
  const Neighbours<kSize> neighbours = neighbours_of(edges);
  for (int y = 0; y < kSize; ++y, samples += stride) {
    if constexpr (is_dc(kMode)) {
      std::fill_n(samples, kSize, dc_of(kMode, neighbours));
    } else if constexpr (kMode == H264IntraMode::kVertical) {
      std::copy_n(neighbours.top.begin(), kSize, samples);
    } else if constexpr (kMode == H264IntraMode::kHorizontal) {
      std::fill_n(samples, kSize, neighbours.left[y]);
    } else {
      for (int x = 0; x < kSize; ++x) samples[x] = sample_at<kMode>(neighbours, x, y);
    }
  }
}

void predict_rows(uint8_t* samples, ptrdiff_t stride, uint8_t value) {
  for (int y = 0; y < 16; ++y, samples += stride) std::fill_n(samples, 16, value);
}

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
