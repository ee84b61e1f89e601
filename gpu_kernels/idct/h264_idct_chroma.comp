// H.264's inverse transform of 4x4 samples of both chroma components, which lie in pairs: two
// blocks at one place an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "h264_vulkan.glsl"

// The word of their first pair, and the residuals of Cb and Cr: 0 for none.
layout(std430, binding = 2) readonly restrict buffer Blocks { uvec4 blocks[]; };

void main() {
  const uvec4 block = blocks[gl_GlobalInvocationID.x];
  int cb[16], cr[16];
  residual_4x4(block.y, cb);
  residual_4x4(block.z, cr);
  [[unroll]] for (int y = 0; y < 4; ++y) {
    const uint at = block.x + y * stride;
    const int i = 4 * y;
    const uint left = picture[at];
    const uint right = picture[at + 1];
    picture[at] = add_clipped(left, ivec4(cb[i], cr[i], cb[i + 1], cr[i + 1]));
    picture[at + 1] = add_clipped(right, ivec4(cb[i + 2], cr[i + 2], cb[i + 3], cr[i + 3]));
  }
}
