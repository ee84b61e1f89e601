// The chroma plane of P010: u and v interleaved and moved to the high bits, eight of each an
// invocation.
#version 450

layout(local_size_x = 256) in;  // 4 wide, 64 high: V3D divides slowly, so that is left to shifts

layout(std430, binding = 0) readonly restrict buffer FromU { uvec4 from_u[]; };
layout(std430, binding = 1) readonly restrict buffer FromV { uvec4 from_v[]; };
layout(std430, binding = 2) writeonly restrict buffer To { uvec4 to[]; };

// In vectors of 16 bytes, but for the height; the width is that of u.
layout(push_constant) uniform Parameters {
  uint width, height;
  uint from_stride, to_stride;
  uint shift;
  uint low, high;  // what shifted samples may keep in the low and in the high half of a word
};

void main() {
  const uint x = gl_WorkGroupID.x * 4 + (gl_LocalInvocationIndex & 3);
  const uint y = gl_WorkGroupID.y * 64 + (gl_LocalInvocationIndex >> 2);
  // Neither beyond the width nor the height: both differences are negative.
  if (int((x - width) & (y - height)) >= 0) return;
  const uvec4 u = from_u[y * from_stride + x];
  const uvec4 v = from_v[y * from_stride + x];
  const uvec4 even = ((u << shift) & low) | (v << (16 + shift));
  const uvec4 odd = ((u >> (16 - shift)) & low) | ((v << shift) & high);
  const uint at = y * to_stride + 2 * x;
  to[at] = uvec4(even.x, odd.x, even.y, odd.y);
  to[at + 1] = uvec4(even.z, odd.z, even.w, odd.w);
}
