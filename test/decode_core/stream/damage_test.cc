// StreamDecoder on damaged streams, and on bytes that are none.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "decode_core/stream/stream_decoder.h"
#include "test/catch.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::core::test {
namespace {

constexpr Codec kCodecs[] = {Codec::kH264,  Codec::kVp9,  Codec::kVp8,
                             Codec::kMpeg2, Codec::kHevc, Codec::kAv1};

TEST_CASE("damage costs pictures, never the stream") {
  std::mt19937 random(11);
  for (const char* name : kClips) {
    INFO(name);
    const Stream stream = read_clip(name);
    Stream damaged = stream;
    for (size_t i = 1; i < damaged.packets.size(); i += 3) {
      Packet& packet = damaged.packets[i];
      for (int n = 0; n < 20; ++n) {
        packet[std::uniform_int_distribution<size_t>(0, packet.size() - 1)(random)] =
            static_cast<uint8_t>(random());
      }
      if (i % 2 == 0) packet.resize(1 + packet.size() / 2);
    }
    Player player(stream.codec);
    player.push(damaged.packets);
    player.drain();
    CHECK(player.consumed.size() == stream.packets.size());
    player.decoder().flush();
    player.shown.clear();
    player.push(stream.packets);
    player.drain();
    CHECK(player.shown == decode_plainly(stream.codec, stream.packets));
  }
}

TEST_CASE("pictures with samples made up are marked, and only those") {
  for (const char* name : {"h264.mp4", "mpeg2.mpg"}) {
    INFO(name);
    Stream stream = read_clip(name);
    constexpr size_t kDamaged = 7;
    Packet& packet = stream.packets[kDamaged];
    std::fill(packet.begin() + static_cast<std::ptrdiff_t>(packet.size() / 2), packet.end() - 1,
              uint8_t{0xff});
    Player player(stream.codec);
    player.push(stream.packets);
    player.drain();
    // Damage seen in another thread than the one that hands the picture out may come too late for
    // the mark: H.264 in libavcodec before 61 (stream_decoder.h).
    const bool always = stream.codec != Codec::kH264;
    for (const StreamPicture& picture : player.pictures) {
      if (picture.damaged) CHECK(picture.token == kDamaged);
      if (always && picture.token == kDamaged) CHECK(picture.damaged);
    }
    CHECK(player.shown.size() == decode_plainly(stream.codec, stream.packets).size());
  }
}

TEST_CASE("bytes that are no stream are taken in and forgotten") {
  std::mt19937 random(3);
  for (const Codec codec : kCodecs) {
    Player player(codec);
    std::vector<Packet> packets(60);
    for (size_t i = 0; i < packets.size(); ++i) {
      packets[i].resize(i * 100);
      for (uint8_t& byte : packets[i]) byte = static_cast<uint8_t>(random());
    }
    player.push(packets);
    player.drain();
    CHECK(player.consumed.size() == packets.size());
  }
}

void play_malformed(Codec codec, std::span<const Packet> packets) {
  Player player(codec);
  player.push(packets);
  player.drain();
  CHECK(player.consumed.size() == packets.size());
}

// Files that were made to break decoders, as they are and, whatever they are, as each codec.
TEST_CASE("malformed files of the corpus do no harm") {
  const char* variable = std::getenv("DAEDALUS_CORPUS");
  const std::string folder =
      std::string(variable != nullptr && *variable != '\0' ? variable : "../shared/corpus") +
      "/robustness";
  if (!std::filesystem::is_directory(folder))
    DAEDALUS_SKIP("no " << folder << " (DAEDALUS_CORPUS)");
  constexpr size_t kLargest = size_t{256} << 10;  // bytes of a file, for the time that it takes
  constexpr size_t kRun = 4000;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    INFO(entry.path().string());
    if (const auto stream = read_stream(entry.path().string())) {
      play_malformed(stream->codec, stream->packets);
    }
    std::ifstream file(entry.path(), std::ios::binary);
    Packet bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (bytes.size() > kLargest) bytes.resize(kLargest);
    std::vector<Packet> runs;
    for (size_t at = 0; at < bytes.size(); at += kRun) {
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      runs.emplace_back(begin,
                        begin + static_cast<std::ptrdiff_t>(std::min(kRun, bytes.size() - at)));
    }
    for (const Codec codec : kCodecs) play_malformed(codec, runs);
  }
}

}  // namespace
}  // namespace daedalus::core::test
