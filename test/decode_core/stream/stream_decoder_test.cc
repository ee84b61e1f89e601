// StreamDecoder on real streams: what comes out, in which order, and what a client may do
// meanwhile.
#include "decode_core/stream/stream_decoder.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/statistics.h"
#include "decode_core/stream/header_probe.h"
#include "test/catch.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::core::test {
namespace {

std::vector<Packet> slice(const Stream& stream, size_t begin, size_t end = SIZE_MAX) {
  return {
      stream.packets.begin() + static_cast<std::ptrdiff_t>(begin),
      stream.packets.begin() + static_cast<std::ptrdiff_t>(std::min(end, stream.packets.size()))};
}

void append(std::vector<Shown>& to, std::vector<Shown> more, uint64_t token_offset = 0) {
  for (Shown& shown : more) {
    shown.token += token_offset;
    to.push_back(shown);
  }
}

bool starts_with(const Packet& packet, std::initializer_list<uint8_t> bytes) {
  return packet.size() >= bytes.size() && std::equal(bytes.begin(), bytes.end(), packet.begin());
}

// Where decoding can begin: MPEG-2 packets that bring a sequence header.
std::vector<size_t> mpeg2_entry_points(const Stream& stream) {
  std::vector<size_t> points;
  for (size_t i = 0; i < stream.packets.size(); ++i) {
    if (starts_with(stream.packets[i], {0, 0, 1, 0xb3})) points.push_back(i);
  }
  return points;
}

TEST_CASE(
    "every clip comes out as plain libavcodec decodes it, in display order, with its tokens") {
  for (const char* name : kClips) {
    for (const int threads : {1, 4}) {
      INFO(name << ", threads: " << threads);
      const Stream stream = read_clip(name);
      const auto expected = decode_plainly(stream.codec, stream.packets);
      Player player(stream.codec, threads);
      player.push(stream.packets);
      player.drain();
      REQUIRE(expected.size() >= 50);
      CHECK(player.shown == expected);
      // Every packet comes back, in order, whether or not it shows a picture.
      std::vector<uint64_t> tokens(stream.packets.size());
      for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = i;
      CHECK(player.consumed == tokens);
      CHECK(player.pictures.front().keyframe);
      CHECK(std::none_of(player.pictures.begin(), player.pictures.end(),
                         [](const StreamPicture& picture) { return picture.damaged; }));
    }
  }
}

TEST_CASE("tokens come back bit for bit") {
  const Stream stream = read_clip("h264.mp4");
  for (const uint64_t first : {uint64_t{0x7fff'ffff'ffff'fff0}, uint64_t{0xffff'ffff'ffff'fff0}}) {
    const auto packets = slice(stream, 0, 30);
    Player player(stream.codec);
    player.push(packets, first);
    player.drain();
    std::vector<Shown> expected;
    append(expected, decode_plainly(stream.codec, packets), first);
    CHECK(player.shown == expected);
  }
}

TEST_CASE("H.264, HEVC and MPEG-2 may be cut anywhere") {
  std::mt19937 random(7);
  for (const char* name : {"h264.mp4", "h264_interlaced.mp4", "mpeg2.mpg", "hevc.mp4"}) {
    const Stream stream = read_clip(name);
    const auto expected = decode_plainly(stream.codec, stream.packets);
    Packet all;
    std::vector<size_t> packet_start;
    for (const Packet& packet : stream.packets) {
      packet_start.push_back(all.size());
      all.insert(all.end(), packet.begin(), packet.end());
    }
    for (const size_t longest : {size_t{40}, size_t{5000}, all.size()}) {
      INFO(name << ", runs of up to " << longest << " bytes");
      std::vector<Packet> runs;
      std::vector<size_t> run_start;
      // The shortest runs only as far as the time of a test allows.
      const size_t end = longest == 40 ? packet_start[20] : all.size();
      for (size_t at = 0; at < end;) {
        const size_t size =
            std::min(end - at, longest == all.size()
                                   ? longest
                                   : std::uniform_int_distribution<size_t>(1, longest)(random));
        run_start.push_back(at);
        runs.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(at),
                          all.begin() + static_cast<std::ptrdiff_t>(at + size));
        at += size;
      }
      Player player(stream.codec);
      player.push(runs);
      player.drain();
      const auto plain = end == all.size()
                             ? expected
                             : decode_plainly(stream.codec, std::span(stream.packets).first(20));
      REQUIRE(player.shown.size() == plain.size());
      const auto run_at = [&](size_t offset) {
        const auto after = std::upper_bound(run_start.begin(), run_start.end(), offset);
        return static_cast<uint64_t>(after - run_start.begin()) - 1;
      };
      size_t wrong_pixels = 0;
      size_t wrong_tokens = 0;
      for (size_t i = 0; i < plain.size(); ++i) {
        if (player.shown[i].hash != plain[i].hash) ++wrong_pixels;
        // The start code's zeros, of which there are up to three, may count for either packet.
        const size_t start = packet_start[plain[i].token];
        const uint64_t token = player.shown[i].token;
        if (token < run_at(start) || token > run_at(start + 2)) ++wrong_tokens;
      }
      CHECK(wrong_pixels == 0);
      CHECK(wrong_tokens == 0);
    }
  }
}

