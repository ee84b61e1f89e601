#include "decode_core/surface.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/output/output_pass.h"
#include "test/catch.h"
#include "test/decode_core/fake_decoder.h"
#include "test/decode_core/reference_image.h"

namespace daedalus::core::test {
namespace {

SampleFormat samples_of(SurfaceFormat format) {
  return format == SurfaceFormat::kP010 ? SampleFormat::kI42010 : SampleFormat::kI420;
}
ImageFormat image_of(SurfaceFormat format) {
  return format == SurfaceFormat::kP010 ? ImageFormat::kP010 : ImageFormat::kNv12;
}

std::shared_ptr<Core> make_core() { return Core::create(Settings{}); }

std::shared_ptr<Picture> make_picture(SampleFormat format, uint32_t width, uint32_t height,
                                      uint32_t seed) {
  return std::make_shared<Picture>(make_frame(format, width, height, seed));
}

DecodeOutcome outcome_of(SampleFormat format, uint32_t width, uint32_t height, uint32_t seed) {
  DecodeOutcome outcome;
  outcome.frame = make_frame(format, width, height, seed);
  return outcome;
}

// How the surface's permanent buffer differs from `frame`, padding aside.
std::string exported_difference(const Surface& surface, const Surface::Export& exported,
                                const FrameView& frame) {
  const LinearLayout& layout = exported.layout;
  for (int component = 0; component < 3; ++component) {
    const uint32_t divisor = component == 0 ? 1 : 2;
    const int scale = surface.format() == SurfaceFormat::kP010 ? 4 : 1;
    for (uint32_t y = 0; y < (surface.height() + divisor - 1) / divisor; ++y) {
      for (uint32_t x = 0; x < (surface.width() + divisor - 1) / divisor; ++x) {
        const bool covered =
            x < (frame.width + divisor - 1) / divisor && y < (frame.height + divisor - 1) / divisor;
        const int expected =
            covered ? sample_at(frame, component, x, y) : (component == 0 ? 16 : 128) * scale;
        if (image_sample(image_of(surface.format()), layout, exported.memory->data(), component, x,
                         y) != expected) {
          return "component " + std::to_string(component) + " at " + std::to_string(x) + ", " +
                 std::to_string(y);
        }
      }
    }
  }
  return {};
}

const FrameView kNothing8{SampleFormat::kI420, 0, 0, {}};

TEST_CASE("a surface that never held a picture reads as black") {
  const Surface surface(make_core(), SurfaceFormat::kNv12, 33, 17);
  for (const ImageFormat format : {ImageFormat::kNv12, ImageFormat::kI420, ImageFormat::kYv12}) {
    const LinearLayout layout = layout_of(format, 33, 17);
    auto image = untouched_image(layout);
    REQUIRE(surface.read({0, 0, 33, 17}, format, layout, image.data()).ok());
    CHECK(difference(kNothing8, {0, 0, 33, 17}, format, layout, image) == "");
  }
  CHECK(surface.picture() == nullptr);
  CHECK_FALSE(surface.exported());
}

TEST_CASE("a picture without pixels reads as black") {
  Surface surface(make_core(), SurfaceFormat::kNv12, 16, 16);
  const auto failed = std::make_shared<Picture>();
  failed->begin(nullptr);
  failed->complete(decoded_nothing());
  surface.set_picture(failed);
  const LinearLayout layout = layout_of(ImageFormat::kNv12, 16, 16);
  auto image = untouched_image(layout);
  REQUIRE(surface.read({0, 0, 16, 16}, ImageFormat::kNv12, layout, image.data()).ok());
  CHECK(difference(kNothing8, {0, 0, 16, 16}, ImageFormat::kNv12, layout, image) == "");
}

TEST_CASE("regions are read as they are, black beyond the decoded picture") {
  for (const SurfaceFormat format : {SurfaceFormat::kNv12, SurfaceFormat::kP010}) {
    Surface surface(make_core(), format, 65, 43);
    const auto picture = make_picture(samples_of(format), 61, 37, 5);
    surface.set_picture(picture);
    const auto frame = picture->frame();
    for (const Rect& from : std::vector<Rect>{{0, 0, 65, 43},
                                              {0, 0, 1, 1},
                                              {2, 4, 31, 17},
                                              {60, 36, 5, 7},
                                              {62, 0, 3, 43},
                                              {65, 43, 0, 0},
                                              {64, 42, 1, 1}}) {
      for (const ImageFormat image_format : kImageFormats) {
        const LinearLayout layout = layout_of(image_format, from.width, from.height);
        auto image = untouched_image(layout);
        const Status status = surface.read(from, image_format, layout, image.data());
        INFO("format " << static_cast<int>(image_format) << " at " << from.x << ", " << from.y);
        REQUIRE(status.ok() ==
                ((image_format == ImageFormat::kP010) == (format == SurfaceFormat::kP010)));
        if (!status.ok()) continue;
        REQUIRE(difference(frame->view, from, image_format, layout, image) == "");
      }
    }
  }
}

TEST_CASE("what is not inside the surface or the image is neither read nor written") {
  Surface surface(make_core(), SurfaceFormat::kNv12, 32, 32);
  const LinearLayout layout = layout_of(ImageFormat::kNv12, 32, 32);
  auto image = untouched_image(layout);
  const auto before = image;
  for (const Rect& from : std::vector<Rect>{{0, 0, 33, 1},
                                            {0, 0, 1, 33},
                                            {32, 0, 1, 1},
                                            {33, 0, 0, 0},
                                            {UINT32_MAX, 0, 2, 2},
                                            {2, 2, UINT32_MAX, 2},
                                            {2, 2, 2, UINT32_MAX - 1}}) {
    const Status read = surface.read(from, ImageFormat::kNv12, layout, image.data());
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ErrorCode::kInvalidArgument);
    REQUIRE_FALSE(surface
                      .write(ImageFormat::kNv12, layout, image.data(),
                             {0, 0, from.width, from.height}, from.x, from.y)
                      .ok());
  }
  const LinearLayout small = layout_of(ImageFormat::kNv12, 32, 16);
  CHECK_FALSE(surface.read({0, 0, 32, 32}, ImageFormat::kNv12, small, image.data()).ok());
  CHECK_FALSE(surface.write(ImageFormat::kNv12, small, image.data(), {0, 0, 32, 32}, 0, 0).ok());
  CHECK_FALSE(surface.write(ImageFormat::kNv12, small, image.data(), {0, 8, 32, 16}, 0, 0).ok());
  CHECK_FALSE(
      surface.write(ImageFormat::kNv12, layout, image.data(), {UINT32_MAX - 1, 0, 2, 2}, 0, 0)
          .ok());
  // Planes that the layout does not have.
  CHECK_FALSE(surface.read({0, 0, 32, 32}, ImageFormat::kI420, layout, image.data()).ok());
  // Chroma would not line up.
  CHECK_FALSE(surface.write(ImageFormat::kNv12, layout, image.data(), {1, 0, 2, 2}, 0, 0).ok());
  CHECK_FALSE(surface.write(ImageFormat::kNv12, layout, image.data(), {0, 0, 2, 2}, 0, 3).ok());
  // Another depth.
  CHECK_FALSE(surface
                  .write(ImageFormat::kP010, layout_of(ImageFormat::kP010, 32, 32), image.data(),
                         {0, 0, 2, 2}, 0, 0)
                  .ok());
  CHECK(image == before);
  CHECK(surface.picture() == nullptr);
}

// The image of a whole frame.
std::vector<uint8_t> image_from(const FrameView& frame, ImageFormat format,
                                const LinearLayout& layout) {
  auto image = untouched_image(layout);
  Settings settings;
  settings.substrate.set(gpu_kernels::Stage::kPack, gpu_kernels::Substrate::kScalar);
  run_output_pass(*Core::create(settings), frame, {0, 0, frame.width, frame.height}, format, layout,
                  image.data());
  return image;
}

TEST_CASE("what is written is read back, in every format and odd sizes") {
  for (const ImageFormat format : kImageFormats) {
    const bool wide = format == ImageFormat::kP010;
    const SurfaceFormat surface_format = wide ? SurfaceFormat::kP010 : SurfaceFormat::kNv12;
    for (const auto& [width, height] :
         std::vector<std::pair<uint32_t, uint32_t>>{{1, 1}, {2, 2}, {33, 17}, {64, 48}}) {
      Surface surface(make_core(), surface_format, width, height);
      const FrameBuffer frame = make_frame(samples_of(surface_format), width, height, 11);
      const LinearLayout layout = layout_of(format, width, height);
      const auto image = image_from(frame.view, format, layout);
      const Rect whole{0, 0, width, height};
      REQUIRE(surface.write(format, layout, image.data(), whole, 0, 0).ok());
      auto back = untouched_image(layout);
      REQUIRE(surface.read(whole, format, layout, back.data()).ok());
      CHECK(back == image);
    }
  }
}

TEST_CASE("a region that is written leaves the rest of the picture, whatever its layout") {
  struct Case {
    SurfaceFormat surface;
    SampleFormat samples;
    ImageFormat image;
  };
  const std::vector<Case> cases = {
      {SurfaceFormat::kNv12, SampleFormat::kI420, ImageFormat::kNv12},
      {SurfaceFormat::kNv12, SampleFormat::kI420, ImageFormat::kYv12},
      {SurfaceFormat::kNv12, SampleFormat::kNv12, ImageFormat::kI420},
      {SurfaceFormat::kP010, SampleFormat::kI42010, ImageFormat::kP010},
      {SurfaceFormat::kP010, SampleFormat::kP010, ImageFormat::kP010}};
  for (const Case& test : cases) {
    // The picture is smaller than the surface, the region reaches beyond it.
    Surface surface(make_core(), test.surface, 40, 30);
    const auto former = make_picture(test.samples, 36, 25, 12);
    surface.set_picture(former);
    const FrameBuffer source = make_frame(samples_of(test.surface), 50, 50, 13);
    const LinearLayout source_layout = layout_of(test.image, 50, 50);
    const auto image = image_from(source.view, test.image, source_layout);
    const Rect from{6, 8, 15, 11};
    const uint32_t to_x = 24, to_y = 18;
    REQUIRE(surface.write(test.image, source_layout, image.data(), from, to_x, to_y).ok());
    CHECK(surface.picture() != former);

    const LinearLayout layout = layout_of(test.image, 40, 30);
    auto back = untouched_image(layout);
    REQUIRE(surface.read({0, 0, 40, 30}, test.image, layout, back.data()).ok());
    const FrameView old = former->frame()->view;
    int wrong = 0;
    for (int component = 0; component < 3; ++component) {
      const uint32_t half = component == 0 ? 1 : 2;
      const auto up = [half](uint32_t luma) { return (luma + half - 1) / half; };
      for (uint32_t y = 0; y < up(30); ++y) {
        for (uint32_t x = 0; x < up(40); ++x) {
          int expected =
              (component == 0 ? 16 : 128) * (test.surface == SurfaceFormat::kP010 ? 4 : 1);
          if (x < up(36) && y < up(25)) expected = sample_at(old, component, x, y);
          if (x >= to_x / half && x < to_x / half + up(15) && y >= to_y / half &&
              y < to_y / half + up(11)) {
            expected = sample_at(source.view, component, x - to_x / half + from.x / half,
                                 y - to_y / half + from.y / half);
          }
          wrong +=
              image_sample(test.image, layout, back.data(), component, x, y) == expected ? 0 : 1;
        }
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("the permanent buffer is made once and black before the first picture") {
  Surface surface(make_core(), SurfaceFormat::kNv12, 50, 31);
  const auto exported = surface.export_memory(false);
  REQUIRE(exported.ok());
  CHECK(surface.exported());
  CHECK(exported->memory->size() >= exported->layout.size);
  CHECK(exported_difference(surface, *exported, kNothing8) == "");
  const auto again = surface.export_memory(false);
  REQUIRE(again.ok());
  CHECK(again->memory == exported->memory);
}

TEST_CASE("export before, while and after decoding: the buffer holds the picture after a wait") {
  for (const SurfaceFormat format : {SurfaceFormat::kNv12, SurfaceFormat::kP010}) {
    for (const char* moment : {"before", "while", "after"}) {
      const std::string when = moment;
      Surface surface(make_core(), format, 50, 31);
      const auto picture = std::make_shared<Picture>();
      Result<Surface::Export> exported = Error{};
      if (when == "before") exported = surface.export_memory(false);
      surface.set_picture(picture);
      picture->begin(nullptr);
      std::thread decoding([&] {
        if (when == "while") {
          while (!surface.exported()) std::this_thread::yield();
        }
        picture->complete(outcome_of(samples_of(format), 48, 31, 21));
      });
      if (when == "while") exported = surface.export_memory(false);
      picture->wait();
      if (when == "after") exported = surface.export_memory(false);
      decoding.join();
      INFO(when);
      REQUIRE(exported.ok());
      CHECK(exported_difference(surface, *exported, picture->frame()->view) == "");
    }
  }
}

TEST_CASE("the permanent buffer follows the surface's picture, and no former one") {
  Surface surface(make_core(), SurfaceFormat::kNv12, 32, 32);
  const auto exported = surface.export_memory(false);
  REQUIRE(exported.ok());
  const auto first = make_picture(SampleFormat::kI420, 32, 32, 31);
  surface.set_picture(first);
  CHECK(exported_difference(surface, *exported, first->frame()->view) == "");
  const auto second = make_picture(SampleFormat::kI420, 32, 32, 32);
  surface.set_picture(second);
  CHECK(exported_difference(surface, *exported, second->frame()->view) == "");
  // A late field of the first must not show.
  first->begin(nullptr);
  first->complete(outcome_of(SampleFormat::kI420, 32, 32, 33));
  CHECK(exported_difference(surface, *exported, second->frame()->view) == "");
  // The same picture again stays attached.
  surface.set_picture(second);
  second->begin(nullptr);
  second->complete(outcome_of(SampleFormat::kI420, 32, 32, 34));
  CHECK(exported_difference(surface, *exported, second->frame()->view) == "");
  // So does what is written.
  const LinearLayout layout = layout_of(ImageFormat::kNv12, 32, 32);
  const FrameBuffer frame = make_frame(SampleFormat::kI420, 32, 32, 35);
  const auto image = image_from(frame.view, ImageFormat::kNv12, layout);
  REQUIRE(surface.write(ImageFormat::kNv12, layout, image.data(), {0, 0, 32, 32}, 0, 0).ok());
  CHECK(exported_difference(surface, *exported, frame.view) == "");
}

TEST_CASE("the permanent buffer is no other picture's while its own is under way") {
  Surface surface(make_core(), SurfaceFormat::kNv12, 32, 32);
  const auto exported = surface.export_memory(false);
  REQUIRE(exported.ok());
  const auto first = std::make_shared<Picture>();
  surface.set_picture(first);
  first->begin(nullptr);
  const auto second = make_picture(SampleFormat::kI420, 32, 32, 62);
  std::atomic<bool> ended{false};
  std::thread decoding([&] {
    while (!first->wanted()) std::this_thread::yield();
    ended = true;
    first->complete(outcome_of(SampleFormat::kI420, 32, 32, 61));
  });
  surface.set_picture(second);
  CHECK(ended);
  decoding.join();
  CHECK(exported_difference(surface, *exported, second->frame()->view) == "");
}

TEST_CASE("a picture of another depth leaves the permanent buffer as it was") {
  Surface surface(make_core(), SurfaceFormat::kNv12, 32, 32);
  const auto exported = surface.export_memory(false);
  REQUIRE(exported.ok());
  surface.set_picture(make_picture(SampleFormat::kI42010, 32, 32, 41));
  CHECK(exported_difference(surface, *exported, kNothing8) == "");
  const LinearLayout layout = layout_of(ImageFormat::kNv12, 32, 32);
  auto image = untouched_image(layout);
  CHECK_FALSE(surface.read({0, 0, 32, 32}, ImageFormat::kNv12, layout, image.data()).ok());
}

TEST_CASE("a surface may go while its picture decodes") {
  const auto picture = std::make_shared<Picture>();
  picture->begin(nullptr);
  std::shared_ptr<SurfaceMemory> memory;
  {
    Surface surface(make_core(), SurfaceFormat::kNv12, 32, 32);
    surface.set_picture(picture);
    std::thread decoding([&] {
      while (!surface.exported()) std::this_thread::yield();
      picture->complete(outcome_of(SampleFormat::kI420, 32, 32, 51));
    });
    memory = surface.export_memory(false)->memory;
    decoding.join();
  }
  picture->begin(nullptr);
  picture->complete(outcome_of(SampleFormat::kI420, 32, 32, 52));
  CHECK(memory->data()[0] == sample_at(picture->frame()->view, 0, 0, 0));
}

TEST_CASE("output passes are counted in the session that decoded the picture") {
  auto statistics = std::make_unique<Statistics>("", Statistics::Identity{}, false);
  const StatisticsPage& page = statistics->page();
  const auto session = std::make_shared<QueuedSession>(
      QueuedSession::Parts{{Profile::kVp8, 0, 0, "replay"},
                           "fake",
                           nullptr,
                           std::make_unique<FakeDecoder>([](const DecodeJob&) {
                             return outcome_of(SampleFormat::kI420, 32, 32, 61);
                           }),
                           std::move(statistics),
                           nullptr});
  Surface surface(make_core(), SurfaceFormat::kNv12, 32, 32);
  REQUIRE(surface.export_memory(false).ok());
  DecodeJob job = make_job(Codec::kVp8, 32, 32);
  surface.set_picture(job.target);
  REQUIRE(session->submit(std::move(job)).ok());
  const LinearLayout layout = layout_of(ImageFormat::kI420, 32, 32);
  auto image = untouched_image(layout);
  REQUIRE(surface.read({0, 0, 32, 32}, ImageFormat::kI420, layout, image.data()).ok());
  CHECK(std::string(page.stages[0].name.data()) == "pack");
  CHECK(page.stages[0].pictures == 2);
}

// One thread decodes into surface after surface, another exports and reads them meanwhile.
TEST_CASE("surfaces may be exported and read while they are decoded") {
  const auto core = make_core();
  const auto session =
      make_session([](const DecodeJob&) { return outcome_of(SampleFormat::kI420, 64, 48, 71); });
  const FrameBuffer expected = make_frame(SampleFormat::kI420, 64, 48, 71);
  constexpr int kSurfaces = 60;
  std::vector<std::unique_ptr<Surface>> surfaces;
  for (int i = 0; i < kSurfaces; ++i) {
    surfaces.push_back(std::make_unique<Surface>(core, SurfaceFormat::kNv12, 64, 48));
  }
  std::atomic<int> ready{0};
  std::thread client([&] {
    for (const auto& surface : surfaces) {
      DecodeJob job = make_job(Codec::kVp8, 64, 48);
      surface->set_picture(job.target);
      static_cast<void>(session->submit(std::move(job)));
      ++ready;
    }
  });
  int wrong = 0;
  const LinearLayout layout = layout_of(ImageFormat::kNv12, 64, 48);
  for (int i = 0; i < kSurfaces; ++i) {
    while (ready <= i) std::this_thread::yield();
    const auto exported = surfaces[i]->export_memory(false);
    if (!exported || exported_difference(*surfaces[i], *exported, expected.view) != "") ++wrong;
    auto image = untouched_image(layout);
    if (!surfaces[i]->read({0, 0, 64, 48}, ImageFormat::kNv12, layout, image.data()) ||
        difference(expected.view, {0, 0, 64, 48}, ImageFormat::kNv12, layout, image) != "") {
      ++wrong;
    }
  }
  client.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace daedalus::core::test
