// The chroma plane of NV12: u and v interleaved, sixteen of each an invocation.
#version 450

layout(local_size_x = 256) in;  // 4 wide, 64 high: V3D divides slowly, so that is left to shifts

layout(std430, binding = 0) readonly restrict buffer FromU { uvec4 from_u[]; };
layout(std430, binding = 1) readonly restrict buffer FromV { uvec4 from_v[]; };
layout(std430, binding = 2) writeonly restrict buffer To { uvec4 to[]; };

// In vectors of 16 bytes, but for the height; the width is that of u.
layout(push_constant) uniform Parameters {
  uint width, height;
  uint from_stride, to_stride;
};

void main() {
  const uint x = gl_WorkGroupID.x * 4 + (gl_LocalInvocationIndex & 3);
  const uint y = gl_WorkGroupID.y * 64 + (gl_LocalInvocationIndex >> 2);
  // Neither beyond the width nor the height: both differences are negative.
  if (int((x - width) & (y - height)) >= 0) return;
  const uvec4 u = from_u[y * from_stride + x];
  const uvec4 v = from_v[y * from_stride + x];
  // Of each word's samples 0 1 2 3: u0 v0 u2 v2 and u1 v1 u3 v3, then their halves in turn.
  const uvec4 even = (u & 0x00FF00FFu) | ((v & 0x00FF00FFu) << 8);
  const uvec4 odd = ((u >> 8) & 0x00FF00FFu) | (v & 0xFF00FF00u);
  const uvec4 first = (even & 0xFFFFu) | (odd << 16);
  const uvec4 second = (even >> 16) | (odd & 0xFFFF0000u);
  const uint at = y * to_stride + 2 * x;
  to[at] = uvec4(first.x, second.x, first.y, second.y);
  to[at + 1] = uvec4(first.z, second.z, first.w, second.w);
}
