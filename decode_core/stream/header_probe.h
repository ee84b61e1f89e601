// What a byte stream says before its first picture is decoded, and what must survive a seek.
#ifndef DAEDALUS_DECODE_CORE_STREAM_HEADER_PROBE_H_
#define DAEDALUS_DECODE_CORE_STREAM_HEADER_PROBE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/stream/stream_format.h"

namespace daedalus::core {

// Reads the format from the first whole sequence headers (H.264 7.3.2.1, H.265 7.3.2.2, MPEG-2
// 6.2.2.1, AV1 5.5) or key frame (RFC 6386 9.1, VP9 6.2) whose samples are 4:2:0. Of VP8, VP9 and
// AV1 a run is a packet. Not thread-safe.
class HeaderProbe {
 public:
  explicit HeaderProbe(Codec codec) : codec_(codec) {}

  // The next run of bytes. The format, once, with the run that brings the end of the headers (of a
  // byte stream: the start code behind them). It gives up after kMaxRuns runs or, of a byte stream,
  // kMaxBytes bytes.
  std::optional<StreamFormat> feed(std::span<const uint8_t> run);

  static constexpr size_t kMaxRuns = 32;
  static constexpr size_t kMaxBytes = size_t{64} << 10;

 private:
  std::optional<StreamFormat> feed_byte_stream(std::span<const uint8_t> run);

  const Codec codec_;
  std::vector<uint8_t> bytes_;
  size_t runs_ = 0;
};

// The parameter sets in a piece of byte stream, with start codes, to decode before what comes after
// a seek. Empty for AV1, VP8 and VP9.
std::vector<uint8_t> parameter_sets_of(Codec codec, std::span<const uint8_t> bytes);

// Whether decoding may begin with that packet of the splitter's. False for HEVC pictures that are
// no random access points (H.265 3.69), whose references libavcodec would make up; with the other
// codecs it finds a beginning itself.
bool may_begin(Codec codec, std::span<const uint8_t> packet);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_HEADER_PROBE_H_
