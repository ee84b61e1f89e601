// AV1's film grain (7.18.3.5) on the way to NV12 or P010. An invocation does two rows of a block's
// luma, 32 samples each, and the row of Cb and of Cr that goes with them, 16 each.
//
// BITS: of a sample, 8 or 10. OVERLAP: the rows where a block overlaps the one above, LUMA's or
// CHROMA's; without it, both planes of all other rows. (All at once needs more registers than V3D
// has.)
//
// All arithmetic is of floats and exact: V3D multiplies integers slowly, and takes either half of a
// word as a float of 16 bits for nothing. Samples are put into the mantissa of such a float, which
// makes them 1024 more.
#extension GL_EXT_control_flow_attributes : require

#ifdef OVERLAP
layout(local_size_x = 256) in;  // 16 blocks across, 16 down
#else
#define LUMA
#define CHROMA
layout(local_size_x = 240) in;  // 16 blocks across, the 15 other pairs of rows of one block
#endif

// As av1_vulkan.cc writes them.
layout(std430, binding = 0) readonly restrict buffer Noise { uvec4 noise[]; };
layout(std430, binding = 1) readonly restrict buffer Scaling { uint scaling[]; };
layout(std430, binding = 2) readonly restrict buffer Blocks { uint blocks[]; };
layout(std430, binding = 3) readonly restrict buffer FromY { uvec4 from_y[]; };
#ifdef LUMA
layout(std430, binding = 4) writeonly restrict buffer ToLuma { uvec4 to_luma[]; };
#define NEXT_BINDING 5
#else
#define NEXT_BINDING 4
#endif
#ifdef CHROMA
layout(std430, binding = NEXT_BINDING) readonly restrict buffer FromU { uvec4 from_u[]; };
layout(std430, binding = NEXT_BINDING + 1) readonly restrict buffer FromV { uvec4 from_v[]; };
layout(std430, binding = NEXT_BINDING + 2) writeonly restrict buffer ToChroma { uvec4 to_chroma[]; };
#endif

struct Chroma {
  float luma_mult, mult, offset;  // what a sample and its luma are merged with
  float min_value, max_value;
};

layout(push_constant) uniform Parameters {
  uint columns, rows;  // of invocations
  // In vectors of 16 bytes.
  uint from_y_stride, from_u_stride, from_v_stride, to_luma_stride, to_chroma_stride;
  uint blocks_stride;                // words
  uint overlap_left, overlap_above;  // the first column and row of blocks that overlap others
  uint zero;                         // 0
  float min_luma, max_luma;
  Chroma u, v;
};

#define kBytes (BITS / 8 + BITS % 8 / 2)  // of a sample: 1 or 2
#define kLumaVectors (2 * kBytes)
#define kMaxSample float((1 << BITS) - 1)
#define kMaxNoise float((128 << (BITS - 8)) - 1)

// Where in `noise` chroma's begins, and what of `scaling` is a plane's.
const uint kCbNoise = 2048;
const uint kCrNoise = 3072;
const uint kPlaneScaling = BITS == 8 ? 65536 : 1024;

// What four samples are in memory, and how many of them a vector has.
#if BITS == 8
#define Quad uint
#define QUAD(vector, i) (vector[i])
#define VECTOR(quads) uvec4(quads[0], quads[1], quads[2], quads[3])
#define LAST_WORD(quad) (quad)
const uint kQuads = 4;
#else
#define Quad uvec2
#define QUAD(vector, i) ((i) == 0 ? vector.xy : vector.zw)
#define VECTOR(quads) uvec4(quads[0], quads[1])
#define LAST_WORD(quad) (quad.y)
const uint kQuads = 2;
#endif

// Of samples: 1024 more than they are.
vec4 floats_of(Quad samples) {
#if BITS == 8
  const vec2 even = unpackHalf2x16((samples & 0x00FF00FFu) | 0x64006400u);
  const vec2 odd = unpackHalf2x16(((samples >> 8) & 0x00FF00FFu) | 0x64006400u);
  return vec4(even.x, odd.x, even.y, odd.y);
#else
  return vec4(unpackHalf2x16(samples.x | 0x64006400u), unpackHalf2x16(samples.y | 0x64006400u));
#endif
}

