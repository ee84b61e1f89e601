// Samples of several predictions, or of weighted ones (8.4.2.2.1, 8.4.2.3): ROWS words an
// invocation, whose weights are from WEIGHTS on.
#include "h264_vulkan.glsl"

layout(std430, binding = 0) writeonly buffer Picture { uint picture[]; };
// The same memory: a prediction each, of whose words the first ROWS are used.
layout(std430, binding = 1) readonly buffer Predictions { uvec4 predictions[]; };
// The word to write; the first prediction; in the low half kFirstMean, kTwo and kSecondMean, in the
// high half kUnweighted or weights.
layout(std430, binding = 2) readonly restrict buffer Blocks { uvec4 blocks[]; };
// Of Y, Cb and Cr (8.4.2.3): the weights of both predictions, the first in the low half; what is
// added before the shift; the shift; the offset.
layout(std430, binding = 3) readonly restrict buffer Weights { ivec4 weights[]; };

layout(push_constant) uniform Parameters {
  uint stride;  // of the picture, words
};

const uint kFirstMean = 1;   // the first is the mean of two
const uint kTwo = 2;         // there is a second
const uint kSecondMean = 4;  // it is the mean of two
const uint kUnweighted = 0xFFFF;

// Of bytes, rounded up.
uvec4 mean(uvec4 a, uvec4 b) { return (a | b) - (((a ^ b) >> 1) & 0x7F7F7F7Fu); }

int combined(uint first, uint second, uint shift, ivec4 weight) {
  const int sum = int(first >> shift & 255u) * ((weight.x << 16) >> 16) +
                  int(second >> shift & 255u) * (weight.x >> 16) + weight.y;
  return clamp((sum >> weight.z) + weight.w, 0, 255);
}

void main() {
  const uvec4 block = blocks[gl_GlobalInvocationID.x];
  uint from = block.y;
  uvec4 first = predictions[from++];
  if ((block.z & kFirstMean) != 0) first = mean(first, predictions[from++]);
  uvec4 second = first;
  if ((block.z & kTwo) != 0) {
    second = predictions[from++];
    if ((block.z & kSecondMean) != 0) second = mean(second, predictions[from]);
  }
  const uint weighted = block.z >> 16;
  uvec4 made = mean(first, second);
  if (weighted != kUnweighted) {
    const ivec4 even = weights[3 * weighted + WEIGHTS];
    const ivec4 odd = weights[3 * weighted + 2 * WEIGHTS];
    [[unroll]] for (int y = 0; y < ROWS; ++y) {
      made[y] = bytes_of(ivec4(combined(first[y], second[y], 0, even),
                               combined(first[y], second[y], 8, odd),
                               combined(first[y], second[y], 16, even),
                               combined(first[y], second[y], 24, odd)));
    }
  }
  [[unroll]] for (int y = 0; y < ROWS; ++y) picture[block.x + y * stride] = made[y];
}
