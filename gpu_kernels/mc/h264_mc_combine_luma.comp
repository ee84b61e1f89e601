// 4x4 luma samples of H.264's inter prediction, from several predictions or weighted ones.
#version 450
#extension GL_GOOGLE_include_directive : require
#define ROWS 4
#define WEIGHTS 0
#include "h264_mc_combine.glsl"