// Of whole numbers from 1024 on.
Quad quad_of(vec4 samples) {
#if BITS == 8
  return (packHalf2x16(samples.xz) & 0x00FF00FFu) | ((packHalf2x16(samples.yw) << 8) & 0xFF00FF00u);
#else
  return uvec2(packHalf2x16(samples.xy) << 6, packHalf2x16(samples.zw) << 6) & 0xFFC0FFC0u;
#endif
}

vec4 noise_of(Quad words) {
#if BITS == 8
  return floats_of(words) - (1024 + 128);
#else
  return vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
#endif
}

// The averages of neighbours: two halves, 1024 more than they are.
uint averages_of(Quad luma) {
#if BITS == 8
  const uint sums = (luma & 0x00FF00FFu) + ((luma >> 8) & 0x00FF00FFu) + 0x00010001u;
  return ((sums >> 1) & 0x00FF00FFu) | 0x64006400u;
#else
  const uint left = (luma.x & 0xFFFFu) | (luma.y << 16);
  const uint right = (luma.x >> 16) | (luma.y & 0xFFFF0000u);
  return (((left + right + 0x00010001u) >> 1) & 0x03FF03FFu) | 0x64006400u;
#endif
}

// scale_lut[...] / (1 << ScalingShift).
vec4 scaling_of_luma(Quad samples) {
#if BITS == 8
  return vec4(unpackHalf2x16(scaling[samples & 0xFFFFu]), unpackHalf2x16(scaling[samples >> 16]));
#else
  return uintBitsToFloat(uvec4(scaling[samples.x & 0xFFFFu], scaling[samples.x >> 16], scaling[samples.y & 0xFFFFu],
                               scaling[samples.y >> 16]));
#endif
}

vec4 scaling_of_chroma(vec4 merged, uint plane) {
  const uint first = plane * kPlaneScaling;
#if BITS == 8
  const uvec2 at = uvec2(merged.xz + merged.yw * 256) + first;
  return vec4(unpackHalf2x16(scaling[at.x]), unpackHalf2x16(scaling[at.y]));
#else
  const uvec4 at = uvec4(merged) + first;
  return uintBitsToFloat(uvec4(scaling[at.x], scaling[at.y], scaling[at.z], scaling[at.w]));
#endif
}

// Where in `noise` a block's row begins; the columns that the next block overlaps follow. `offset`:
// its lowest byte is the block's.
uint luma_noise_at(uint offset, uint row) {
  const uint x = (offset >> 4) & 15;
  const uint copies = 8 / kBytes;
  return ((x % copies) * 64 + 2 * (offset & 15) + row) * (4 * kBytes) + x / copies;
}

uint chroma_noise_at(uint offset, uint row) {
  const uint x = (offset >> 4) & 15;
  const uint copies = 16 / kBytes;
  return ((x % copies) * 32 + (offset & 15) + row) * (2 * kBytes) + x / copies;
}

// Two blocks' noise where they overlap; weights are of 32.
vec4 blend(vec4 old_noise, vec4 new_noise, vec4 old_weight, vec4 new_weight) {
  return clamp(floor((old_noise * old_weight + new_noise * new_weight) / 32 + 0.5), -kMaxNoise - 1, kMaxNoise);
}

// The two columns, or the one, before a block's own; what else is in the word has no weight.
vec4 noise_of_word(uint word) {
#if BITS == 8
  return noise_of(word);
#else
  return noise_of(uvec2(word, 0));
#endif
}

// Rounded as 7.18.3.5 has it: floats lose nothing here.
vec4 add_noise(vec4 samples, vec4 scaled_by, vec4 grain, float min_value, float max_value) {
  return clamp(floor(samples + scaled_by * grain + 0.5), min_value, max_value);
}

