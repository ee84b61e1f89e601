// The stateless node against real streams: every frame of every stream is what the manifest says.
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {
#include <libavutil/md5.h>
#include <libavutil/mem.h>
}

#include "test/catch.h"
#include "test/cuse_device/v4l2/stateless_client.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::test {
namespace {

using Row = std::map<std::string, std::string>;

std::string corpus_folder() {
  const char* folder = std::getenv("DAEDALUS_CORPUS");
  return folder != nullptr && *folder != '\0' ? folder : "../shared/corpus";
}

std::vector<Row> read_manifest(std::istream& in) {
  std::vector<Row> rows;
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream split(line);
    for (std::string cell; std::getline(split, cell, '\t');) cells.push_back(cell);
    if (names.empty()) {
      names = cells;
      continue;
    }
    for (size_t i = 0; i < names.size() && i < cells.size(); ++i) {
      if (i == 0) rows.emplace_back();
      rows.back()[names[i]] = cells[i];
    }
  }
  return rows;
}

// MD5 over the visible samples of many pictures.
class StreamHash {
 public:
  StreamHash() : md5_(av_md5_alloc()) { av_md5_init(md5_.get()); }

  void add(const core::FrameView& view) {
    const size_t sample = view.format == core::SampleFormat::kI42010 ? 2 : 1;
    for (size_t plane = 0; plane < 3; ++plane) {
      const size_t width = plane == 0 ? view.width : (view.width + 1) / 2;
      const size_t height = plane == 0 ? view.height : (view.height + 1) / 2;
      for (size_t y = 0; y < height; ++y) {
        av_md5_update(md5_.get(), view.planes[plane].data + y * view.planes[plane].stride,
                      width * sample);
      }
    }
  }

  std::string text() {
    std::array<uint8_t, 16> digest{};
    av_md5_final(md5_.get(), digest.data());
    std::string result;
    for (const uint8_t byte : digest) {
      result += "0123456789abcdef"[byte >> 4];
      result += "0123456789abcdef"[byte & 15];
    }
    return result;
  }

 private:
  struct Free {
    void operator()(AVMD5* context) const { av_free(context); }
  };
  const std::unique_ptr<AVMD5, Free> md5_;
};

// False where no profile of ours can decode it.
bool check(const std::string& folder, const Row& row, bool slice_based) {
  const std::string path = folder + "/" + row.at("path");
  INFO(path << (slice_based ? " slice by slice" : ""));
  const auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  if (!(*stream)->profile()) return false;
  StreamHash hash;
  size_t frames = 0;
  StatelessPlayer::Manner manner;
  if (row.at("pix_fmt") == "yuv420p10le") manner.raw_format = V4L2_PIX_FMT_P010;
  manner.slice_based = slice_based;
  manner.tolerant = true;
  manner.on_picture = [&](const core::FrameView& view) {
    hash.add(view);
    ++frames;
  };
  std::string failure;
  TestNodes nodes;
  try {
    StatelessPlayer(nodes, manner).play(path);
  } catch (const std::runtime_error& error) {
    failure = error.what();
  }
  CHECK(failure == "");
  CHECK(std::to_string(frames) == row.at("frames"));
  CHECK(hash.text() == row.at("md5"));
  return true;
}

void check_codec(const std::string& codec) {
  const std::string folder = corpus_folder();
  std::ifstream manifest(folder + "/MANIFEST.tsv");
  if (!manifest) DAEDALUS_SKIP("no corpus in " << folder << " (DAEDALUS_CORPUS)");
  size_t checked = 0;
  for (const Row& row : read_manifest(manifest)) {
    const std::string& samples = row.at("pix_fmt");
    if (row.at("codec") != codec || (samples != "yuv420p" && samples != "yuv420p10le")) continue;
    if (!check(folder, row, false)) continue;
    if (codec == "h264" || codec == "hevc") check(folder, row, true);
    ++checked;
  }
  CHECK(checked > 0);
}

}  // namespace

TEST_CASE("every H.264 stream, frame by frame and slice by slice") { check_codec("h264"); }
TEST_CASE("every HEVC stream, frame by frame and slice by slice") { check_codec("hevc"); }
TEST_CASE("every VP9 stream") { check_codec("vp9"); }
TEST_CASE("every VP8 stream") { check_codec("vp8"); }
TEST_CASE("every MPEG-2 stream") { check_codec("mpeg2"); }

}  // namespace daedalus::test
