// Supplemental enhancement information of H.264 (7.3.2.3, annex D).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_H264_SEI_H_
#define DAEDALUS_DECODE_CORE_HEADERS_H264_SEI_H_

#include <cstdint>
#include <optional>
#include <span>

namespace daedalus::headers {

// recovery_frame_cnt of the first recovery point message (D.1.8) in a SEI NAL unit (type 6): after
// how many frame_num increments pictures are right when decoding begins here. nullopt: there is
// none.
std::optional<uint32_t> h264_recovery_frame_count(std::span<const uint8_t> nal);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_H264_SEI_H_