struct Place {
  uint x, y;     // of the invocation
  uint offsets;  // a byte each: of the block, of that to the left, of that above, of that one's left
  uint row;      // of the block's chroma
  bool left, above;
};

// Always 0, which the compiler cannot know. What is read next is made to depend on what was written
// last: V3D's compiler moves all reads to the front else, and runs out of registers.
uint after = 0;

#ifdef LUMA
// The noise of a row's first four samples: some are blended with the block's to the left.
vec4 blend_left(Place at, uint offsets, uint row, vec4 grain) {
  const uint old_word = noise[luma_noise_at(offsets >> 8, row) + kLumaVectors + after].x;
  return blend(noise_of_word(old_word), grain, at.left ? vec4(27, 17, 0, 0) : vec4(0),
               at.left ? vec4(17, 27, 32, 32) : vec4(32));
}

void luma_vector(Place at, uint row, uint i, uvec4 samples) {
  const uvec4 words = noise[luma_noise_at(at.offsets, 2 * at.row + row) + i + after];
#ifdef OVERLAP
  const uvec4 old_words = noise[luma_noise_at(at.offsets >> 16, 32 + row) + i + after];
  const float old_weight = at.above ? (row == 0 ? 27 : 17) : 0;
  const float new_weight = at.above ? (row == 0 ? 17 : 27) : 32;
#endif
  Quad result[kQuads];
  [[unroll]] for (uint j = 0; j < kQuads; ++j) {
    vec4 grain = noise_of(QUAD(words, j));
    if (i + j == 0) grain = blend_left(at, at.offsets, 2 * at.row + row, grain);
#ifdef OVERLAP
    vec4 old_grain = noise_of(QUAD(old_words, j));
    if (i + j == 0) old_grain = blend_left(at, at.offsets >> 16, 32 + row, old_grain);
    grain = blend(old_grain, grain, vec4(old_weight), vec4(new_weight));
#endif
    const Quad quad = QUAD(samples, j);
    result[j] = quad_of(add_noise(floats_of(quad), scaling_of_luma(quad), grain, min_luma, max_luma));
  }
  to_luma[(2 * at.y + row) * to_luma_stride + kLumaVectors * at.x + i] = VECTOR(result);
  after = LAST_WORD(result[kQuads - 1]) & zero;
}
#endif

#ifdef CHROMA
vec4 blend_chroma_left(Place at, uint plane_noise, uint offsets, uint row, vec4 grain) {
  const uint old_word = noise[plane_noise + chroma_noise_at(offsets >> 8, row) + kBytes + after].x;
  return blend(noise_of_word(old_word), grain, at.left ? vec4(23, 0, 0, 0) : vec4(0),
               at.left ? vec4(22, 32, 32, 32) : vec4(32));
}

struct ChromaVectors {
  uvec4 samples, noise, old_noise;
};

ChromaVectors read_chroma(Place at, uint plane_noise, uint i, uvec4 samples) {
  ChromaVectors vectors;
  vectors.samples = samples;
  vectors.noise = noise[plane_noise + chroma_noise_at(at.offsets, at.row) + i + after];
#ifdef OVERLAP
  vectors.old_noise = noise[plane_noise + chroma_noise_at(at.offsets >> 16, 16) + i + after];
#endif
  return vectors;
}

// Four samples with noise; `averages`: of their luma.
vec4 chroma_quad(Place at, Chroma plane, uint index, uint plane_noise, ChromaVectors vectors, uint i, uint j,
                 vec4 averages) {
  vec4 grain = noise_of(QUAD(vectors.noise, j));
  if (i + j == 0) grain = blend_chroma_left(at, plane_noise, at.offsets, at.row, grain);
#ifdef OVERLAP
  vec4 old_grain = noise_of(QUAD(vectors.old_noise, j));
  if (i + j == 0) old_grain = blend_chroma_left(at, plane_noise, at.offsets >> 16, 16, old_grain);
  grain = blend(old_grain, grain, vec4(at.above ? 23 : 0), vec4(at.above ? 22 : 32));
#endif
  const vec4 samples = floats_of(QUAD(vectors.samples, j) + after);
  const vec4 merged = floor(averages * plane.luma_mult + samples * plane.mult + plane.offset);
  const vec4 scaled_by = scaling_of_chroma(clamp(merged, 0, kMaxSample), index);
  return add_noise(samples, scaled_by, grain, plane.min_value, plane.max_value);
}

