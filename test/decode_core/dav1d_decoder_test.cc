#include "decode_core/software/dav1d/dav1d_decoder.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/picture.h"
#include "decode_core/planar_frame.h"
#include "decode_core/record/recording.h"
#include "test/catch.h"
#include "test/decode_core/av1_frames.h"
#include "test/decode_core/jobs.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

const std::vector<std::string> kClips = {"test/data/av1.webm", "test/data/av1_10bit.webm"};

std::unique_ptr<Decoder> make_decoder(int threads = 1) {
  auto decoder = create_dav1d_decoder(threads);
  REQUIRE(decoder.ok());
  return std::move(*decoder);
}

// Jobs of a clip with what became of them.
struct Decoded {
  std::vector<FrameHash> frames;
  std::vector<FrameHash> displays;
  uint32_t redecoded = 0;
  int concealed = 0;
  int errors = 0;
};

// `change` sees every job first; false leaves it out.
Decoded decode_clip(const std::string& path, const std::function<bool(DecodeJob&)>& change,
                    int threads = 1) {
  const auto decoder = make_decoder(threads);
  auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  Decoded result;
  parsed_stream::Event event;
  for (auto more = (*stream)->next(event); more.ok() && *more; more = (*stream)->next(event)) {
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr || !change(decode->job)) continue;
    REQUIRE(validate(decode->job).ok());
    const DecodeOutcome outcome = decoder->decode(decode->job);
    result.redecoded += outcome.redecoded;
    if (outcome.concealed) ++result.concealed;
    if (!outcome.frame.has_value()) {
      CHECK_FALSE(outcome.error.message.empty());
      CHECK_FALSE(outcome.display.has_value());
      ++result.errors;
      continue;
    }
    CHECK(outcome.frame->view.width == decode->job.coded_width());
    CHECK(outcome.frame->view.height == decode->job.coded_height());
    result.frames.push_back(hash_frame(outcome.frame->view));
    CHECK(outcome.display.has_value() == (decode->job.display != nullptr));
    if (outcome.display) result.displays.push_back(hash_frame(outcome.display->view));
  }
  return result;
}

// As a session does that has the next job in its queue, of a client that tells no flags.
Decoded decode_clip_foreseeing(const std::string& path) {
  std::vector<DecodeJob> jobs;
  decode_clip(path, [&](DecodeJob& job) {
    job.refresh_frame_flags.reset();
    jobs.push_back(std::move(job));
    return false;
  });
  const auto decoder = make_decoder();
  Decoded result;
  int wanted = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (decoder->wants_successor(jobs[i])) ++wanted;
    if (i + 1 < jobs.size()) decoder->foresee(jobs[i], jobs[i + 1]);
    const DecodeOutcome outcome = decoder->decode(jobs[i]);
    result.redecoded += outcome.redecoded;
    REQUIRE(outcome.frame.has_value());
    result.frames.push_back(hash_frame(outcome.frame->view));
  }
  CHECK(wanted > 0);
  CHECK(wanted < static_cast<int>(jobs.size()));
  return result;
}

bool keep(DecodeJob& /*job*/) { return true; }

Av1Parameters& av1(DecodeJob& job) { return std::get<Av1Parameters>(job.parameters); }

TEST_CASE("pictures are the same whether it is known what they replace or not") {
  for (const std::string& path : kClips) {
    const Decoded known = decode_clip(path, keep);
    CHECK(known.frames.size() >= 50);
    CHECK(known.redecoded == 0);
    CHECK(known.concealed == 0);
    CHECK(known.errors == 0);
    const Decoded unknown = decode_clip(path, [](DecodeJob& job) {
      job.refresh_frame_flags.reset();
      // As libavcodec has it: no slots with key frames.
      if (av1(job).frame.frame_type == V4L2_AV1_KEY_FRAME) job.references.clear();
      return true;
    });
    CHECK(unknown.frames == known.frames);
    CHECK(unknown.redecoded > 0);
    CHECK(unknown.redecoded < known.frames.size());
    CHECK(unknown.concealed == 0);
    const Decoded foreseen = decode_clip_foreseeing(path);
    CHECK(foreseen.frames == known.frames);
    CHECK(foreseen.redecoded == 0);
    CHECK(decode_clip(path, keep, 4).frames == known.frames);
  }
}

