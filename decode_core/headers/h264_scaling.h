// Scaling lists of H.264 (7.3.2.1.1.1 and tables 7-2 to 7-4).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_H264_SCALING_H_
#define DAEDALUS_DECODE_CORE_HEADERS_H264_SCALING_H_

#include "decode_core/headers/bit_reader.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// Every entry 16 (Flat_4x4_16, Flat_8x8_16).
v4l2_ctrl_h264_scaling_matrix h264_flat_scaling_matrix();

// Reads the lists of a parameter set into `matrix`, in raster order: six 4x4 lists, then
// `count_8x8` (0, 2 or 6) 8x8 lists. A list that is not there, and every 8x8 list past the count,
// follows the fall-back rule of table 7-2: set A where `sps_matrix` is null, else set B. False
// where a delta_scale is out of range or the data ends.
bool read_h264_scaling_matrix(BitReader& reader, int count_8x8,
                              const v4l2_ctrl_h264_scaling_matrix* sps_matrix,
                              v4l2_ctrl_h264_scaling_matrix& matrix);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_H264_SCALING_H_
