// The luma plane of NV12 and P010: a copy whose 16-bit samples move to the high bits.
#version 450

layout(local_size_x = 256) in;  // 4 wide, 64 high: V3D divides slowly, so that is left to shifts

layout(std430, binding = 0) readonly restrict buffer From { uvec4 from[]; };
layout(std430, binding = 1) writeonly restrict buffer To { uvec4 to[]; };

// In vectors of 16 bytes, but for the height.
layout(push_constant) uniform Parameters {
  uint width, height;
  uint from_stride, to_stride;
  uint shift;  // of samples; 0 for those of 8 bits
  uint mask;   // what a shifted word may keep
};

void main() {
  const uint x = gl_WorkGroupID.x * 4 + (gl_LocalInvocationIndex & 3);
  const uint y = gl_WorkGroupID.y * 64 + (gl_LocalInvocationIndex >> 2);
  // Neither beyond the width nor the height: both differences are negative.
  if (int((x - width) & (y - height)) >= 0) return;
  to[y * to_stride + x] = (from[y * from_stride + x] << shift) & mask;
}