TEST_CASE("after a seek pictures without their references are made up, and counted") {
  int jobs = 0;
  const Decoded decoded = decode_clip(kClips[0], [&](DecodeJob&) { return ++jobs > 10; });
  CHECK(decoded.errors == 0);
  CHECK(decoded.concealed > 0);
  CHECK(static_cast<int>(decoded.frames.size()) == jobs - 10);
}

TEST_CASE("a lost picture is concealed in those that refer to it") {
  int jobs = 0;
  const Decoded decoded = decode_clip(kClips[1], [&](DecodeJob&) { return ++jobs != 3; });
  CHECK(decoded.errors == 0);
  CHECK(decoded.concealed > 0);
}

v4l2_ctrl_av1_film_grain make_grain() {
  v4l2_ctrl_av1_film_grain grain{};
  grain.flags = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN | V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP;
  grain.grain_seed = 1234;
  grain.num_y_points = 2;
  grain.point_y_value[1] = 255;
  grain.point_y_scaling[0] = grain.point_y_scaling[1] = 80;
  grain.num_cb_points = grain.num_cr_points = 1;
  grain.point_cb_value[0] = grain.point_cr_value[0] = 128;
  grain.point_cb_scaling[0] = grain.point_cr_scaling[0] = 60;
  grain.grain_scaling_minus_8 = 2;
  grain.ar_coeff_lag = 1;
  std::fill(std::begin(grain.ar_coeffs_y_plus_128), std::end(grain.ar_coeffs_y_plus_128), 130);
  std::fill(std::begin(grain.ar_coeffs_cb_plus_128), std::end(grain.ar_coeffs_cb_plus_128), 130);
  std::fill(std::begin(grain.ar_coeffs_cr_plus_128), std::end(grain.ar_coeffs_cr_plus_128), 126);
  grain.ar_coeff_shift_minus_6 = 1;
  grain.cb_mult = grain.cr_mult = 128;
  grain.cb_luma_mult = grain.cr_luma_mult = 192;
  grain.cb_offset = grain.cr_offset = 256;
  return grain;
}

TEST_CASE("film grain goes to the displayed picture, references stay clean") {
  for (const std::string& path : kClips) {
    const Decoded clean = decode_clip(path, keep);
    const auto with_display = [](const v4l2_ctrl_av1_film_grain& grain) {
      return [&grain](DecodeJob& job) {
        job.display = std::make_shared<Picture>();
        av1(job).film_grain = grain;
        return true;
      };
    };
    const v4l2_ctrl_av1_film_grain grain = make_grain();
    const Decoded grained = decode_clip(path, with_display(grain));
    CHECK(grained.frames == clean.frames);
    REQUIRE(grained.displays.size() == clean.frames.size());
    for (size_t i = 0; i < clean.frames.size(); ++i) CHECK(grained.displays[i] != clean.frames[i]);
    CHECK(decode_clip(path, with_display(grain), 3).displays == grained.displays);
    const v4l2_ctrl_av1_film_grain none{};
    CHECK(decode_clip(path, with_display(none)).displays == clean.frames);
  }
}

