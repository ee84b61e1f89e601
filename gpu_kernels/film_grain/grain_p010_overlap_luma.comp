// Film grain on the way to P010: luma where blocks above overlap.
#version 450
#extension GL_GOOGLE_include_directive : require
#define BITS 10
#define OVERLAP
#define LUMA
#include "av1_vulkan.glsl"
