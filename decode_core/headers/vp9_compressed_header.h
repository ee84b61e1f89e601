// The compressed header of VP9 (6.3): probability updates as V4L2 hands them over
// (v4l2_ctrl_vp9_compressed_hdr), 0 where there is none.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_VP9_COMPRESSED_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_VP9_COMPRESSED_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// `bytes`: the compressed header alone. `frame`: what the uncompressed header before it says; its
// reference_mode is set. `consumed`, where not null: how many bits the boolean decoder took.
// kCorrupt: the header is damaged or truncated.
Result<v4l2_ctrl_vp9_compressed_hdr> parse_vp9_compressed_header(std::span<const uint8_t> bytes,
                                                                 v4l2_ctrl_vp9_frame& frame,
                                                                 size_t* consumed = nullptr);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_VP9_COMPRESSED_HEADER_H_
