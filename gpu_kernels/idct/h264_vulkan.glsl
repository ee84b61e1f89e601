// What the inverse transforms of H.264 share: their arrays, and sums with the prediction.
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 64) in;

// The picture, four samples a word.
layout(std430, binding = 0) restrict buffer Picture { uint picture[]; };
// Scaled coefficients, two a word: the first one in the low half.
layout(std430, binding = 1) readonly restrict buffer Coefficients { uvec4 coefficients[]; };

layout(push_constant) uniform Parameters {
  uint stride;  // of the picture, words
  uint two_24;  // 2 to the power of 24, which the compiler must not know: V3D multiplies beside sums
  uint steps;   // all bits
};

// A block's residual: an odd number, twice the vector where its coefficients begin and one; or an
// even one, twice its DC value, which is all it has.
bool is_full(uint residual) { return (residual & 1) != 0; }
uint first_vector(uint residual) { return residual >> 1; }
int dc_of(uint residual) { return int(residual) >> 1; }

// Values are 16 bits that wrap. What is above them in a word is anything, so that sums need no
// care; a shift to the right does.
int shifted(int value, int by) { return (value << 16) >> (16 + by); }
int high(uint pair, int by) { return int(pair) >> (16 + by); }
uint pair_of(int low, int high) { return (uint(low) & 0xFFFFu) | (uint(high) << 16); }

// What is added before the last shift (8.5.12.2, 8.5.13). It may be added to the first coefficient:
// from there it reaches every value unshifted.
const int kRounding = 32;

// Four samples of a row and their residual.
uint add_clipped(uint samples, ivec4 residual) {
  const ivec4 bytes = ivec4(samples, samples >> 8, samples >> 16, samples >> 24) & 255;
  const ivec4 sum = clamp(bytes + residual, 0, 255);
  return uint(sum.x | (sum.y << 8) | (sum.z << 16)) + uint(sum.w) * two_24;
}

// One row or column of 8.5.12.2, of two pairs.
void transform_4(uint v01, uint v23, int rounding, out int to[4]) {
  const int v0 = int(v01) + rounding;
  const int e0 = v0 + int(v23);
  const int e1 = v0 - int(v23);
  const int e2 = high(v01, 1) - high(v23, 0);
  const int e3 = high(v01, 0) + high(v23, 1);
  to[0] = e0 + e3;
  to[1] = e1 + e2;
  to[2] = e1 - e2;
  to[3] = e0 - e3;
}

// All of a block, by rows; kRounding is in it.
void transform_4x4(uint vector, out int to[16]) {
  const uvec4 upper = coefficients[vector];
  const uvec4 lower = coefficients[vector + 1];
  int rows[4][4];
  transform_4(upper.x, upper.y, kRounding, rows[0]);
  transform_4(upper.z, upper.w, 0, rows[1]);
  transform_4(lower.x, lower.y, 0, rows[2]);
  transform_4(lower.z, lower.w, 0, rows[3]);
  [[unroll]] for (int x = 0; x < 4; ++x) {
    int column[4];
    transform_4(pair_of(rows[0][x], rows[1][x]), pair_of(rows[2][x], rows[3][x]), 0, column);
    [[unroll]] for (int y = 0; y < 4; ++y) to[4 * y + x] = column[y];
  }
}

// What is added to the prediction.
void residual_4x4(uint residual, out int to[16]) {
  if (is_full(residual)) {
    transform_4x4(first_vector(residual), to);
  } else {
    const int all = dc_of(residual) + kRounding;
    [[unroll]] for (int i = 0; i < 16; ++i) to[i] = all;
  }
  [[unroll]] for (int i = 0; i < 16; ++i) to[i] = shifted(to[i], 6);
}
