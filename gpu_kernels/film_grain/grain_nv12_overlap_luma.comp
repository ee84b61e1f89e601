// Film grain on the way to NV12: luma where blocks above overlap.
#version 450
#extension GL_GOOGLE_include_directive : require
#define BITS 8
#define OVERLAP
#define LUMA
#include "av1_vulkan.glsl"
