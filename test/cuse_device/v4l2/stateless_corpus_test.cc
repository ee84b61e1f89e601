// The stateless node against real streams: every frame of every stream is what the manifest says.
#include <stdexcept>
#include <string>

#include "test/catch.h"
#include "test/corpus.h"
#include "test/cuse_device/v4l2/stateless_client.h"
#include "test/decode_core/stream/corpus_pictures.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::test {
namespace {

void play(const std::string& path, const CorpusRow& row, bool slice_based) {
  INFO((slice_based ? "slice by slice" : "frame by frame"));
  core::test::CorpusPictures pictures;
  StatelessPlayer::Manner manner;
  if (row.at("pix_fmt") == "yuv420p10le") manner.raw_format = V4L2_PIX_FMT_P010;
  manner.slice_based = slice_based;
  manner.tolerant = true;
  manner.on_picture = [&](const core::FrameView& view) { pictures.add(view); };
  std::string failure;
  TestNodes nodes;
  try {
    StatelessPlayer(nodes, manner).play(path);
  } catch (const std::runtime_error& error) {
    failure = error.what();
  }
  CHECK(failure == "");
  pictures.check(path, row);
}

// False where no profile of ours can decode it.
bool check(const std::string& path, const CorpusRow& row) {
  if (!has_420_samples(row)) return false;
  const auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  if (!(*stream)->profile()) return false;
  play(path, row, false);
  if (row.at("codec") == "h264" || row.at("codec") == "hevc") play(path, row, true);
  return true;
}

}  // namespace

TEST_CASE("every H.264 stream, frame by frame and slice by slice") {
  for_each_corpus_stream("h264", check);
}
TEST_CASE("every HEVC stream, frame by frame and slice by slice") {
  for_each_corpus_stream("hevc", check);
}
TEST_CASE("every VP9 stream") { for_each_corpus_stream("vp9", check); }
TEST_CASE("every VP8 stream") { for_each_corpus_stream("vp8", check); }
TEST_CASE("every MPEG-2 stream") { for_each_corpus_stream("mpeg2", check); }

}  // namespace daedalus::test
