// The only place that includes the kernel's V4L2 headers for parsed pictures. Everybody else gets
// the stateless codec control structures (V4L2 "stateless decoder" 4.5, v4l2-controls.h) from here.
#ifndef DAEDALUS_DECODE_CORE_UAPI_CONTROLS_H_
#define DAEDALUS_DECODE_CORE_UAPI_CONTROLS_H_

#include <linux/v4l2-controls.h>
#include <linux/videodev2.h>

#endif  // DAEDALUS_DECODE_CORE_UAPI_CONTROLS_H_
