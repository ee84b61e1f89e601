// The direction search of CDEF (7.15.2), and what it makes of each block's strengths (7.15.1): a
// block an invocation.
#version 450
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 64) in;  // 8 wide, 8 high

layout(std430, binding = 0) readonly restrict buffer Samples { uvec4 samples[]; };
// Strengths: y_primary, y_secondary, uv_primary, uv_secondary, of four bits each.
layout(std430, binding = 1) readonly restrict buffer Blocks { uint blocks[]; };
// As cdef_filter.comp reads them.
layout(std430, binding = 2) writeonly restrict buffer Luma { ivec4 luma[]; };
layout(std430, binding = 3) writeonly restrict buffer Chroma { ivec4 chroma[]; };

layout(push_constant) uniform Parameters {
  uint first;        // the picture's first vector in `samples`
  uint width;        // blocks
  uint stride;       // of a row of `samples`, vectors; of chroma it is the same
  int luma_size;     // from one shifted copy to the next, vectors
  int chroma_size;
  int damping;       // CdefDamping
  int depth_shift;   // bit depth less 8
  uint zero;         // 0, which the compiler must not know: it would hold all samples at once
};

const int kEighth = 105;  // Div_Table[8]

int square(int value) { return value * value; }

void read_row(uint at, out int row[8]) {
  const ivec4 words = ivec4(samples[at]);
  const ivec4 even = (((words << 16) >> 16) >> depth_shift) - 128;
  const ivec4 odd = ((words >> 16) >> depth_shift) - 128;
  [[unroll]] for (int i = 0; i < 4; ++i) {
    row[2 * i] = even[i];
    row[2 * i + 1] = odd[i];
  }
}

// The costs of directions 0, 2, 4 and 6.
ivec4 even_costs(uint at) {
  const int kDivTable[8] = {840, 420, 280, 210, 168, 140, 120, 105};
  int down[15], up[15], column[8];
  [[unroll]] for (int i = 0; i < 15; ++i) down[i] = up[i] = 0;
  [[unroll]] for (int i = 0; i < 8; ++i) column[i] = 0;
  ivec4 cost = ivec4(0);
  [[unroll]] for (int i = 0; i < 8; ++i) {
    int row[8];
    read_row(at, row);
    at += stride;
    int sum = 0;
    [[unroll]] for (int j = 0; j < 8; ++j) {
      down[i + j] += row[j];
      up[7 + i - j] += row[j];
      column[j] += row[j];
      sum += row[j];
    }
    cost.y += square(sum);
    // Complete with this row.
    cost.x += square(down[i]) * kDivTable[i];
    cost.z += square(up[i]) * kDivTable[i];
  }
  [[unroll]] for (int i = 8; i < 15; ++i) {
    cost.x += square(down[i]) * kDivTable[14 - i];
    cost.z += square(up[i]) * kDivTable[14 - i];
  }
  [[unroll]] for (int j = 0; j < 8; ++j) cost.w += square(column[j]);
  return cost * ivec4(1, kEighth, 1, kEighth);
}

int steep_cost(int lines[11]) {
  int eights = 0;
  [[unroll]] for (int i = 3; i < 8; ++i) eights += square(lines[i]);
  return eights * kEighth + (square(lines[0]) + square(lines[10])) * 420 +
         (square(lines[1]) + square(lines[9])) * 210 + (square(lines[2]) + square(lines[8])) * 140;
}

// The costs of directions 1 and 3, or 5 and 7.
ivec2 odd_costs(uint at, bool columns) {
  int first[11], second[11];
  [[unroll]] for (int i = 0; i < 11; ++i) first[i] = second[i] = 0;
  [[unroll]] for (int i = 0; i < 8; ++i) {
    int row[8];
    read_row(at, row);
    at += stride;
    [[unroll]] for (int j = 0; j < 8; ++j) {
      first[columns ? 3 - i / 2 + j : i + j / 2] += row[j];
      second[columns ? i / 2 + j : 3 + i - j / 2] += row[j];
    }
  }
  return ivec2(steep_cost(first), steep_cost(second));
}

// A table of eight numbers from -2 to 4, of four bits each and 2 more.
int look_up(uint table, uint index) { return int((table >> (4 * index)) & 15) - 2; }

// Cdef_Directions: how far the two taps are.
ivec2 offsets(uint direction, int copy_size) {
  const ivec2 y = ivec2(look_up(0x33332221u, direction), look_up(0x44443210u, direction));
  const ivec2 x = ivec2(look_up(0x22233333u, direction), look_up(0x12344444u, direction));
  return y * int(stride) + x * copy_size;
}

// A strength as the filter takes it, 0 for none.
int threshold(int strength, int of_damping) {
  const int shift = max(0, of_damping - findMSB(strength));
  return strength == 0 ? 0 : ((((strength + 1) << shift) - 1) | (shift << 16));
}

void main() {
  const uint x = gl_WorkGroupID.x * 8 + (gl_LocalInvocationIndex & 7);
  const uint y = gl_WorkGroupID.y * 8 + (gl_LocalInvocationIndex >> 3);
  const uint at = first + 8 * y * stride + x;
  const ivec4 even = even_costs(at);
  const ivec2 by_row = odd_costs(at + zero, false);
  const ivec2 by_column = odd_costs(at + 2 * zero, true);
  const int costs[8] = {even.x, by_row.x, even.y, by_row.y, even.z, by_column.x, even.w, by_column.y};
  int best = costs[0];
  int opposite = costs[4];
  uint direction = 0;
  [[unroll]] for (int i = 1; i < 8; ++i) {
    const bool better = costs[i] > best;
    best = better ? costs[i] : best;
    opposite = better ? costs[(i + 4) & 7] : opposite;
    direction = better ? i : direction;
  }
  const int variance = (best - opposite) >> 10;

  const uint block = y * width + x;
  const uint strengths = blocks[block];
  const int y_primary = int(strengths & 15) << depth_shift;
  const int y_secondary = int((strengths >> 4) & 15) << depth_shift;
  const int uv_primary = int((strengths >> 8) & 15) << depth_shift;
  const int uv_secondary = int((strengths >> 12) & 15) << depth_shift;
  const int of_variance = 4 + clamp(findMSB(variance >> 6), 0, 12);
  const int adjusted = variance == 0 ? 0 : (y_primary * of_variance + 8) >> 4;
  const int of_damping = damping + depth_shift;

  const uint y_direction = y_primary == 0 ? 0 : direction;
  luma[2 * block] = ivec4(offsets(y_direction, luma_size), offsets((y_direction + 2) & 7, luma_size));
  luma[2 * block + 1] = ivec4(offsets((y_direction + 6) & 7, luma_size),
                              threshold(adjusted, of_damping) | ((adjusted >> depth_shift) << 31),
                              threshold(y_secondary, of_damping));
  const uint uv_direction = uv_primary == 0 ? 0 : direction;
  chroma[2 * block] =
      ivec4(offsets(uv_direction, chroma_size), offsets((uv_direction + 2) & 7, chroma_size));
  chroma[2 * block + 1] =
      ivec4(offsets((uv_direction + 6) & 7, chroma_size),
            threshold(uv_primary, of_damping - 1) | ((uv_primary >> depth_shift) << 31),
            threshold(uv_secondary, of_damping - 1));
}
