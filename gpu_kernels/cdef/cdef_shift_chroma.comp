// The same of chroma, whose samples lie in pairs of Cb and Cr.
#version 450

layout(local_size_x = 256) in;

// Five times the picture: that whose samples are two to the left, one to the left, itself, ...
layout(std430, binding = 0) restrict buffer Samples { uvec4 samples[]; };

layout(push_constant) uniform Parameters {
  uint size;  // of each, vectors
};

void main() {
  const uint to = gl_GlobalInvocationID.x;
  const uint at = to + 2 * size;
  const uvec2 left = samples[at - 1].zw;
  const uvec4 here = samples[at];
  const uvec2 right = samples[at + 1].xy;
  samples[to] = uvec4(left, here.xy);
  samples[to + size] = uvec4(left.y, here.xyz);
  samples[to + 3 * size] = uvec4(here.yzw, right.x);
  samples[to + 4 * size] = uvec4(here.zw, right);
}
