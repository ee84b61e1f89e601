// Start codes of MPEG-2 video (ISO 13818-2 6.2.1): finding the units of an elementary stream.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_MPEG2_START_CODE_H_
#define DAEDALUS_DECODE_CORE_HEADERS_MPEG2_START_CODE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "decode_core/headers/start_code.h"

namespace daedalus::headers {

// The byte after 00 00 01 (table 6-1).
enum Mpeg2StartCode : uint8_t {
  kMpeg2PictureStart = 0x00,
  kMpeg2FirstSlice = 0x01,
  kMpeg2LastSlice = 0xaf,
  kMpeg2UserData = 0xb2,
  kMpeg2SequenceHeader = 0xb3,
  kMpeg2Extension = 0xb5,
  kMpeg2SequenceEnd = 0xb7,
  kMpeg2Group = 0xb8,
};

// One unit; borrowed from the stream.
struct Mpeg2Unit {
  size_t offset = 0;               // of the start code, bytes from the start of the stream
  std::span<const uint8_t> bytes;  // start code included, at least 4

  uint8_t code() const { return bytes[3]; }
  bool slice() const { return code() >= kMpeg2FirstSlice && code() <= kMpeg2LastSlice; }
  std::span<const uint8_t> payload() const { return bytes.subspan(4); }
};

// Walks over the units of a piece of stream. What lies before the first start code is passed over.
class Mpeg2UnitReader {
 public:
  explicit Mpeg2UnitReader(std::span<const uint8_t> stream) : stream_(stream), position_(find(0)) {}

  // The next unit; it reaches up to the next start code or the end. Nullopt: no more.
  std::optional<Mpeg2Unit> next() {
    if (position_ == stream_.size()) return std::nullopt;
    const size_t begin = position_;
    position_ = find(begin + 4);
    return Mpeg2Unit{begin, stream_.subspan(begin, position_ - begin)};
  }

 private:
  // Where the next whole start code begins, from `from` on; the size of the stream: nowhere.
  size_t find(size_t from) const {
    if (from >= stream_.size()) return stream_.size();
    const size_t found = from + find_start_code(stream_.subspan(from));
    // One at the very end lacks its last byte.
    return found + 4 <= stream_.size() ? found : stream_.size();
  }

  std::span<const uint8_t> stream_;
  size_t position_;
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_MPEG2_START_CODE_H_