TEST_CASE("after a flush in mid-stream nothing old comes out, and a keyframe starts anew") {
  const Stream stream = read_clip("mpeg2.mpg");
  const auto points = mpeg2_entry_points(stream);
  REQUIRE(points.size() >= 4);
  for (const size_t played : {size_t{1}, size_t{9}, size_t{25}, size_t{40}}) {
    for (const size_t point : {points[0], points[2], points[3]}) {
      INFO("played " << played << ", then from " << point);
      Player player(stream.codec);
      player.push(slice(stream, 0, played));
      player.decoder().flush();
      CHECK_FALSE(player.decoder().pop_picture().has_value());
      CHECK_FALSE(player.decoder().pop_consumed().has_value());
      player.shown.clear();
      player.consumed.clear();
      player.push(slice(stream, point), 1000);
      player.drain();
      std::vector<Shown> expected;
      append(expected, decode_plainly(stream.codec, slice(stream, point)), 1000);
      CHECK(player.shown == expected);
      CHECK(player.consumed.front() == 1000);
    }
  }
}

// Its pictures follow random access points of both kinds: the second one is a clean random access
// picture, with leading pictures that refer to what came before it.
TEST_CASE("HEVC goes on at the next random access point, wherever a flush leads to") {
  const Stream stream = read_clip("hevc.mp4");
  std::vector<size_t> points;
  for (size_t i = 0; i < stream.packets.size(); ++i) {
    if (may_begin(stream.codec, stream.packets[i])) points.push_back(i);
  }
  REQUIRE(points.size() == 2);
  const auto from_second = decode_plainly(stream.codec, slice(stream, points[1]));
  // Leading pictures cannot be decoded, and do not come out.
  REQUIRE(from_second.size() < stream.packets.size() - points[1]);
  for (const size_t target : {size_t{1}, points[1] - 1, points[1]}) {
    INFO("from " << target);
    Player player(stream.codec);
    player.push(slice(stream, 0, 20));
    player.decoder().flush();
    player.shown.clear();
    player.push(slice(stream, target), target);
    player.drain();
    std::vector<Shown> expected;
    append(expected, from_second, points[1]);
    CHECK(player.shown == expected);
    CHECK_FALSE(player.pictures.front().damaged);
  }
}

TEST_CASE("a flush ends a drain") {
  const Stream stream = read_clip("vp9.webm");
  Player player(stream.codec);
  player.push(slice(stream, 0, 20));
  player.decoder().drain();
  CHECK_FALSE(player.decoder().push(stream.packets[20], 20));
  player.decoder().flush();
  CHECK_FALSE(player.decoder().drained());
  player.shown.clear();
  player.push(stream.packets);
  player.drain();
  CHECK(player.shown == decode_plainly(stream.codec, stream.packets));
}

// The parameter sets come in a packet of their own, which is flushed away, and never again.
TEST_CASE("parameter sets outlive a flush, decoded or not") {
  const std::string name = GENERATE("h264.mp4", "hevc.mp4");
  INFO(name);
  Stream stream = read_clip(name);
  Packet sets = parameter_sets_of(stream.codec, stream.packets[0]);
  REQUIRE_FALSE(sets.empty());
  const auto expected = decode_plainly(stream.codec, std::span(stream.packets).first(30));
  Packet& first = stream.packets[0];
  // What follows the last parameter set.
  const auto last = std::find_end(first.begin(), first.end(), sets.end() - 8, sets.end());
  REQUIRE(last != first.end());
  first.erase(first.begin(), last + 8);
  for (const int repeats : {1, 3}) {
    for (const bool settle : {false, true}) {
      Player player(stream.codec);
      for (int i = 0; i < repeats; ++i) {
        REQUIRE(player.decoder().push(sets, 500));
        if (settle) player.settle();
        player.decoder().flush();
      }
      player.push(slice(stream, 0, 30));
      player.drain();
      CHECK(player.shown == expected);
    }
  }
}

