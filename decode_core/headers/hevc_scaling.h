// Scaling lists of HEVC (H.265 7.3.4, 7.4.5 and tables 7-5 and 7-6).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_SCALING_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_SCALING_H_

#include "decode_core/headers/bit_reader.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// The lists in force where none are transmitted (7.4.5), in raster order.
v4l2_ctrl_hevc_scaling_matrix hevc_default_scaling_matrix();

// scaling_list_data() into `matrix`, in raster order. False where it is out of range.
bool read_hevc_scaling_matrix(BitReader& reader, v4l2_ctrl_hevc_scaling_matrix& matrix);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_SCALING_H_
