// Copies of a picture's luma, shifted by two samples to one by each side: where a tap of a vector of
// samples lies then, is a vector too.
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
  const uint left = samples[at - 1].w;
  const uvec4 here = samples[at];
  const uint right = samples[at + 1].x;
  const uvec4 before = uvec4(left, here.xyz);
  const uvec4 after = uvec4(here.yzw, right);
  samples[to] = before;
  samples[to + size] = (before >> 16) | (here << 16);
  samples[to + 3 * size] = (here >> 16) | (after << 16);
  samples[to + 4 * size] = after;
}
