// What the shaders of H.264's inter prediction share.
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 64) in;

const uint kEvenBytes = 0x00FF00FFu;

// The word that begins so many bits after the first; less than 32.
uint word_after(uint word, uint next, uint bits) {
  return (word >> bits) | ((next << 1) << (31 - bits));
}

uint bytes_of(ivec4 s) { return uint(s.x | (s.y << 8) | (s.z << 16) | (s.w << 24)); }
