// Damaged streams: the parsers neither read out of bounds (the sanitizers tell) nor run away, and
// what they hand over keeps to the bounds that clients rely on.
#include <random>

#include "test/catch.h"
#include "test/clients/parsers/stream_parser.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::clients {
namespace {

struct Clip {
  core::Codec codec = core::Codec::kH264;
  std::vector<std::vector<uint8_t>> packets;  // headers first
};

Clip read_clip(const std::string& name) {
  auto demuxer = parsed_stream::Demuxer::open("test/data/" + name);
  if (!demuxer) FAIL(demuxer.error().message);
  Clip clip{(*demuxer)->codec(), {}};
  const auto headers = (*demuxer)->headers();
  clip.packets.emplace_back(headers.begin(), headers.end());
  parsed_stream::Demuxer::Packet packet;
  while (*(*demuxer)->next(packet))
    clip.packets.emplace_back(packet.data.begin(), packet.data.end());
  return clip;
}

// Bits flip mostly where the headers are; some packets are cut, lost or come twice.
Clip damaged(Clip clip, std::mt19937& random) {
  for (auto& packet : clip.packets) {
    if (packet.empty() || random() % 3 != 0) continue;
    for (uint32_t flips = random() % 4; flips > 0; --flips) {
      const size_t reach = random() % 2 ? packet.size() : std::min<size_t>(packet.size(), 24);
      packet[random() % reach] ^= static_cast<uint8_t>(1U << random() % 8);
    }
    if (random() % 8 == 0) packet.resize(random() % packet.size());
    if (random() % 8 == 0) packet = clip.packets[random() % clip.packets.size()];
  }
  return clip;
}

void check_picture(const CodedPicture& coded) {
  REQUIRE(coded.target);
  REQUIRE(coded.target->timestamp % 1000 == 0);
  REQUIRE(!coded.bitstream.empty());
  REQUIRE(coded.references.size() <= V4L2_H264_NUM_DPB_ENTRIES);
  REQUIRE(coded.format.width >= 1);
  REQUIRE(coded.format.height >= 1);
}

// How many pictures are decoded; each is shown once at most by H.264 and MPEG-2.
size_t parse(const Clip& clip) {
  const auto parser = create_parser(clip.codec);
  size_t decoded = 0, shown = 0, alive = 0;
  std::vector<std::weak_ptr<const Picture>> pictures;
  for (size_t i = 0; i <= clip.packets.size(); ++i) {
    std::vector<Event> events;
    if (i < clip.packets.size()) {
      (void)parser->parse(clip.packets[i], events);
    } else {
      parser->flush(events);
    }
    for (const Event& event : events) {
      if (const auto* coded = std::get_if<CodedPicture>(&event)) {
        check_picture(*coded);
        ++decoded;
        pictures.push_back(coded->target);
      } else {
        ++shown;
      }
    }
    events.clear();
    std::erase_if(pictures, [](const auto& picture) { return picture.expired(); });
    alive = std::max(alive, pictures.size());
  }
  // Fields are two entries of one picture.
  CHECK(alive <= 2 * 18);
  CHECK(shown <= decoded + clip.packets.size());
  return decoded;
}

}  // namespace

TEST_CASE("damaged clips") {
  const std::string name =
      GENERATE("h264.mp4", "h264_interlaced.mp4", "mpeg2.mpg", "vp8.webm", "vp9.webm",
               "vp9_10bit.webm", "hevc.mp4", "hevc_10bit.mp4", "av1.webm", "av1_10bit.webm");
  INFO(name);
  const Clip clip = read_clip(name);
  CHECK(parse(clip) >= 50);
  size_t decoded = 0;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    decoded += parse(damaged(clip, random));
  }
  // Most of it is still there: the damage did not only hit parameter sets and key frames.
  CHECK(decoded > 200);
}

TEST_CASE("noise") {
  std::mt19937 random(1);
  for (const core::Codec codec : {core::Codec::kH264, core::Codec::kVp9, core::Codec::kVp8,
                                  core::Codec::kMpeg2, core::Codec::kHevc, core::Codec::kAv1}) {
    const auto parser = create_parser(codec);
    std::vector<Event> events;
    for (int i = 0; i < 2000; ++i) {
      std::vector<uint8_t> packet(random() % 64);
      for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random() % 4 ? random() : 0);
      (void)parser->parse(packet, events);
      events.clear();
    }
    parser->flush(events);
    CHECK(events.size() <= 17);
  }
}

}  // namespace daedalus::clients
