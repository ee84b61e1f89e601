// The NAL unit header of H.264 (7.3.1, table 7-1).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_H264_NAL_H_
#define DAEDALUS_DECODE_CORE_HEADERS_H264_NAL_H_

#include <cstdint>
#include <span>

namespace daedalus::headers {

// nal_unit_type, those that somebody here acts upon.
enum class H264NalType : uint8_t {
  kSlice = 1,
  kSliceIdr = 5,
  kSei = 6,
  kSps = 7,
  kPps = 8,
  kAccessUnitDelimiter = 9,
  kEndOfSequence = 10,
  kEndOfStream = 11,
};

struct H264NalHeader {
  bool valid = false;  // there is a header and its forbidden_zero_bit is 0
  uint8_t ref_idc = 0;
  H264NalType type{};  // may be a value that the enumeration does not name
};

inline H264NalHeader h264_nal_header(std::span<const uint8_t> nal) {
  if (nal.empty()) return {};
  return {(nal[0] & 0x80) == 0, static_cast<uint8_t>(nal[0] >> 5 & 3),
          static_cast<H264NalType>(nal[0] & 31)};
}

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_H264_NAL_H_
