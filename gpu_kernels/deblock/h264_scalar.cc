// The reference of the deblocking filter.
#include <algorithm>
#include <cstdlib>

#include "gpu_kernels/deblock/h264_tables.h"

namespace daedalus::gpu_kernels::deblock {
namespace {

constexpr uint8_t clip(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

// The samples across an edge: p2 p1 p0 | q0 q1 q2 with `across` bytes between them; `q0` is where
// the edge's second side begins.
struct Line {
  uint8_t* q0;
  ptrdiff_t across;

  uint8_t& p(int i) const { return q0[-(i + 1) * across]; }
  uint8_t& q(int i) const { return q0[i * across]; }
};

// filterSamplesFlag (8-460), but for bS.
bool is_filtered(const Line& line, const H264EdgeThresholds& t) {
  return std::abs(line.p(0) - line.q(0)) < t.alpha && std::abs(line.p(1) - line.p(0)) < t.beta &&
         std::abs(line.q(1) - line.q(0)) < t.beta;
}

void move_inner(const Line& line, int by) {
  const int delta =
      std::clamp((4 * (line.q(0) - line.p(0)) + line.p(1) - line.q(1) + 4) >> 3, -by, by);
  line.p(0) = clip(line.p(0) + delta);
  line.q(0) = clip(line.q(0) - delta);
}

// 8.7.2.3 of luma.
void filter_luma_normal(const Line& line, int tc0, int beta) {
  const int p1 = line.p(1);
  const int q1 = line.q(1);
  const bool smooth_p = std::abs(line.p(2) - line.p(0)) < beta;
  const bool smooth_q = std::abs(line.q(2) - line.q(0)) < beta;
  const int middle = (line.p(0) + line.q(0) + 1) >> 1;
  const int new_p1 = p1 + std::clamp((line.p(2) + middle - 2 * p1) >> 1, -tc0, tc0);
  const int new_q1 = q1 + std::clamp((line.q(2) + middle - 2 * q1) >> 1, -tc0, tc0);
  move_inner(line, tc0 + (smooth_p ? 1 : 0) + (smooth_q ? 1 : 0));
  if (smooth_p) line.p(1) = static_cast<uint8_t>(new_p1);
  if (smooth_q) line.q(1) = static_cast<uint8_t>(new_q1);
}

// One side of 8.7.2.4: p is the side that changes.
struct Side {
  std::array<uint8_t, 3> samples;
  Side(int p3, int p2, int p1, int p0, int q0, int q1, bool strong)
      : samples{static_cast<uint8_t>((2 * p1 + p0 + q1 + 2) >> 2), static_cast<uint8_t>(p1),
                static_cast<uint8_t>(p2)} {
    if (!strong) return;
    samples[0] = static_cast<uint8_t>((p2 + 2 * p1 + 2 * p0 + 2 * q0 + q1 + 4) >> 3);
    samples[1] = static_cast<uint8_t>((p2 + p1 + p0 + q0 + 2) >> 2);
    samples[2] = static_cast<uint8_t>((2 * p3 + 3 * p2 + p1 + p0 + q0 + 4) >> 3);
  }
};

void filter_luma_strong(const Line& line, const H264EdgeThresholds& t) {
  const int p0 = line.p(0);
  const int q0 = line.q(0);
  const bool small_step = std::abs(p0 - q0) < (t.alpha >> 2) + 2;
  const bool strong_p = small_step && std::abs(line.p(2) - p0) < t.beta;
  const bool strong_q = small_step && std::abs(line.q(2) - q0) < t.beta;
  const Side p(line.p(3), line.p(2), line.p(1), p0, q0, line.q(1), strong_p);
  const Side q(line.q(3), line.q(2), line.q(1), q0, p0, line.p(1), strong_q);
  for (int i = 0; i < 3; ++i) {
    line.p(i) = p.samples[i];
    line.q(i) = q.samples[i];
  }
}

void filter_luma_line(const Line& line, int strength, const H264EdgeThresholds& t) {
  if (strength == 0 || !is_filtered(line, t)) return;
  if (strength == 4) {
    filter_luma_strong(line, t);
  } else {
    filter_luma_normal(line, t.tc0[static_cast<size_t>(strength)], t.beta);
  }
}

void filter_chroma_line(const Line& line, int strength, const H264EdgeThresholds& t) {
  if (strength == 0 || !is_filtered(line, t)) return;
  if (strength == 4) {
    const int p0 = (2 * line.p(1) + line.p(0) + line.q(1) + 2) >> 2;
    const int q0 = (2 * line.q(1) + line.q(0) + line.p(1) + 2) >> 2;
    line.p(0) = static_cast<uint8_t>(p0);
    line.q(0) = static_cast<uint8_t>(q0);
  } else {
    move_inner(line, t.tc0[static_cast<size_t>(strength)] + 1);
  }
}

// `along`: bytes from one line to the next; `run`: lines for each bS.
void filter_luma_edge(uint8_t* samples, ptrdiff_t across, ptrdiff_t along, int run,
                      const std::array<uint8_t, 4>& strength, const H264EdgeThresholds& t) {
  for (int i = 0; i < 4 * run; ++i) {
    filter_luma_line({samples + i * along, across}, strength[i / run], t);
  }
}

void filter_chroma_edge(uint8_t* pairs, ptrdiff_t across, ptrdiff_t along, int run,
                        const std::array<uint8_t, 4>& strength, const H264EdgeThresholds& cb,
                        const H264EdgeThresholds& cr) {
  for (int i = 0; i < 4 * run; ++i) {
    filter_chroma_line({pairs + i * along, across}, strength[i / run], cb);
    filter_chroma_line({pairs + i * along + 1, across}, strength[i / run], cr);
  }
}

void luma_vertical(uint8_t* samples, ptrdiff_t stride, const Strengths& strength,
                   const H264EdgeThresholds& thresholds) {
  filter_luma_edge(samples, 1, stride, 4, strength, thresholds);
}

void luma_horizontal(uint8_t* samples, ptrdiff_t stride, const Strengths& strength,
                     const H264EdgeThresholds& thresholds) {
  filter_luma_edge(samples, stride, 1, 4, strength, thresholds);
}

void chroma_vertical(uint8_t* pairs, ptrdiff_t stride, const Strengths& strength,
                     const H264EdgeThresholds& cb, const H264EdgeThresholds& cr) {
  filter_chroma_edge(pairs, 2, stride, 2, strength, cb, cr);
}

void chroma_horizontal(uint8_t* pairs, ptrdiff_t stride, const Strengths& strength,
                       const H264EdgeThresholds& cb, const H264EdgeThresholds& cr) {
  filter_chroma_edge(pairs, stride, 2, 2, strength, cb, cr);
}

void luma_vertical_mixed(uint8_t* samples, ptrdiff_t stride, const Strengths& strength,
                         const H264EdgeThresholds& thresholds) {
  filter_luma_edge(samples, 1, stride, 2, strength, thresholds);
}

void chroma_vertical_mixed(uint8_t* pairs, ptrdiff_t stride, const Strengths& strength,
                           const H264EdgeThresholds& cb, const H264EdgeThresholds& cr) {
  filter_chroma_edge(pairs, 2, stride, 1, strength, cb, cr);
}

void filter_macroblocks(const H264DeblockMacroblock* macroblocks, size_t count,
                        const H264ThresholdTable& thresholds, ptrdiff_t luma_stride,
                        ptrdiff_t chroma_stride) {
  filter_edges(macroblocks, count, thresholds, luma_stride, chroma_stride, luma_vertical,
               luma_horizontal, chroma_vertical, chroma_horizontal);
}

}  // namespace

const H264DeblockFunctions& h264_scalar_functions() {
  static constexpr H264DeblockFunctions kFunctions = {
      .substrate = Substrate::kScalar,
      .target = "scalar",
      .luma_vertical = luma_vertical,
      .luma_horizontal = luma_horizontal,
      .chroma_vertical = chroma_vertical,
      .chroma_horizontal = chroma_horizontal,
      .luma_vertical_mixed = luma_vertical_mixed,
      .chroma_vertical_mixed = chroma_vertical_mixed,
      .filter_macroblocks = filter_macroblocks,
  };
  return kFunctions;
}

}  // namespace daedalus::gpu_kernels::deblock
