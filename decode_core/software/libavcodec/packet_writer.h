// PacketWriter: a DecodeJob as the bitstream that libavcodec takes, missing headers written anew.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_PACKET_WRITER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_PACKET_WRITER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "decode_core/job.h"

namespace daedalus::core {

// One session's. Remembers what the decoder has been told, so that parameter sets go in only when
// they change. A packet that was written must be sent.
class PacketWriter {
 public:
  virtual ~PacketWriter() = default;
  // Replaces `packet` with the access unit of a validated job.
  virtual Status write(const DecodeJob& job, std::vector<uint8_t>& packet) = 0;

  static std::unique_ptr<PacketWriter> create(Codec codec);
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_PACKET_WRITER_H_
