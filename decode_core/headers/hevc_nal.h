// The NAL unit header of HEVC (H.265 7.3.1.2, table 7-1).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_NAL_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_NAL_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace daedalus::headers {

// nal_unit_type, those that somebody here acts upon.
enum class HevcNalType : uint8_t {
  kRadlN = 6,
  kRadlR = 7,
  kRaslN = 8,
  kRaslR = 9,
  kFirstIrap = 16,  // BLA_W_LP
  kIdrWRadl = 19,
  kIdrNLp = 20,
  kCra = 21,
  kLastIrap = 23,  // RSV_IRAP_VCL23
  kVps = 32,
  kSps = 33,
  kPps = 34,
  kEndOfSequence = 36,
  kEndOfBitstream = 37,
};

inline constexpr size_t kHevcNalHeaderBytes = 2;

struct HevcNalHeader {
  bool valid = false;  // there is a header, its forbidden_zero_bit is 0 and it has a temporal id
  HevcNalType type{};  // may be a value that the enumeration does not name
  uint8_t layer_id = 0;
};

inline HevcNalHeader hevc_nal_header(std::span<const uint8_t> nal) {
  if (nal.size() < kHevcNalHeaderBytes) return {};
  return {(nal[0] & 0x80) == 0 && (nal[1] & 7) != 0, static_cast<HevcNalType>(nal[0] >> 1 & 63),
          static_cast<uint8_t>((nal[0] & 1) << 5 | nal[1] >> 3)};
}

// A slice of a picture that decoding can start at (3.69, nal_unit_type 16 to 23).
inline bool hevc_is_irap(HevcNalType type) {
  return type >= HevcNalType::kFirstIrap && type <= HevcNalType::kLastIrap;
}

inline bool hevc_is_idr(HevcNalType type) {
  return type == HevcNalType::kIdrWRadl || type == HevcNalType::kIdrNLp;
}

// A leading picture that refers to what precedes its IRAP picture (3.111).
inline bool hevc_is_rasl(HevcNalType type) {
  return type == HevcNalType::kRaslN || type == HevcNalType::kRaslR;
}

// A slice segment of a type that is not reserved.
inline bool hevc_is_slice(HevcNalType type) {
  return type <= HevcNalType::kRaslR ||
         (type >= HevcNalType::kFirstIrap && type <= HevcNalType::kCra);
}

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_NAL_H_
