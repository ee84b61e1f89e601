// Entropy decoding of whole clips: slices end where their data ends, and damage stays where it is.
#include <algorithm>
#include <bit>
#include <random>

#include "test/catch.h"
#include "test/corpus.h"
#include "test/decode_core/h264_native/parsed_pictures.h"

namespace daedalus::core::h264 {
namespace {

size_t count_missing(const PictureList& list) {
  return static_cast<size_t>(
      std::ranges::count(list.macroblocks, MacroblockKind::kMissing, &Macroblock::kind));
}

// Everything that later passes read lies where it must.
void check_bounds(const PictureList& list) {
  size_t wrong = 0;
  for (size_t i = 0; i < list.macroblocks.size(); ++i) {
    const Macroblock& macroblock = list.macroblocks[i];
    const size_t row = i / list.width / (list.mbaff ? 2 : 1);
    wrong += macroblock.slice >= list.slices.size();
    if (macroblock.kind == MacroblockKind::kMissing) continue;
    const Slice& slice = list.slices[macroblock.slice];
    const bool transform_8x8 = (macroblock.flags & Macroblock::kTransform8x8) != 0;
    const auto luma = static_cast<size_t>(std::popcount(macroblock.full_blocks & 0xFFFF));
    const auto others = static_cast<size_t>(std::popcount(macroblock.full_blocks >> 16) * 16 +
                                            std::popcount(macroblock.dc_blocks));
    const size_t values =
        macroblock.kind == MacroblockKind::kPcm ? 192 : luma * (transform_8x8 ? 64 : 16) + others;
    if (values > 0) wrong += macroblock.coefficients + values > list.rows[row].values.size();
    wrong += (macroblock.full_blocks & macroblock.dc_blocks) != 0;
    wrong += macroblock.luma_qp < 0 || macroblock.luma_qp > 51;
    const bool field = (macroblock.flags & Macroblock::kField) != 0;
    for (size_t used = 0; used < 2; ++used) {
      for (const int8_t reference : list.motion->references[used][i]) {
        const int entries = slice.list_sizes[used] * (field ? 2 : 1);
        wrong += reference >= 0 && reference >= entries;
        wrong += reference >= 0 && macroblock.kind != MacroblockKind::kInter;
      }
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("the clips are parsed whole: each slice ends with its data") {
  const std::string path = GENERATE("test/data/h264.mp4", "test/data/h264_interlaced.mp4");
  ParsedPictures pictures;
  size_t parsed = 0;
  for_each_event(path, {[&](DecodeJob& job) {
                   REQUIRE(pictures.parse(job));
                   CHECK(pictures.damaged() == 0);
                   CHECK(count_missing(pictures.list()) == 0);
                   check_bounds(pictures.list());
                   ++parsed;
                 }});
  CHECK(parsed >= 50);
}

TEST_CASE("a slice that is lost leaves its macroblocks missing, and no others") {
  ParsedPictures pictures;
  size_t with_loss = 0;
  for_each_event("test/data/h264.mp4", {[&](DecodeJob& job) {
                   REQUIRE(job.slices.size() == 4);
                   job.slices.erase(job.slices.begin() + 1 + with_loss % 3);
                   REQUIRE(pictures.parse(job));
                   const PictureList& list = pictures.list();
                   CHECK(pictures.damaged() == count_missing(list));
                   CHECK(pictures.damaged() > 0);
                   CHECK(pictures.damaged() < list.macroblocks.size() / 2);
                   check_bounds(list);
                   ++with_loss;
                 }});
  CHECK(with_loss == 60);
}

TEST_CASE("a picture whose first slice is lost begins where the second does") {
  ParsedPictures pictures;
  for_each_event("test/data/h264.mp4", {[&](DecodeJob& job) {
                   job.slices.erase(job.slices.begin());
                   REQUIRE(pictures.parse(job));
                   const PictureList& list = pictures.list();
                   CHECK(list.macroblocks.front().kind == MacroblockKind::kMissing);
                   CHECK(list.macroblocks.back().kind != MacroblockKind::kMissing);
                   CHECK(pictures.damaged() == count_missing(list));
                 }});
}

TEST_CASE("damaged bits and contradicting parameters are survived, and counted where they show") {
  const std::string path = GENERATE("test/data/h264.mp4", "test/data/h264_interlaced.mp4");
  std::mt19937 random(264);
  ParsedPictures pictures;
  size_t damaged = 0;
  for_each_event(path, {[&](DecodeJob& job) {
                   for (size_t n = 1 + random() % 4; n > 0; --n) {
                     job.bitstream[random() % job.bitstream.size()] ^=
                         static_cast<uint8_t>(1u << random() % 8);
                   }
                   auto& parameters = std::get<H264Parameters>(job.parameters);
                   if (random() % 8 == 0) parameters.pps.flags ^= 1u << random() % 9;
                   if (random() % 8 == 0) {
                     parameters.sps.flags ^= V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
                   }
                   if (random() % 8 == 0) job.references.resize(random() % 3);
                   if (!pictures.parse(job)) {
                     ++damaged;
                     return;
                   }
                   damaged += pictures.damaged() != 0;
                   check_bounds(pictures.list());
                 }});
  CHECK(damaged > 30);
}

TEST_CASE("every H.264 stream of the corpus is parsed whole", "[corpus]") {
  daedalus::test::for_each_corpus_stream("h264", [](const std::string& path, const auto& row) {
    if (row.at("pix_fmt") != "yuv420p") return false;
    ParsedPictures pictures;
    size_t refused = 0;
    size_t damaged = 0;
    for_each_event(path, {[&](DecodeJob& job) {
                     refused += !pictures.parse(job);
                     damaged += pictures.damaged();
                   }});
    CHECK(refused == 0);
    CHECK(damaged == 0);
    return true;
  });
}

}  // namespace daedalus::core::h264
