// The compressed header of VP9 (6.3): probability updates as V4L2 hands them over.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_VP9_COMPRESSED_HEADER_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_VP9_COMPRESSED_HEADER_H_

#include <cstdint>
#include <span>

#include "base/result.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::clients {

// `frame`: parsed from the uncompressed header; its reference_mode is set. `consumed`, where not
// null: bits that the arithmetic decoder has consumed.
Result<v4l2_ctrl_vp9_compressed_hdr> read_vp9_compressed_header(std::span<const uint8_t> bytes,
                                                                v4l2_ctrl_vp9_frame& frame,
                                                                uint32_t* consumed = nullptr);

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_VP9_COMPRESSED_HEADER_H_
