// H.264's inverse transform of 4x4 luma samples, added to the prediction: a block an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "h264_vulkan.glsl"

// The word of its first sample, and its residual.
layout(std430, binding = 2) readonly restrict buffer Blocks { uvec2 blocks[]; };

void main() {
  const uvec2 block = blocks[gl_GlobalInvocationID.x];
  int residual[16];
  residual_4x4(block.y, residual);
  [[unroll]] for (int y = 0; y < 4; ++y) {
    const uint at = block.x + y * stride;
    const int i = 4 * y;
    picture[at] = add_clipped(picture[at], ivec4(residual[i], residual[i + 1], residual[i + 2],
                                                 residual[i + 3]));
  }
}