// Of the luma of the picture's even rows; where it is done as well, they are known from there.
uint averages[8];

void keep_averages(uint i, uvec4 samples) {
  [[unroll]] for (uint j = 0; j < kQuads; ++j) averages[kQuads * i + j] = averages_of(QUAD(samples, j));
}

void chroma_vectors(Place at, uint i) {
  const ChromaVectors cb = read_chroma(at, kCbNoise, i, from_u[at.y * from_u_stride + kBytes * at.x + i + after]);
  const ChromaVectors cr = read_chroma(at, kCrNoise, i, from_v[at.y * from_v_stride + kBytes * at.x + i + after]);
  [[unroll]] for (uint j = 0; j < kQuads; j += kQuads / 2) {
    const uint luma_vector = 2 * i + j / (kQuads / 2);
#ifndef LUMA
    keep_averages(luma_vector, from_y[2 * at.y * from_y_stride + kLumaVectors * at.x + luma_vector + after]);
#endif
    Quad result[kQuads];
    [[unroll]] for (uint k = 0; k < kQuads / 2; ++k) {
      const uint first = 2 * (kQuads * i + j + k);
      const vec4 luma = vec4(unpackHalf2x16(averages[first]), unpackHalf2x16(averages[first + 1]));
      const vec4 u_quad = chroma_quad(at, u, 1, kCbNoise, cb, i, j + k, luma);
#ifdef OVERLAP
      after = floatBitsToUint(u_quad.w) & zero;
#endif
      const vec4 v_quad = chroma_quad(at, v, 2, kCrNoise, cr, i, j + k, luma);
      result[2 * k] = quad_of(vec4(u_quad.x, v_quad.x, u_quad.y, v_quad.y));
      result[2 * k + 1] = quad_of(vec4(u_quad.z, v_quad.z, u_quad.w, v_quad.w));
#ifdef OVERLAP
      after = LAST_WORD(result[2 * k + 1]) & zero;
#endif
    }
    to_chroma[at.y * to_chroma_stride + kLumaVectors * at.x + luma_vector] = VECTOR(result);
    after = LAST_WORD(result[kQuads - 1]) & zero;
  }
}
#endif

void main() {
#ifdef OVERLAP
  const uint stripe = gl_WorkGroupID.y * 16 + (gl_LocalInvocationIndex >> 4);
  const uint row = 0;
#else
  const uint stripe = gl_WorkGroupID.y;
  const uint row = 1 + (gl_LocalInvocationIndex >> 4);
#endif
  const uint x = gl_WorkGroupID.x * 16 + (gl_LocalInvocationIndex & 15);
  const uint y = stripe * 16 + row;
  // Neither beyond the width nor the height: both differences are negative.
  if (int((x - columns) & (y - rows)) >= 0) return;
  const Place at = Place(x, y, blocks[stripe * blocks_stride + x], row, x >= overlap_left, stripe >= overlap_above);

#ifdef LUMA
  [[unroll]] for (uint i = 0; i < kLumaVectors; ++i) {
    const uvec4 samples = from_y[2 * y * from_y_stride + kLumaVectors * x + i + after];
#ifdef CHROMA
    keep_averages(i, samples);
#endif
    luma_vector(at, 0, i, samples);
  }
  [[unroll]] for (uint i = 0; i < kLumaVectors; ++i) {
    luma_vector(at, 1, i, from_y[(2 * y + 1) * from_y_stride + kLumaVectors * x + i + after]);
  }
#endif
#ifdef CHROMA
  [[unroll]] for (uint i = 0; i < kBytes; ++i) chroma_vectors(at, i);
#endif
}
