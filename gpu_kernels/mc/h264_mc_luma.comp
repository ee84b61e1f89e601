// H.264's luma samples at places of half samples (8.4.2.2.1, G, b, h and j): 4x4 an invocation.
// Quarter samples are means of two of them.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "h264_vulkan.glsl"

layout(std430, binding = 0) writeonly restrict buffer Picture { uint picture[]; };
layout(std430, binding = 1) readonly restrict buffer Samples { uvec2 samples[]; };
// The word of the first sample that the filters may need, two rows above and two columns left of
// that of the place; then in the low half the words of a row, kColumns, kRows and above them the
// first sample's byte; where to write and how far from one row to the next, words.
layout(std430, binding = 2) readonly restrict buffer Tasks { uvec4 tasks[]; };

const uint kColumns = 0x10000u;  // the place is half a sample further right
const uint kRows = 0x20000u;     // half a sample further down
const uint kByteShift = 18;

// Makes the results of a filter positive, so that two fit in a word.
const uint kBias = 2560;
const uint kBiases = kBias << 16 | kBias;

// Twelve bytes from a word on.
uvec3 words_at(uint word) {
  const uvec2 v0 = samples[word >> 1];
  const uvec2 v1 = samples[(word >> 1) + 1];
  return (word & 1) != 0 ? uvec3(v0.y, v1) : uvec3(v0, v1.x);
}

// The filter of six taps.
int taps(int a, int b, int c, int d, int e, int f) { return a + f + 5 * (4 * (c + d) - (b + e)); }
uint taps(uint a, uint b, uint c, uint d, uint e, uint f) {
  return a + f + kBiases + 5 * (4 * (c + d) - (b + e));
}

// Of nine rows of a pair of samples four, at rows 2 to 5 or half a row lower: 32 times as large, and
// kBias more.
uvec4 down(uint rows[9], bool between) {
  uvec4 to = 32 * uvec4(rows[2], rows[3], rows[4], rows[5]) + kBiases;
  if (between) {
    [[unroll]] for (int i = 0; i < 4; ++i) {
      to[i] = taps(rows[i], rows[i + 1], rows[i + 2], rows[i + 3], rows[i + 4], rows[i + 5]);
    }
  }
  return to;
}

void main() {
  const uvec4 task = tasks[gl_GlobalInvocationID.x];
  const bool between_columns = (task.y & kColumns) != 0;
  const bool between_rows = (task.y & kRows) != 0;
  const uint shift = (task.y >> kByteShift) * 8;
  uint at = task.x;
  // Samples 0 to 3 of nine rows, 4 to 7, and pairs of two columns.
  uint left[9], right[9], pairs[9];
  [[unroll]] for (int i = 0; i < 9; ++i) {
    const uvec3 words = words_at(at);
    left[i] = word_after(words.x, words.y, shift);
    right[i] = word_after(words.y, words.z, shift);
    pairs[i] = (words.z >> shift) & 255u;
    at += task.y & 0xFFFFu;
  }
  const uvec4 s8 = down(pairs, between_rows);
  [[unroll]] for (int i = 0; i < 9; ++i) pairs[i] = right[i] & kEvenBytes;
  const uvec4 s46 = down(pairs, between_rows);
  [[unroll]] for (int i = 0; i < 9; ++i) pairs[i] = (right[i] >> 8) & kEvenBytes;
  const uvec4 s57 = down(pairs, between_rows);
  [[unroll]] for (int i = 0; i < 9; ++i) pairs[i] = left[i] & kEvenBytes;
  const uvec4 s02 = down(pairs, between_rows);
  [[unroll]] for (int i = 0; i < 9; ++i) pairs[i] = (left[i] >> 8) & kEvenBytes;
  const uvec4 s13 = down(pairs, between_rows);

  uint to = task.z;
  [[unroll]] for (int y = 0; y < 4; ++y) {
    const int v2 = int(s02[y] >> 16), v3 = int(s13[y] >> 16);
    const int v4 = int(s46[y] & 0xFFFFu), v5 = int(s57[y] & 0xFFFFu);
    ivec4 s = 32 * ivec4(v2, v3, v4, v5);
    if (between_columns) {
      const int v0 = int(s02[y] & 0xFFFFu), v1 = int(s13[y] & 0xFFFFu);
      const int v6 = int(s46[y] >> 16), v7 = int(s57[y] >> 16), v8 = int(s8[y] & 0xFFFFu);
      s = ivec4(taps(v0, v1, v2, v3, v4, v5), taps(v1, v2, v3, v4, v5, v6),
                taps(v2, v3, v4, v5, v6, v7), taps(v3, v4, v5, v6, v7, v8));
    }
    picture[to] = bytes_of(clamp((s + 512 - 32 * int(kBias)) >> 10, 0, 255));
    to += task.w;
  }
}
