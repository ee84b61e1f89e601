#include "test/decode_core/stream/corpus.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

extern "C" {
#include <libavutil/md5.h>
#include <libavutil/mem.h>
}

#include "test/catch.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::core::test {
namespace {

std::string corpus_folder() {
  const char* folder = std::getenv("DAEDALUS_CORPUS");
  return folder != nullptr && *folder != '\0' ? folder : "../shared/corpus";
}

std::vector<CorpusRow> read_manifest(std::istream& in) {
  std::vector<CorpusRow> rows;
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

std::string text_of(AVMD5* md5) {
  std::array<uint8_t, 16> digest{};
  av_md5_final(md5, digest.data());
  std::string text;
  for (const uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

bool as_plain_libavcodec(const std::string& path, const std::vector<FrameHash>& hashes) {
  const auto stream = read_stream(path);
  if (!stream) return false;
  const std::vector<Shown> plain = decode_plainly(stream->codec, stream->packets);
  return std::equal(plain.begin(), plain.end(), hashes.begin(), hashes.end(),
                    [](const Shown& shown, const FrameHash& hash) { return shown.hash == hash; });
}

}  // namespace

void for_each_corpus_stream(
    const std::string& codec,
    const std::function<bool(const std::string& path, const CorpusRow& row)>& check) {
  const std::string folder = corpus_folder();
  std::ifstream manifest(folder + "/MANIFEST.tsv");
  if (!manifest) DAEDALUS_SKIP("no corpus in " << folder << " (DAEDALUS_CORPUS)");
  size_t decoded = 0;
  for (const CorpusRow& row : read_manifest(manifest)) {
    const std::string& samples = row.at("pix_fmt");
    if (row.at("codec") != codec || (samples != "yuv420p" && samples != "yuv420p10le")) continue;
    INFO(row.at("path"));
    if (check(folder + "/" + row.at("path"), row)) ++decoded;
  }
  CHECK(decoded > 0);
}

void CorpusPictures::Free::operator()(AVMD5* context) const { av_free(context); }

CorpusPictures::CorpusPictures() : md5_(av_md5_alloc()) { av_md5_init(md5_.get()); }

void CorpusPictures::add(const FrameView& visible) {
  hashes_.push_back(hash_frame(visible));
  const size_t sample = visible.format == SampleFormat::kI42010 ? 2 : 1;
  for (size_t plane = 0; plane < 3; ++plane) {
    const size_t width = plane == 0 ? visible.width : (visible.width + 1) / 2;
    const size_t height = plane == 0 ? visible.height : (visible.height + 1) / 2;
    for (size_t y = 0; y < height; ++y) {
      av_md5_update(md5_.get(), visible.planes[plane].data + y * visible.planes[plane].stride,
                    width * sample);
    }
  }
}

void CorpusPictures::check(const std::string& path, const CorpusRow& row) {
  CHECK(std::to_string(hashes_.size()) == row.at("frames"));
  const std::string md5 = text_of(md5_.get());
  if (row.at("codec") == "mpeg2" && md5 != row.at("md5")) {
    CHECK(as_plain_libavcodec(path, hashes_));
  } else {
    CHECK(md5 == row.at("md5"));
  }
}

}  // namespace daedalus::core::test
