// Devices whose pictures come out in formats that are no client's, or padded: the same pixels as
// software's, and the statistics say what unpacked them.
#include "test/decode_core/hardware/capture_layout.h"

#include <string>
#include <vector>

#include "base/statistics.h"
#include "decode_core/uapi/pixel_formats.h"
#include "gpu_kernels/sand/sand.h"
#include "test/catch.h"
#include "test/decode_core/hardware/layout_device.h"
#include "test/decode_core/hardware/passing_memory.h"
#include "test/decode_core/stream/streams.h"
#include "test/statistics.h"
#include "test/temporary_file.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::only_page;
using daedalus::test::pictures_of;
using daedalus::test::TemporaryFolder;
using gpu_kernels::Substrate;

struct Device {
  const char* name;
  LayoutDevice::Layouts layouts;
};

// By what their drivers round sizes up to. The Pi's (hevc_d) lets columns be higher than they need.
const Device kDevices[] = {
    {"rpi-hevc-dec", {{V4L2_PIX_FMT_NV12_COL128, 1, 8, 0}, {V4L2_PIX_FMT_NV12_10_COL128, 1, 8, 0}}},
    {"rpi-hevc-dec, high columns",
     {{V4L2_PIX_FMT_NV12_COL128, 1, 8, 37}, {V4L2_PIX_FMT_NV12_10_COL128, 1, 8, 37}}},
    {"rkvdec", {{V4L2_PIX_FMT_NV12, 64, 16, 0}, {V4L2_PIX_FMT_NV15, 64, 16, 0}}},
    {"hantro", {{V4L2_PIX_FMT_NV12, 16, 64, 0}, {V4L2_PIX_FMT_P010, 16, 64, 32}}},
};

struct Played {
  PlayedFile file;
  StatisticsSnapshot page;
};

// `dma_bufs`: so many can be had.
Played play(LayoutDevice& device, const std::string& path, const std::string& substrate = "auto",
            size_t dma_bufs = 0) {
  const TemporaryFolder folder;
  Settings settings;
  settings.backend = "hardware:loopback";
  settings.threads = 1;
  settings.statistics_folder = folder.path();
  settings.substrate = *gpu_kernels::parse_substrate_choice(substrate);
  Played played;
  played.file =
      play_file(*Core::create(settings, device, std::make_unique<PassingMemory>(dma_bufs)), path);
  device.inner().await_clients();
  played.page = only_page(folder.path());
  return played;
}

bool is_packed(const CaptureLayout& layout) {
  return layout.fourcc != V4L2_PIX_FMT_NV12 && layout.fourcc != V4L2_PIX_FMT_P010;
}

}  // namespace

TEST_CASE("pictures in every layout are software's, bit for bit") {
  const Device& what = kDevices[GENERATE(0, 1, 2, 3)];
  const std::string clip =
      GENERATE("hevc.mp4", "hevc_10bit.mp4", "vp9_10bit.webm", "h264_interlaced.mp4", "vp8.webm");
  CAPTURE(std::string(what.name), clip);
  const std::string path = "test/data/" + clip;
  const PlayedFile expected = play_file(*make_core(1), path);
  LayoutDevice device(what.layouts);
  const bool has_dma_bufs = GENERATE(false, true);
  CAPTURE(has_dma_bufs);
  const Played played = play(device, path, "auto", has_dma_bufs ? 1000 : 0);
  CHECK(played.file.failure == "");
  REQUIRE(played.file.pictures.size() == expected.pictures.size());
  for (size_t i = 0; i < expected.pictures.size(); ++i) {
    CAPTURE(i);
    REQUIRE(played.file.pictures[i] == expected.pictures[i]);
  }
  CHECK(played.page.backend == "hardware");
  CHECK(played.page.errors == 0);
  CHECK(played.page.pictures >= expected.pictures.size());
  const bool wide = clip.find("10bit") != std::string::npos;
  const bool packed = is_packed(wide ? what.layouts.of_10 : what.layouts.of_8);
  const char* const target = gpu_kernels::sand_functions(Substrate::kAuto).target;
  CHECK(pictures_of(played.page, "decode", "daedalus") == played.page.pictures);
  CHECK(pictures_of(played.page, "sand", target) == (packed ? played.page.pictures : 0));
  CHECK(pictures_of(played.page, "capture", packed ? "copied" : "adopted") == played.page.pictures);
  // What is unpacked is read once, from memory that is cached where there is any.
  CHECK(static_cast<uint64_t>(device.imported()) ==
        (packed && has_dma_bufs ? played.page.pictures : 0));
  CHECK(device.inner().open_files() == 0);
  CHECK(device.inner().mappings() == 0);
}

TEST_CASE("where dma-bufs are too few or are refused, pictures lie in the driver's memory") {
  const std::string path = "test/data/hevc.mp4";
  const PlayedFile expected = play_file(*make_core(1), path);
  for (size_t dma_bufs = 0;; ++dma_bufs) {
    CAPTURE(dma_bufs);
    REQUIRE(dma_bufs < 100);
    LayoutDevice device(kDevices[1].layouts);
    const Played played = play(device, path, "auto", dma_bufs);
    CHECK(played.file.pictures == expected.pictures);
    CHECK(played.page.errors == 0);
    CHECK(device.inner().mappings() == 0);
    if (device.imported() == 0) continue;
    // All from the beginning: those that its references take, and more.
    CHECK(dma_bufs > 2);
    CHECK(static_cast<uint64_t>(device.imported()) == played.page.pictures);
    break;
  }
  // Of each buffer it is known before the first picture, as of a device that takes contiguous
  // memory only, which some happens to be.
  for (const int taken : {0, 1, 2}) {
    CAPTURE(taken);
    LayoutDevice device(kDevices[1].layouts);
    device.refuse_imports_after(taken);
    const Played played = play(device, path, "auto", 1000);
    CHECK(played.file.pictures == expected.pictures);
    CHECK(played.page.errors == 0);
    CHECK(device.imported() == 0);
    CHECK(device.inner().mappings() == 0);
  }
}

TEST_CASE("the kernels of the user's wish unpack") {
  const std::string path = "test/data/hevc_10bit.mp4";
  LayoutDevice device(kDevices[0].layouts);
  const Played played = play(device, path, "sand=scalar");
  CHECK(played.file.pictures == play_file(*make_core(1), path).pictures);
  CHECK(pictures_of(played.page, "sand", "scalar") == played.page.pictures);
}

TEST_CASE("a linear format is preferred to a packed one") {
  const std::string path = GENERATE("test/data/hevc.mp4", "test/data/hevc_10bit.mp4");
  LayoutDevice::Layouts layouts = kDevices[0].layouts;
  layouts.linear_too = true;
  LayoutDevice device(layouts);
  const Played played = play(device, path);
  CHECK(played.file.pictures == play_file(*make_core(1), path).pictures);
  CHECK(played.page.errors == 0);
  for (const auto& stage : played.page.stages) CHECK(stage.name != "sand");
}

}  // namespace daedalus::core::test
