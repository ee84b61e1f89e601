// CDEF of one plane (7.15.3), or of both chroma planes, whose samples lie in pairs: eight samples of
// a row of one block an invocation.
#version 450

layout(local_size_x = 256) in;  // 8 wide, 32 high: V3D divides slowly, so that is left to shifts

// Samples are 16 bits, signed; those outside the picture are below all others.
layout(std430, binding = 0) readonly restrict buffer Samples { uvec4 samples[]; };
layout(std430, binding = 1) readonly restrict buffer Filters { ivec4 filters[]; };
layout(std430, binding = 2) writeonly restrict buffer To { uvec4 to[]; };

layout(push_constant) uniform Parameters {
  uint first;       // the picture's first vector in `samples`
  uint width;       // of a row of `to`, vectors
  uint log2_block;  // rows of a block
  uint stride;      // of a row of `samples`, vectors
  uint taps;        // a bit each: those that some block has
  int zero;         // 0, which the compiler must not know: V3D subtracts faster than it negates
};

ivec4 low_samples(ivec4 words) { return (words << 16) >> 16; }
ivec4 high_samples(ivec4 words) { return words >> 16; }

// Eight samples, and what their taps have brought so far. `even` are those in the low halves.
struct State {
  ivec4 even, odd;
  ivec4 sum_even, sum_odd;
  ivec4 most_even, most_odd;
  uvec4 least_even, least_odd;
};

// constrain() of a strength that is ((threshold + 1) >> shift) - 1: its strength less the difference
// shifted, not below zero and no more than the difference.
ivec4 constrain(ivec4 difference, int threshold, int shift) {
  const ivec4 room = max(min(threshold - difference, threshold + difference), 0) >> shift;
  return max(min(difference, room), zero - room);
}

void add_tap(inout State s, uint at, int threshold, int shift, bool twice) {
  const ivec4 words = ivec4(samples[at]);
  const ivec4 tap_even = low_samples(words);
  const ivec4 tap_odd = high_samples(words);
  s.most_even = max(s.most_even, tap_even);
  s.most_odd = max(s.most_odd, tap_odd);
  s.least_even = min(s.least_even, uvec4(tap_even));
  s.least_odd = min(s.least_odd, uvec4(tap_odd));
  const ivec4 even = constrain(tap_even - s.even, threshold, shift);
  const ivec4 odd = constrain(tap_odd - s.odd, threshold, shift);
  s.sum_even += even;
  s.sum_odd += odd;
  if (twice) {
    s.sum_even += even;
    s.sum_odd += odd;
  }
}

void main() {
  const uint x = gl_WorkGroupID.x * 8 + (gl_LocalInvocationIndex & 7);
  const uint y = gl_WorkGroupID.y * 32 + (gl_LocalInvocationIndex >> 3);
  const uint at = first + y * stride + x;
  const uint block = 2 * ((y >> log2_block) * width + x);
  const ivec4 offsets = filters[block];   // the primary taps', then those of one secondary pair
  const ivec4 more = filters[block + 1];  // the other pair's, then both strengths
  const int primary = more.z & 0xFFFF;
  const int primary_shift = (more.z >> 16) & 15;
  const int secondary = more.w & 0xFFFF;
  const int secondary_shift = more.w >> 16;
  const int taps_33 = more.z >> 31;  // all bits where the primary taps are 3 and 3, not 4 and 2

  const ivec4 words = ivec4(samples[at]);
  State s;
  s.even = s.most_even = low_samples(words);
  s.odd = s.most_odd = high_samples(words);
  s.least_even = uvec4(s.even);
  s.least_odd = uvec4(s.odd);

  s.sum_even = s.sum_odd = ivec4(0);
  // Branches that all invocations take alike keep V3D's compiler from holding all taps at once.
  if ((taps & 1u) != 0) {
    add_tap(s, at + offsets.x, primary, primary_shift, false);
  }
  if ((taps & 2u) != 0) {
    add_tap(s, at - offsets.x, primary, primary_shift, false);
    s.sum_even += s.sum_even & ~taps_33;
    s.sum_odd += s.sum_odd & ~taps_33;
  }
  if ((taps & 4u) != 0) {
    add_tap(s, at + offsets.y, primary, primary_shift, false);
  }
  if ((taps & 8u) != 0) {
    add_tap(s, at - offsets.y, primary, primary_shift, false);
    s.sum_even += s.sum_even + (s.sum_even & taps_33);
    s.sum_odd += s.sum_odd + (s.sum_odd & taps_33);
  }
  if ((taps & 16u) != 0) {
    add_tap(s, at + offsets.z, secondary, secondary_shift, true);
  }
  if ((taps & 32u) != 0) {
    add_tap(s, at - offsets.z, secondary, secondary_shift, true);
  }
  if ((taps & 64u) != 0) {
    add_tap(s, at + more.x, secondary, secondary_shift, true);
  }
  if ((taps & 128u) != 0) {
    add_tap(s, at - more.x, secondary, secondary_shift, true);
  }
  if ((taps & 256u) != 0) {
    add_tap(s, at + offsets.w, secondary, secondary_shift, false);
  }
  if ((taps & 512u) != 0) {
    add_tap(s, at - offsets.w, secondary, secondary_shift, false);
  }
  if ((taps & 1024u) != 0) {
    add_tap(s, at + more.y, secondary, secondary_shift, false);
  }
  if ((taps & 2048u) != 0) {
    add_tap(s, at - more.y, secondary, secondary_shift, false);
  }
  const ivec4 filtered_even = s.even + ((8 + s.sum_even + (s.sum_even >> 31)) >> 4);
  const ivec4 filtered_odd = s.odd + ((8 + s.sum_odd + (s.sum_odd >> 31)) >> 4);
  const ivec4 clipped_even = min(max(filtered_even, ivec4(s.least_even)), s.most_even);
  const ivec4 clipped_odd = min(max(filtered_odd, ivec4(s.least_odd)), s.most_odd);
  to[y * width + x] = uvec4(clipped_even | (clipped_odd << 16));
}
