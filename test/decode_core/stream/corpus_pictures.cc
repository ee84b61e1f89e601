#include "test/decode_core/stream/corpus_pictures.h"

#include <algorithm>
#include <array>

extern "C" {
#include <libavutil/md5.h>
#include <libavutil/mem.h>
}

#include "test/catch.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::core::test {
namespace {

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

void CorpusPictures::check(const std::string& path, const daedalus::test::CorpusRow& row) {
  CHECK(std::to_string(hashes_.size()) == row.at("frames"));
  const std::string md5 = text_of(md5_.get());
  if (row.at("codec") == "mpeg2" && md5 != row.at("md5")) {
    CHECK(as_plain_libavcodec(path, hashes_));
  } else {
    CHECK(md5 == row.at("md5"));
  }
}

}  // namespace daedalus::core::test
