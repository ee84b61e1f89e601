// H.264's inverse transform of 8x8 luma samples, added to the prediction: a block an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "h264_vulkan.glsl"

// The word of its first sample, and the vector where its coefficients begin.
layout(std430, binding = 2) readonly restrict buffer Blocks { uvec2 blocks[]; };

// One row or column of 8.5.13, of four pairs.
void transform_8(uvec4 v, int rounding, out int to[8]) {
  const int v0 = int(v.x) + rounding;
  const int v1 = high(v.x, 0);
  const int v3 = high(v.y, 0);
  const int v5 = high(v.z, 0);
  const int v7 = high(v.w, 0);
  const int a0 = v0 + int(v.z);
  const int a2 = v0 - int(v.z);
  const int a4 = shifted(int(v.y), 1) - int(v.w);
  const int a6 = int(v.y) + shifted(int(v.w), 1);
  const int a1 = v5 - v3 - v7 - high(v.w, 1);
  const int a3 = v1 + v7 - v3 - high(v.y, 1);
  const int a5 = v7 - v1 + v5 + high(v.z, 1);
  const int a7 = v3 + v5 + v1 + high(v.x, 1);

  const int b0 = a0 + a6;
  const int b2 = a2 + a4;
  const int b4 = a2 - a4;
  const int b6 = a0 - a6;
  const int b1 = a1 + shifted(a7, 2);
  const int b3 = a3 + shifted(a5, 2);
  const int b5 = shifted(a3, 2) - a5;
  const int b7 = a7 - shifted(a1, 2);

  to[0] = b0 + b7;
  to[1] = b2 + b5;
  to[2] = b4 + b3;
  to[3] = b6 + b1;
  to[4] = b6 - b1;
  to[5] = b4 - b3;
  to[6] = b2 - b5;
  to[7] = b0 - b7;
}

// Adds four columns, whose rows' transforms are done.
void add_columns(uint to, uvec4 c0, uvec4 c1, uvec4 c2, uvec4 c3) {
  int r0[8], r1[8], r2[8], r3[8];
  transform_8(c0, 0, r0);
  transform_8(c1, 0, r1);
  // In pairs, as V3D has too few registers for all.
  uint r01[8];
  [[unroll]] for (int y = 0; y < 8; ++y) r01[y] = pair_of(r0[y], r1[y]);
  transform_8(c2, 0, r2);
  transform_8(c3, 0, r3);
  [[unroll]] for (int y = 0; y < 8; ++y) {
    picture[to] = add_clipped(picture[to], ivec4(shifted(int(r01[y]), 6), high(r01[y], 6),
                                                 shifted(r2[y], 6), shifted(r3[y], 6)));
    to += stride;
  }
}

void main() {
  const uvec2 block = blocks[gl_GlobalInvocationID.x];
  const uint first = block.y;
  // By columns: pairs of rows.
  uvec4 columns[8];
  [[unroll]] for (int x = 0; x < 8; ++x) columns[x] = uvec4(0);
  // Branches that all invocations take: V3D's compiler does not hold values of two steps at once.
  [[unroll]] for (int y = 0; y < 8; y += 2) {
    if ((steps & (1 << y)) != 0) {
      const uvec4 v = coefficients[first + y];
      const uvec4 w = coefficients[first + y + 1];
      int upper[8], lower[8];
      transform_8(v, y == 0 ? kRounding : 0, upper);
      transform_8(w, 0, lower);
      [[unroll]] for (int x = 0; x < 8; ++x) columns[x][y / 2] = pair_of(upper[x], lower[x]);
    }
  }
  if ((steps & 2) != 0) add_columns(block.x, columns[0], columns[1], columns[2], columns[3]);
  if ((steps & 8) != 0) add_columns(block.x + 1, columns[4], columns[5], columns[6], columns[7]);
}
