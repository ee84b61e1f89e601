// ParsedStream: a file as the decoding and output events of its video, demuxer and parser together.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_STREAM_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "tools/parsed_stream/demuxer.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::parsed_stream {

// The profile that a job's parameters announce; nullopt: none of ours.
std::optional<core::Profile> profile_of(const core::DecodeJob& job);

// That of the codec, of one stream.
std::unique_ptr<Parser> create_parser(core::Codec codec);

// Not thread-safe.
class ParsedStream {
 public:
  // Opens the file (errors as Demuxer::open) and reads up to its first picture; kCorrupt: there is
  // none.
  static Result<std::unique_ptr<ParsedStream>> open(const std::string& path);

  core::Codec codec() const { return demuxer_->codec(); }
  // Of the first picture; later ones may differ. Coded size in luma samples.
  std::optional<core::Profile> profile() const { return profile_; }
  uint32_t width() const { return width_; }
  uint32_t height() const { return height_; }

  // The next event; false: the end. An error says what was skipped; the next call goes on.
  Result<bool> next(Event& event);

  // How much of the file was read, 0 to 1.
  double progress() const { return demuxer_->progress(); }

 private:
  ParsedStream(std::unique_ptr<Demuxer> demuxer, std::unique_ptr<Parser> parser)
      : demuxer_(std::move(demuxer)), parser_(std::move(parser)) {}

  // Refills events_ from one packet. False: there is no more.
  Result<bool> read_packet();
  void drop_discarded(bool packet_discarded);
  // Takes what open() tells from the first decoding event; false: none is there.
  bool note_first_picture();

  std::unique_ptr<Demuxer> demuxer_;
  std::unique_ptr<Parser> parser_;
  std::vector<Event> events_;
  size_t next_event_ = 0;
  bool flushed_ = false;
  // Ids of pictures that must not be shown and may still come up.
  std::unordered_set<uint64_t> discarded_;
  std::optional<Error> first_error_;  // met in open(), told by the first next()
  std::optional<core::Profile> profile_;
  uint32_t width_ = 0;
  uint32_t height_ = 0;
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_STREAM_H_
