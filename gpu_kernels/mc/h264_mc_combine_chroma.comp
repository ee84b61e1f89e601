// 2x2 pairs of chroma of H.264's inter prediction, from two predictions or weighted ones.
#version 450
#extension GL_GOOGLE_include_directive : require
#define ROWS 2
#define WEIGHTS 1
#include "h264_mc_combine.glsl"
