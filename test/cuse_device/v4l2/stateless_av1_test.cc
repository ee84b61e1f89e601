// AV1 through requests: what the node makes of a frame, and what a client may get wrong.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "test/catch.h"
#include "test/cuse_device/v4l2/clip_pictures.h"

namespace daedalus::test {
namespace {

constexpr uint32_t kTiles = V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY;

using Tile = v4l2_ctrl_av1_tile_group_entry;
using Controls = std::vector<ControlValue>;

const core::Av1Parameters& parameters_of(const core::DecodeJob& job) {
  return std::get<core::Av1Parameters>(job.parameters);
}

template <typename T>
bool same(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

ControlValue tiles_value(const std::vector<Tile>& tiles) {
  const auto bytes = std::as_bytes(std::span(tiles));
  return {kTiles, {bytes.begin(), bytes.end()}};
}

std::vector<Tile> tiles_in(const ControlValue& value) {
  std::vector<Tile> tiles(value.bytes.size() / sizeof(Tile));
  std::memcpy(tiles.data(), value.bytes.data(), tiles.size() * sizeof(Tile));
  return tiles;
}

ControlValue& find(Controls& controls, uint32_t id) {
  return *std::ranges::find(controls, id, &ControlValue::id);
}

template <typename T>
void change(Controls& controls, uint32_t id, const std::function<void(T&)>& how) {
  T value{};
  std::memcpy(&value, find(controls, id).bytes.data(), sizeof value);
  how(value);
  find(controls, id) = control_value(id, value);
}

void change_frame(Controls& controls, const std::function<void(v4l2_ctrl_av1_frame&)>& how) {
  change<v4l2_ctrl_av1_frame>(controls, V4L2_CID_STATELESS_AV1_FRAME, how);
}

v4l2_ctrl_av1_frame without_timestamps(v4l2_ctrl_av1_frame frame) {
  std::ranges::fill(frame.reference_frame_ts, 0);
  return frame;
}

// Everything that the node hands to the core is what the stream's own parser says.
void compare(const ClipPictures& pictures, size_t i) {
  INFO("picture " << i);
  const core::DecodeJob& expected = pictures.original(i);
  const core::DecodeJob& job = pictures.job(i);
  const core::Av1Parameters& theirs = parameters_of(expected);
  const core::Av1Parameters& ours = parameters_of(job);
  CHECK(same(ours.sequence, theirs.sequence));
  CHECK(same(without_timestamps(ours.frame), theirs.frame));
  CHECK(same(ours.film_grain, theirs.film_grain));
  CHECK(job.refresh_frame_flags == expected.refresh_frame_flags);
  CHECK((job.display != nullptr) == (expected.display != nullptr));
  CHECK(job.display != job.target);
  REQUIRE(job.slices.size() == expected.slices.size());
  REQUIRE(ours.tiles.size() == theirs.tiles.size());
  for (size_t tile = 0; tile < job.slices.size(); ++tile) {
    CHECK(std::ranges::equal(job.bytes_of(job.slices[tile]),
                             expected.bytes_of(expected.slices[tile])));
    CHECK(ours.tiles[tile].tile_row == theirs.tiles[tile].tile_row);
    CHECK(ours.tiles[tile].tile_col == theirs.tiles[tile].tile_col);
  }
  CHECK(pictures.same_references(i));
}

}  // namespace

TEST_CASE("frames become the jobs that they were made of") {
  for (const char* clip : {"av1.webm", "av1_10bit.webm"}) {
    INFO(clip);
    ClipPictures pictures(clip);
    size_t grained = 0;
    for (size_t i = 0; i < pictures.count(); ++i) {
      REQUIRE(pictures.queue());
      compare(pictures, i);
      grained += pictures.job(i).display != nullptr;
    }
    CHECK((grained != 0) == (clip == std::string("av1_10bit.webm")));
  }
}

TEST_CASE("tiles may lie anywhere in the buffer, behind the frame header and each other") {
  ClipPictures pictures("av1.webm");
  for (size_t i = 0; i < 5; ++i) {
    constexpr uint32_t kHeader = 37;
    REQUIRE(pictures.queue([](Controls& controls, std::vector<uint8_t>& data) {
      data.insert(data.begin(), kHeader, 0xa5);
      data.insert(data.end(), 9, 0x5a);
      auto tiles = tiles_in(find(controls, kTiles));
      for (Tile& tile : tiles) tile.tile_offset += kHeader;
      find(controls, kTiles) = tiles_value(tiles);
    }));
    compare(pictures, i);
    CHECK(pictures.job(i).slices[0].offset == kHeader);
  }
}

TEST_CASE("tiles outside the buffer, too many or too few, and of no frame: an error, no job") {
  ClipPictures pictures("av1.webm");
  using Change = std::function<void(std::vector<Tile>&, size_t bytes)>;
  const Change changes[] = {
      [](auto& tiles, size_t bytes) { tiles[0].tile_offset = static_cast<uint32_t>(bytes); },
      [](auto& tiles, size_t) { tiles[0].tile_offset = UINT32_MAX; },
      [](auto& tiles, size_t bytes) { tiles[0].tile_size = static_cast<uint32_t>(bytes) + 1; },
      [](auto& tiles, size_t) { tiles[0].tile_offset = 1, tiles[0].tile_size = UINT32_MAX; },
      [](auto& tiles, size_t) { tiles[0].tile_size = 0; },
      [](auto& tiles, size_t) { tiles[0].tile_col = 1; },
      [](auto& tiles, size_t) { tiles[0].tile_row = UINT32_MAX; },
      [](auto& tiles, size_t) { tiles.push_back(tiles[0]); },
      [](auto& tiles, size_t) { tiles.resize(4096, tiles[0]); }};
  for (const Change& change : changes) {
    CHECK_FALSE(pictures.queue([&](Controls& controls, std::vector<uint8_t>& data) {
      auto tiles = tiles_in(find(controls, kTiles));
      REQUIRE(tiles.size() == 1);
      change(tiles, data.size());
      find(controls, kTiles) = tiles_value(tiles);
    }));
  }
  CHECK_FALSE(pictures.queue([](Controls& controls, auto&) {
    change_frame(controls, [](auto& frame) { frame.tile_info.tile_cols = 0; });
  }));
  CHECK_FALSE(pictures.queue([](Controls& controls, auto&) {
    change_frame(controls, [](auto& frame) { frame.tile_info.tile_rows = 65; });
  }));
  CHECK(pictures.jobs() == 0);
  REQUIRE(pictures.queue());
  CHECK(pictures.jobs() == 1);
}

TEST_CASE("indices and values out of bounds that the kernel lets pass: an error, no job") {
  ClipPictures pictures("av1.webm");
  using Change = std::function<void(v4l2_ctrl_av1_frame&)>;
  const Change changes[] = {
      [](auto& frame) { frame.ref_frame_idx[6] = 8; },
      [](auto& frame) { frame.ref_frame_idx[0] = -1; },
      [](auto& frame) { frame.primary_ref_frame = 8; },
      [](auto& frame) { std::memset(&frame.frame_type, 4, sizeof frame.frame_type); },
      [](auto& frame) { std::memset(&frame.tx_mode, 0xff, sizeof frame.tx_mode); },
      [](auto& frame) { frame.upscaled_width = 0; },
      [](auto& frame) { frame.frame_height_minus_1 = UINT32_MAX; }};
  for (const Change& change : changes) {
    CHECK_FALSE(pictures.queue([&](Controls& controls, auto&) { change_frame(controls, change); }));
  }
  CHECK(pictures.jobs() == 0);
}

TEST_CASE("timestamps that no CAPTURE buffer has are missing references") {
  ClipPictures pictures("av1.webm");
  REQUIRE(pictures.queue());
  for (size_t i = 1; i < 10; ++i) {
    (void)pictures.queue([&](Controls& controls, auto&) {
      change_frame(controls, [](auto& frame) { std::ranges::fill(frame.reference_frame_ts, 5); });
    });
    const auto& references = pictures.job(i).references;
    CHECK(references.size() == V4L2_AV1_TOTAL_REFS_PER_FRAME);
    CHECK(std::ranges::all_of(references, [](const auto& r) { return r == nullptr; }));
  }
}

TEST_CASE("film grain of an older sequence is not that of one without") {
  ClipPictures pictures("av1_10bit.webm");
  REQUIRE(pictures.queue());
  REQUIRE(pictures.job(0).display != nullptr);
  // As clients that send the control only where the sequence has film grain.
  REQUIRE(pictures.queue([](Controls& controls, auto&) {
    std::erase_if(controls,
                  [](const auto& c) { return c.id == V4L2_CID_STATELESS_AV1_FILM_GRAIN; });
    change<v4l2_ctrl_av1_sequence>(controls, V4L2_CID_STATELESS_AV1_SEQUENCE, [](auto& sequence) {
      sequence.flags &= ~static_cast<uint32_t>(V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT);
    });
  }));
  CHECK(pictures.job(1).display == nullptr);
}

TEST_CASE("the controls of the largest frame fit into one call over CUSE, more tiles into none") {
  constexpr size_t kMost = 131072;
  const ControlValue most = tiles_value(std::vector<Tile>(4096));
  const size_t others = sizeof(v4l2_ctrl_av1_sequence) + sizeof(v4l2_ctrl_av1_frame) +
                        sizeof(v4l2_ctrl_av1_film_grain);
  CHECK(sizeof(v4l2_ext_controls) + 4 * sizeof(v4l2_ext_control) + most.bytes.size() + others <=
        kMost);
  ClipPictures pictures("av1.webm");
  CHECK(pictures.client().set_control(-1, most) == 0);
  CHECK(pictures.client().set_control(-1, tiles_value(std::vector<Tile>(4097))) == ENOSPC);
}

TEST_CASE("a request needs the frame, and a sequence and tiles that were told at some time") {
  TestNodes nodes;
  RequestClient client(nodes);
  REQUIRE(client.video.start_output(V4L2_PIX_FMT_AV1_FRAME, 1, 16, 16) == 0);
  const int fd = client.allocate_request();
  const auto queue = [&](uint32_t id) {
    if (id == kTiles) {
      REQUIRE(client.set_control(fd, tiles_value({Tile{}})) == 0);
    } else if (id == V4L2_CID_STATELESS_AV1_SEQUENCE) {
      v4l2_ctrl_av1_sequence sequence{};
      sequence.bit_depth = 8;
      REQUIRE(client.set_control(fd, control_value(id, sequence)) == 0);
    } else {
      REQUIRE(client.set_control(fd, control_value(id, v4l2_ctrl_av1_frame{})) == 0);
    }
    return client.queue_request(fd);
  };
  REQUIRE(client.queue_output(fd, 0, std::vector<uint8_t>{1, 2, 3}) == 0);
  CHECK(queue(V4L2_CID_STATELESS_AV1_FRAME) == ENOENT);
  CHECK(queue(V4L2_CID_STATELESS_AV1_SEQUENCE) == ENOENT);
  CHECK(queue(kTiles) == 0);
}

TEST_CASE("the sample depth of the AV1 sequence chooses the CAPTURE formats") {
  TestNodes nodes;
  RequestClient client(nodes);
  REQUIRE(client.video.set_format(kOutput, V4L2_PIX_FMT_AV1_FRAME, 64, 64) == 0);
  const auto set_depth = [&](uint8_t depth) {
    v4l2_ctrl_av1_sequence sequence{};
    sequence.bit_depth = depth;
    REQUIRE(client.set_control(-1, control_value(V4L2_CID_STATELESS_AV1_SEQUENCE, sequence)) == 0);
  };
  set_depth(10);
  CHECK(client.video.format(kCapture).pixelformat == V4L2_PIX_FMT_P010);
  set_depth(8);
  CHECK(client.video.format(kCapture).pixelformat == V4L2_PIX_FMT_NV12);
}

}  // namespace daedalus::test
