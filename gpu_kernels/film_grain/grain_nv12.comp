// Film grain on the way to NV12: what no block above overlaps.
#version 450
#extension GL_GOOGLE_include_directive : require
#define BITS 8
#include "av1_vulkan.glsl"
