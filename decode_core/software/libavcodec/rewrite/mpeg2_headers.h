// MPEG-2 headers written anew from the parsed parameters (ISO/IEC 13818-2 6.2).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_MPEG2_HEADERS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_MPEG2_HEADERS_H_

#include <cstdint>
#include <vector>

#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite {

// Appends sequence header, sequence extension and a closed group of pictures.
void append_sequence(const v4l2_ctrl_mpeg2_sequence& sequence,
                     const v4l2_ctrl_mpeg2_quantisation& quantisation, std::vector<uint8_t>& out);

// Appends picture header, picture coding extension and quant matrix extension.
void append_picture(const v4l2_ctrl_mpeg2_picture& picture,
                    const v4l2_ctrl_mpeg2_quantisation& quantisation, std::vector<uint8_t>& out);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_REWRITE_MPEG2_HEADERS_H_
