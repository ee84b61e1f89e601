// A plane of NC12 to one of NV12: 16 bytes an invocation, out of the columns into rows.
#version 450

layout(local_size_x = 256) in;  // a column wide, 32 rows high

layout(std430, binding = 0) readonly restrict buffer From { uvec4 from[]; };
layout(std430, binding = 1) writeonly restrict buffer To { uvec4 to[]; };

// In vectors of 16 bytes, but for the height.
layout(push_constant) uniform Parameters {
  uint width, height;
  uint column_stride, to_stride;
};

void main() {
  const uint x = gl_WorkGroupID.x * 8 + (gl_LocalInvocationIndex & 7);
  const uint y = gl_WorkGroupID.y * 32 + (gl_LocalInvocationIndex >> 3);
  // Neither beyond the width nor the height: both differences are negative.
  if (int((x - width) & (y - height)) >= 0) return;
  // Eight vectors are a column's row: a group's follow each other.
  to[y * to_stride + x] = from[gl_WorkGroupID.x * column_stride + gl_WorkGroupID.y * 256 +
                               gl_LocalInvocationIndex];
}
