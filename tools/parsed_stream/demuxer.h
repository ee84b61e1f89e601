// Demuxer: the packets of a file's video stream, by libavformat; of plain AV1 files by Av1File.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_DEMUXER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_DEMUXER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "decode_core/codec.h"
#include "tools/parsed_stream/av1_file.h"

extern "C" {
struct AVBSFContext;
struct AVFormatContext;
struct AVPacket;
}

namespace daedalus::parsed_stream {

// Not thread-safe.
class Demuxer {
 public:
  struct Packet {
    // As Parser::parse wants it; valid until the next call. Never empty.
    std::span<const uint8_t> data;
    // The container says: decode, but do not show (before the start of an edit list).
    bool discard = false;
  };

  // Opens any local file that libavformat reads and picks its first video stream of a codec of
  // core::Codec. kNotFound: no such file; kUnsupported: no such stream, the message says what there
  // is; kCorrupt: libavformat cannot read it.
  static Result<std::unique_ptr<Demuxer>> open(const std::string& path);

  core::Codec codec() const { return codec_; }
  // Headers that the container keeps apart from the packets, to be parsed first; often empty.
  // H.264: Annex B. AV1: a sequence header unit. Empty for VP8 and VP9.
  std::span<const uint8_t> headers() const;

  // The next packet in decoding order; false: the end. After an error only the end comes.
  Result<bool> next(Packet& packet);

  // How much of the file was read, 0 to 1; 0 where the file does not tell.
  double progress() const;

 private:
  struct FormatDeleter {
    void operator()(AVFormatContext* context) const;
  };
  struct FilterDeleter {
    void operator()(AVBSFContext* context) const;
  };
  struct PacketDeleter {
    void operator()(AVPacket* packet) const;
  };

  Demuxer() = default;
  Status choose_stream(const std::string& path);
  Status open_filter();
  // One packet into the filter, or the end.
  Status feed_filter();

  Result<bool> next_of_av1_file(Packet& packet);

  std::optional<Av1File> av1_file_;  // then there is nothing of libavformat
  std::unique_ptr<AVFormatContext, FormatDeleter> format_;
  std::unique_ptr<AVBSFContext, FilterDeleter> filter_;
  std::unique_ptr<AVPacket, PacketDeleter> packet_;
  core::Codec codec_ = core::Codec::kH264;
  int stream_ = -1;
  bool ended_ = false;
  int64_t position_ = 0;  // bytes
  int64_t size_ = 0;      // bytes; 0: unknown
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_DEMUXER_H_
