// H.264's chroma samples at places of eighths (8.4.2.2.2): 2x2 pairs an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "h264_vulkan.glsl"

layout(std430, binding = 0) writeonly restrict buffer Picture { uint picture[]; };
layout(std430, binding = 1) readonly restrict buffer Samples { uint samples[]; };
// The word of the first pair; then in the low half the words of a row, above them whether it is the
// word's second pair, and the place's eighths, three bits each way; where to write and how far from
// one row to the next, words.
layout(std430, binding = 2) readonly restrict buffer Tasks { uvec4 tasks[]; };

void main() {
  const uvec4 task = tasks[gl_GlobalInvocationID.x];
  const uint shift = (task.y >> 16 & 1) * 16;
  const uint x = task.y >> 17 & 7;
  const uint y = task.y >> 20 & 7;
  uint at = task.x;
  // Two of Cb and two of Cr, eight times as large.
  uint cb[3], cr[3];
  [[unroll]] for (int i = 0; i < 3; ++i) {
    const uint first = samples[at];
    const uint second = samples[at + 1];
    const uint here = word_after(first, second, shift);
    const uint next = word_after(here, second >> shift, 16);
    cb[i] = (here & kEvenBytes) * (8 - x) + (next & kEvenBytes) * x;
    cr[i] = (here >> 8 & kEvenBytes) * (8 - x) + (next >> 8 & kEvenBytes) * x;
    at += task.y & 0xFFFFu;
  }
  uint to = task.z;
  [[unroll]] for (int i = 0; i < 2; ++i) {
    const uint made_cb = (cb[i] * (8 - y) + cb[i + 1] * y + 0x200020u) >> 6 & kEvenBytes;
    const uint made_cr = (cr[i] * (8 - y) + cr[i + 1] * y + 0x200020u) >> 6 & kEvenBytes;
    picture[to] = made_cb | made_cr << 8;
    to += task.w;
  }
}
