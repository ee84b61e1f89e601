// What no shader of ours may do: an array that a loop indexes lies in memory on V3D. For v3d_budget_test.
#version 450

layout(local_size_x = 64) in;

layout(std430, binding = 0) buffer Values { uint values[]; };

layout(push_constant) uniform Parameters { uint count; };

void main() {
  uint kept[32];
  for (uint i = 0; i < 32; ++i) kept[i] = values[gl_GlobalInvocationID.x * 32 + i];
  for (uint i = 0; i < count; ++i) kept[(i * 7) & 31] += kept[i & 31];
  for (uint i = 0; i < 32; ++i) values[gl_GlobalInvocationID.x * 32 + i] = kept[i];
}