TEST_CASE("grain without a scaling point may still clip chroma") {
  DecodeJob job = make_job(Codec::kAv1, 64, 48);
  av1(job).film_grain.flags = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN |
                              V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA |
                              V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE;
  av1(job).frame.quantization.base_q_idx = 255;
  job.display = std::make_shared<Picture>();
  rewrite::test::Av1Random random(7);
  bool clipped = false;
  for (int round = 0; round < 20; ++round) {
    job.bitstream = random.bytes(100'000);
    job.slices[0].size = 100'000;
    const DecodeOutcome outcome = make_decoder()->decode(job);
    REQUIRE(outcome.display.has_value());
    CHECK_FALSE(outcome.film_grain);
    const auto display = add_film_grain(*outcome.display);
    REQUIRE(display.ok());
    for (uint32_t y = 0; y < 24; ++y) {
      for (uint32_t x = 0; x < 32; ++x) {
        const uint16_t clean = sample_at(outcome.frame->view, 1, x, y);
        CHECK(sample_at(display->view, 1, x, y) == std::clamp<uint16_t>(clean, 16, 240));
        CHECK(sample_at(display->view, 0, x, y) == sample_at(outcome.frame->view, 0, x, y));
        clipped = clipped || clean < 16 || clean > 240;
      }
    }
  }
  CHECK(clipped);
}

TEST_CASE("damaged tiles end in a picture or an error") {
  std::mt19937 random(5);
  for (int round = 0; round < 10; ++round) {
    decode_clip(kClips[round % 2], [&](DecodeJob& job) {
      if (random() % 4 == 0) job.bitstream[random() % job.bitstream.size()] ^= 1 + random() % 255;
      return random() % 16 != 0;
    });
  }
}

TEST_CASE("random frames of every form end in a picture or an error") {
  using rewrite::test::Av1Random;
  Av1Random random(6);
  int pictures = 0;
  for (int round = 0; round < 40; ++round) {
    const auto decoder = make_decoder();
    const auto sequence = rewrite::test::choose_av1_sequence(random);
    const rewrite::Av1SlotState state;
    rewrite::test::Av1Slots slots{};
    std::vector<std::shared_ptr<Picture>> references(8);
    for (int i = 0; i < 10; ++i) {
      DecodeJob job = make_job(Codec::kAv1);
      Av1Parameters& parameters = av1(job);
      parameters.sequence = sequence.control;
      parameters.sequence.seq_profile = 0;
      parameters.frame = rewrite::test::choose_av1_frame(random, sequence, slots);
      slots.fill(&state);
      for (int8_t& index : parameters.frame.ref_frame_idx) {
        index = static_cast<int8_t>(random.in(0, 7));
      }
      const auto& info = parameters.frame.tile_info;
      job.bitstream = random.bytes(static_cast<size_t>(random.in(100, 40'000)));
      const uint32_t tiles = uint32_t{info.tile_cols} * info.tile_rows;
      const auto size = static_cast<uint32_t>(job.bitstream.size() / tiles);
      job.slices.clear();
      parameters.tiles.clear();
      for (uint32_t tile = 0; tile < tiles; ++tile) {
        job.slices.push_back({tile * size, size});
        parameters.tiles.push_back({0, 0, tile / info.tile_cols, tile % info.tile_cols});
      }
      job.references = references;
      if (random.coin()) job.refresh_frame_flags = random.flags(0xff);
      for (auto& reference : references) {
        if (random.in(0, 3) == 0) reference = job.target;
      }
      REQUIRE(validate(job).ok());
      const DecodeOutcome outcome = decoder->decode(job);
      if (!outcome.frame.has_value()) {
        CHECK_FALSE(outcome.error.message.empty());
        continue;
      }
      ++pictures;
      const FrameView& view = outcome.frame->view;
      CHECK(view.width == job.coded_width());
      CHECK(view.height == job.coded_height());
      CHECK((view.format == SampleFormat::kI42010) == (sequence.control.bit_depth == 10));
      if ((sequence.control.flags & V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME) == 0) continue;
      const uint16_t grey = sequence.control.bit_depth == 10 ? 512 : 128;
      CHECK(sample_at(view, 1, 0, 0) == grey);
      CHECK(sample_at(view, 2, (view.width - 1) / 2, (view.height - 1) / 2) == grey);
    }
  }
  CHECK(pictures > 50);
}

}  // namespace
}  // namespace daedalus::core::test
