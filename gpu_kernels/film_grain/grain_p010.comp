// Film grain on the way to P010: what no block above overlaps.
#version 450
#extension GL_GOOGLE_include_directive : require
#define BITS 10
#include "av1_vulkan.glsl"
