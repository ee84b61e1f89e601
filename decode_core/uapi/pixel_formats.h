// Pixel formats that hardware decoders write and older kernel headers lack.
#ifndef DAEDALUS_DECODE_CORE_UAPI_PIXEL_FORMATS_H_
#define DAEDALUS_DECODE_CORE_UAPI_PIXEL_FORMATS_H_

#include <linux/videodev2.h>

// Of newer kernels: rkvdec's 10 bit ("pixfmt-yuv-planar").
#ifndef V4L2_PIX_FMT_NV15
#define V4L2_PIX_FMT_NV15 v4l2_fourcc('N', 'V', '1', '5')
#endif

// Of the Raspberry Pi's kernel: SAND columns ("pixfmt-nv12-col128").
#ifndef V4L2_PIX_FMT_NV12_COL128
#define V4L2_PIX_FMT_NV12_COL128 v4l2_fourcc('N', 'C', '1', '2')
#endif
#ifndef V4L2_PIX_FMT_NV12_10_COL128
#define V4L2_PIX_FMT_NV12_10_COL128 v4l2_fourcc('N', 'C', '3', '0')
#endif

#endif  // DAEDALUS_DECODE_CORE_UAPI_PIXEL_FORMATS_H_
