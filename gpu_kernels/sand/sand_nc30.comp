// A plane of NC30 to one of P010: eight words an invocation, which are 24 samples.
#version 450

layout(local_size_x = 256) in;  // a column wide, 64 rows high

layout(std430, binding = 0) readonly restrict buffer From { uvec4 from[]; };
layout(std430, binding = 1) writeonly restrict buffer To { uvec4 to[]; };

// The width is in invocations; strides are in vectors of 16 bytes.
layout(push_constant) uniform Parameters {
  uint width, height;
  uint column_stride, to_stride;
};

// The high ten bits of a word's low and of its high half.
const uint kLow = 0xFFC0u;
const uint kHigh = 0xFFC00000u;

void main() {
  const uint x = gl_WorkGroupID.x * 4 + (gl_LocalInvocationIndex & 3);
  const uint y = gl_WorkGroupID.y * 64 + (gl_LocalInvocationIndex >> 2);
  // Neither beyond the width nor the height: both differences are negative.
  if (int((x - width) & (y - height)) >= 0) return;
  // Eight vectors are a column's row: a group's follow each other.
  const uint first = gl_WorkGroupID.x * column_stride + gl_WorkGroupID.y * 512 +
                     2 * gl_LocalInvocationIndex;
  const uvec4 left = from[first];
  const uvec4 right = from[first + 1];
  // Of two words' six samples: the first and second, third and fourth, fifth and sixth.
  const uvec4 even = uvec4(left.xz, right.xz);
  const uvec4 odd = uvec4(left.yw, right.yw);
  const uvec4 a = ((even << 6) & kLow) | ((even << 12) & kHigh);
  const uvec4 b = ((even >> 14) & kLow) | (odd << 22);
  const uvec4 c = ((odd >> 4) & kLow) | ((odd << 2) & kHigh);
  const uint at = y * to_stride + 3 * x;
  to[at] = uvec4(a.x, b.x, c.x, a.y);
  to[at + 1] = uvec4(b.y, c.y, a.z, b.z);
  to[at + 2] = uvec4(c.z, a.w, b.w, c.w);
}
