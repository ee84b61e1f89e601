#include "decode_core/software/libavcodec/libavcodec_decoder.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "test/catch.h"
#include "test/decode_core/jobs.h"

namespace daedalus::core::test {
namespace {

// The most address space that this process has had so far, bytes.
size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "VmPeak:") {
  }
  size_t kibibytes = 0;
  status >> kibibytes;
  REQUIRE(kibibytes > 0);
  return kibibytes * 1024;
}

std::unique_ptr<Decoder> make_decoder(Codec codec) {
  auto decoder = create_libavcodec_decoder(codec, 1);
  REQUIRE(decoder.ok());
  return std::move(*decoder);
}

TEST_CASE("bytes that are no picture are an error that says so, and the next job is taken") {
  for (const Codec codec : {Codec::kVp8, Codec::kVp9, Codec::kMpeg2, Codec::kHevc}) {
    const auto decoder = make_decoder(codec);
    for (int i = 0; i < 3; ++i) {
      DecodeJob job = make_job(codec);
      std::fill(job.bitstream.begin(), job.bitstream.end(), uint8_t{0xff});
      const DecodeOutcome outcome = decoder->decode(job);
      CHECK_FALSE(outcome.frame.has_value());
      CHECK(outcome.error.code == ErrorCode::kCorrupt);
      CHECK_FALSE(outcome.error.message.empty());
    }
  }
}

TEST_CASE("an H.264 slice without its macroblocks is concealed") {
  const auto decoder = make_decoder(Codec::kH264);
  const DecodeOutcome outcome = decoder->decode(make_job(Codec::kH264, 64, 48));
  REQUIRE(outcome.frame.has_value());
  CHECK(outcome.frame->view.format == SampleFormat::kI420);
  CHECK(outcome.frame->view.width == 64);
  CHECK(outcome.frame->view.height == 48);
}

// Each slice claims to begin a picture of its own: 600 frames of 3 MB, of which one is wanted.
TEST_CASE("a job whose slices all begin a frame does not hold them all") {
  const auto decoder = make_decoder(Codec::kH264);
  DecodeJob job = make_job(Codec::kH264, 1920, 1088);
  for (uint32_t i = 1; i < 600; ++i) {
    add_slice(job, make_slice({.idr = true, .slice_type = 2, .idr_pic_id = i % 2}));
  }
  const size_t before = peak_memory();
  const DecodeOutcome outcome = decoder->decode(job);
  CHECK(outcome.frame.has_value());
  CHECK(peak_memory() - before < size_t{300} << 20);
}

}  // namespace
}  // namespace daedalus::core::test
