// The stream decoder against real streams: every frame of every stream is what the manifest says.
#include "test/corpus.h"

#include "test/catch.h"
#include "test/decode_core/stream/corpus_pictures.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::CorpusRow;
using daedalus::test::for_each_corpus_stream;

// By the manifest's notes: files that libavformat, through which the test reads, makes no packets
// of.
bool readable(const CorpusRow& row) {
  const std::string& notes = row.at("notes");
  return notes.find("demuxer refuses it") == std::string::npos &&
         notes.find("Annex B") == std::string::npos;
}

bool check(const std::string& path, const CorpusRow& row) {
  if (!daedalus::test::has_420_samples(row) || !readable(row)) return false;
  const auto stream = read_stream(path);
  if (!stream) FAIL_CHECK(stream.error().message);
  if (!stream) return false;
  Player player(stream->codec, 2);
  CorpusPictures pictures;
  player.on_picture = [&](const StreamPicture& picture) {
    if (!stream->discarded.contains(picture.token)) pictures.add(visible_part(picture));
  };
  player.push(stream->packets);
  player.drain();
  pictures.check(path, row);
  return true;
}

TEST_CASE("every H.264 stream") { for_each_corpus_stream("h264", check); }
TEST_CASE("every AV1 stream") { for_each_corpus_stream("av1", check); }
TEST_CASE("every HEVC stream") { for_each_corpus_stream("hevc", check); }
TEST_CASE("every VP9 stream") { for_each_corpus_stream("vp9", check); }
TEST_CASE("every VP8 stream") { for_each_corpus_stream("vp8", check); }
TEST_CASE("every MPEG-2 stream") { for_each_corpus_stream("mpeg2", check); }

}  // namespace
}  // namespace daedalus::core::test
