#include "gpu_kernels/deblock/h264.h"

#include <algorithm>

#include "gpu_kernels/deblock/h264_tables.h"

namespace daedalus::gpu_kernels {
namespace {

// Table 8-16, by indexA and indexB.
constexpr std::array<uint8_t, 52> kAlpha = {
    0,  0,  0,  0,  0,  0,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,  4,  4,
    5,  6,  7,  8,  9,  10, 12,  13,  15,  17,  20,  22,  25,  28,  32,  36, 40, 45,
    50, 56, 63, 71, 80, 90, 101, 113, 127, 144, 162, 182, 203, 226, 255, 255};
constexpr std::array<uint8_t, 52> kBeta = {
    0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0,  0,  2,  2,  2,  3,  3,  3,  3,  4,  4,  4,
    6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18};
// Table 8-17, by indexA; for bS 1, 2, 3.
constexpr std::array<std::array<uint8_t, 3>, 52> kTc0 = {{
    {0, 0, 0},    {0, 0, 0},    {0, 0, 0},    {0, 0, 0},  {0, 0, 0},   {0, 0, 0},   {0, 0, 0},
    {0, 0, 0},    {0, 0, 0},    {0, 0, 0},    {0, 0, 0},  {0, 0, 0},   {0, 0, 0},   {0, 0, 0},
    {0, 0, 0},    {0, 0, 0},    {0, 0, 0},    {0, 0, 1},  {0, 0, 1},   {0, 0, 1},   {0, 0, 1},
    {0, 1, 1},    {0, 1, 1},    {1, 1, 1},    {1, 1, 1},  {1, 1, 1},   {1, 1, 1},   {1, 1, 2},
    {1, 1, 2},    {1, 1, 2},    {1, 1, 2},    {1, 2, 3},  {1, 2, 3},   {2, 2, 3},   {2, 2, 4},
    {2, 3, 4},    {2, 3, 4},    {3, 3, 5},    {3, 4, 6},  {3, 4, 6},   {4, 5, 7},   {4, 5, 8},
    {4, 6, 9},    {5, 7, 10},   {6, 8, 11},   {6, 8, 13}, {7, 10, 14}, {8, 11, 16}, {9, 12, 18},
    {10, 13, 20}, {11, 15, 23}, {13, 17, 25},
}};

size_t table_index(int qp_and_offset) {
  return static_cast<size_t>(std::clamp(qp_and_offset, 0, 51));
}

}  // namespace

H264EdgeThresholds h264_edge_thresholds(int average_qp, int offset_a, int offset_b) {
  const size_t index_a = table_index(average_qp + offset_a);
  const size_t index_b = table_index(average_qp + offset_b);
  const auto [one, two, three] = kTc0[index_a];
  return {.alpha = kAlpha[index_a], .beta = kBeta[index_b], .tc0 = {0, one, two, three}};
}

const H264DeblockFunctions& h264_deblock_functions(Substrate wish) {
  return wish == Substrate::kScalar ? deblock::h264_scalar_functions()
                                    : deblock::h264_simd_functions();
}

}  // namespace daedalus::gpu_kernels