TEST_CASE("after a drain decoding goes on") {
  for (const char* name : {"h264.mp4", "vp8.webm", "vp9.webm", "mpeg2.mpg", "hevc.mp4"}) {
    INFO(name);
    const Stream stream = read_clip(name);
    const auto once = decode_plainly(stream.codec, stream.packets);
    std::vector<Shown> expected = once;
    append(expected, once, 100);
    append(expected, once, 200);
    Player player(stream.codec);
    for (const uint64_t first_token : {0, 100, 200}) {
      player.push(stream.packets, first_token);
      player.drain();
      CHECK(player.decoder().drained());
    }
    CHECK(player.shown == expected);
  }
}

TEST_CASE("a drain of nothing ends at once") {
  Player player(Codec::kVp8);
  CHECK_FALSE(player.decoder().drained());
  player.drain();
  player.drain();
  CHECK(player.shown.empty());
  REQUIRE(player.decoder().push(Packet{}, 3));
  CHECK_FALSE(player.decoder().drained());
  player.drain();
  CHECK(player.consumed == std::vector<uint64_t>{3});
}

TEST_CASE("a drain ends only when the last picture was popped") {
  const Stream stream = read_clip("h264.mp4");
  Player player(stream.codec);
  for (size_t i = 0; i < 3; ++i) REQUIRE(player.decoder().push(stream.packets[i], i));
  player.decoder().drain();
  for (int i = 0; i < 3; ++i) {
    player.settle();
    CHECK_FALSE(player.decoder().drained());
    CHECK_FALSE(player.decoder().push(stream.packets[3], 3));
    player.wait([&] { return player.decoder().pop_picture().has_value(); });
  }
  player.wait([&] { return player.decoder().drained(); });
}

TEST_CASE("a change of size is seen before its first picture is popped") {
  const std::vector<std::vector<const char*>> sequences = {
      {"h264.mp4", "h264_interlaced.mp4", "h264.mp4"},
      {"vp9.webm", "vp9_10bit.webm", "vp9.webm"},
      {"hevc.mp4", "hevc_10bit.mp4", "hevc.mp4"}};
  for (const auto& names : sequences) {
    const Codec codec = read_clip(names[0]).codec;
    Player player(codec);
    std::vector<Shown> expected;
    uint64_t first_token = 0;
    for (const char* name : names) {
      const Stream stream = read_clip(name);
      player.push(stream.packets, first_token);
      append(expected, decode_plainly(codec, stream.packets), first_token);
      first_token += stream.packets.size();
    }
    player.drain();
    CHECK(player.shown == expected);
    REQUIRE(player.formats.size() == player.pictures.size());
    size_t changes = 0;
    for (size_t i = 0; i < player.pictures.size(); ++i) {
      // Before the very first picture format() may still be unknown when it is asked.
      if (i > 0) CHECK(player.formats[i] == player.pictures[i].format);
      if (i > 0) changes += player.formats[i] == player.formats[i - 1] ? 0 : 1;
    }
    CHECK(changes == 2);
  }
}

TEST_CASE("the format tells cropping, depth and colour") {
  struct Case {
    const char* name;
    uint32_t coded_width, coded_height, width, height;
    int depth;
  };
  for (const Case& expected :
       {Case{"h264.mp4", 320, 192, 320, 180, 8}, Case{"h264_interlaced.mp4", 352, 288, 352, 288, 8},
        Case{"vp9.webm", 320, 180, 320, 180, 8}, Case{"vp9_10bit.webm", 320, 180, 320, 180, 10},
        Case{"vp8.webm", 320, 180, 320, 180, 8}, Case{"mpeg2.mpg", 320, 180, 320, 180, 8},
        Case{"hevc.mp4", 320, 184, 320, 180, 8}, Case{"hevc_10bit.mp4", 176, 144, 176, 144, 10}}) {
    INFO(expected.name);
    const Stream stream = read_clip(expected.name);
    Player player(stream.codec);
    player.push(stream.packets);
    player.drain();
    const StreamFormat& format = player.pictures.back().format;
    CHECK(format.coded_width == expected.coded_width);
    CHECK(format.coded_height == expected.coded_height);
    CHECK(format.visible.x == 0);
    CHECK(format.visible.y == 0);
    CHECK(format.visible.width == expected.width);
    CHECK(format.visible.height == expected.height);
    CHECK(format.bit_depth == expected.depth);
    CHECK_FALSE(format.colorimetry.full_range);
    CHECK(player.decoder().format() == format);
    const bool vpx = stream.codec == Codec::kVp8 || stream.codec == Codec::kVp9;
    if (!vpx) CHECK(format.min_buffers > 1);
  }
}

// A client that has sent the first packet alone waits for the format to make its buffers.
TEST_CASE("the format is known from the first packet, and the pictures do not change it") {
  for (const char* name : kClips) {
    INFO(name);
    const Stream stream = read_clip(name);
    Player player(stream.codec);
    REQUIRE(player.decoder().push(stream.packets[0], 0));
    player.wait([&] { return player.decoder().format().has_value(); });
    const StreamFormat announced = *player.decoder().format();
    player.push(slice(stream, 1), 1);
    player.drain();
    CHECK(player.pictures.front().format == announced);
    CHECK(player.pictures.back().format == announced);
  }
}

