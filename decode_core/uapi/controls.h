// The only place that includes the kernel's V4L2 headers for parsed pictures. Everybody else gets
// the stateless codec control structures (V4L2 "stateless decoder" 4.5, v4l2-controls.h) from here.
#ifndef DAEDALUS_DECODE_CORE_UAPI_CONTROLS_H_
#define DAEDALUS_DECODE_CORE_UAPI_CONTROLS_H_

#include <linux/v4l2-controls.h>
#include <linux/videodev2.h>

#include "decode_core/uapi/av1_controls.h"

// Of newer kernels.
#ifndef V4L2_PIX_FMT_AV1
#define V4L2_PIX_FMT_AV1 v4l2_fourcc('A', 'V', '0', '1')
#endif
#ifndef V4L2_CID_MPEG_VIDEO_AV1_PROFILE
#define V4L2_CID_MPEG_VIDEO_AV1_PROFILE (V4L2_CID_CODEC_BASE + 655)
#define V4L2_CID_MPEG_VIDEO_AV1_LEVEL (V4L2_CID_CODEC_BASE + 656)
enum v4l2_mpeg_video_av1_profile {
  V4L2_MPEG_VIDEO_AV1_PROFILE_MAIN = 0,
  V4L2_MPEG_VIDEO_AV1_PROFILE_HIGH = 1,
  V4L2_MPEG_VIDEO_AV1_PROFILE_PROFESSIONAL = 2,
};
#endif

#endif  // DAEDALUS_DECODE_CORE_UAPI_CONTROLS_H_
