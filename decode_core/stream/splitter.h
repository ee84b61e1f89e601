// Splitter: runs of bytes as packets that libavcodec decodes, each with its token.
#ifndef DAEDALUS_DECODE_CORE_STREAM_SPLITTER_H_
#define DAEDALUS_DECODE_CORE_STREAM_SPLITTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"

extern "C" {
struct AVPacket;
}

namespace daedalus::core {

// What was pushed: one packet of a client.
struct Run {
  // Copies the bytes, with the zeros behind them that libavcodec's readers need.
  Run(std::span<const uint8_t> data, uint64_t token);
  std::span<const uint8_t> data() const;

  std::vector<uint8_t> padded;
  uint64_t token;
};

// H.264, HEVC and MPEG-2: finds access units in the byte stream, wherever runs begin and end. VP8
// and VP9: a run is a frame; AV1: a temporal unit. Not thread-safe.
class Splitter {
 public:
  virtual ~Splitter() = default;

  // The next run. Only after next() has said that there is no more.
  virtual void push(Run run) = 0;
  // No run follows: what is there is whole.
  virtual void finish() = 0;
  // Fills `packet`; its token is in pts. False: there is no more until push() or finish().
  virtual Result<bool> next(AVPacket& packet) = 0;
  // Forgets everything, finish() too.
  virtual void reset() = 0;

  static Result<std::unique_ptr<Splitter>> create(Codec codec);

  // Most bytes of one access unit; what goes on for longer is dropped.
  static constexpr size_t kMaxPacket = size_t{64} << 20;
};

// Tokens travel as time stamps, bit for bit: libavcodec gives each picture that of its packet and
// does not calculate with it.
void set_token(AVPacket& packet, uint64_t token);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_SPLITTER_H_