TEST_CASE("packets go back only when their headers are told") {
  for (const char* name : kClips) {
    INFO(name);
    const Stream stream = read_clip(name);
    for (int i = 0; i < 20; ++i) {
      Player player(stream.codec);
      REQUIRE(player.decoder().push(stream.packets[0], 0));
      bool told = false;
      player.wait([&] {
        if (!player.decoder().pop_consumed()) return false;
        told = player.decoder().format().has_value();
        return true;
      });
      CHECK(told);
    }
  }
}

TEST_CASE("a client that pops nothing stops the decoder, and loses nothing") {
  constexpr int kThreads = 4;
  for (const char* name : kClips) {
    INFO(name);
    const Stream stream = read_clip(name);
    Player player(stream.codec, kThreads);
    size_t pushed = 0;
    const auto push = [&] {
      while (player.decoder().push(stream.packets[pushed], pushed)) ++pushed;
    };
    constexpr size_t kWaiting = StreamDecoder::kMaxQueued + StreamDecoder::kMaxPictures;
    player.wait([&] {
      push();
      return pushed >= kWaiting;
    });
    for (int i = 0; i < 3; ++i) {
      player.settle();
      push();
    }
    // Some are in the decoder: a thread each, the order's and the parser's; some show no picture.
    CHECK(pushed <= kWaiting + kThreads + 8);
    player.push(slice(stream, pushed), pushed);
    player.drain();
    CHECK(player.shown == decode_plainly(stream.codec, stream.packets));
  }
}

TEST_CASE("a decoder may be destroyed at any time") {
  for (const char* name : kClips) {
    const Stream stream = read_clip(name);
    for (const size_t played : {0, 1, 2, 7, 20}) {
      std::vector<StreamPicture> kept;
      {
        Player player(stream.codec);
        player.push(slice(stream, 0, played));
        if (played % 2 == 1) player.decoder().drain();
        if (played == 20) player.decoder().flush();
        kept = player.pictures;
      }
      // Pictures outlive the decoder.
      for (const StreamPicture& picture : kept) {
        if (picture.frame.owner == nullptr) continue;
        CHECK(shown_of(picture).hash != FrameHash{});
      }
    }
  }
}

TEST_CASE("a client may flush and drain from another thread while it plays") {
  for (const char* name : {"h264.mp4", "vp9.webm", "mpeg2.mpg", "hevc.mp4"}) {
    INFO(name);
    const Stream stream = read_clip(name);
    Player player(stream.codec);
    std::atomic<bool> ended{false};
    std::thread disturber([&] {
      for (int i = 0; i < 30; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        if (i % 3 == 0) player.decoder().drain();
        player.decoder().flush();
        static_cast<void>(player.decoder().format());
      }
      ended = true;
    });
    while (!ended) {
      for (const Packet& packet : stream.packets) {
        player.take();
        static_cast<void>(player.decoder().push(packet, 0));
      }
    }
    disturber.join();
    player.decoder().flush();
    player.take();
    player.shown.clear();
    player.push(stream.packets);
    player.drain();
    CHECK(player.shown == decode_plainly(stream.codec, stream.packets));
  }
}

TEST_CASE("the statistics page tells front, engine, profile and pictures") {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string folder = std::string(base != nullptr ? base : "/tmp") + "/stream_XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::pair<const char*, const char*> cases[] = {
      {"h264.mp4", "High"}, {"vp9_10bit.webm", "Profile 2"},
      {"vp8.webm", "VP8"},  {"mpeg2.mpg", "Main"},
      {"hevc.mp4", "Main"}, {"hevc_10bit.mp4", "Main 10"}};
  for (const auto& [name, profile] : cases) {
    const Stream stream = read_clip(name);
    Player player(stream.codec, 3, folder);
    player.push(stream.packets);
    player.drain();
    const auto pages = read_statistics(folder);
    REQUIRE(pages.ok());
    const StatisticsSnapshot& page = pages->back();
    CHECK(page.front == "v4l2");
    CHECK(page.codec == to_string(stream.codec));
    CHECK(page.profile == profile);
    CHECK(page.engine == "stream");
    CHECK(page.backend == "software");
    CHECK(page.pictures == player.shown.size());
    CHECK(page.width == player.pictures.back().format.coded_width);
    CHECK(page.errors == 0);
    CHECK(page.concealed == 0);
    CHECK(page.queue_depth == 0);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace daedalus::core::test
