// Film grain on the way to P010: chroma where blocks above overlap.
#version 450
#extension GL_GOOGLE_include_directive : require
#define BITS 10
#define OVERLAP
#define CHROMA
#include "av1_vulkan.glsl"
