// A client's own AV1 frame headers: which slots a frame refreshes is found in them, with no more of
// the sequence header than VA carries, and never where the bytes contradict VA's parameters.
#include "va_driver/av1_header_bytes.h"

#include <cstring>
#include <string>
#include <vector>

#include "decode_core/headers/av1_obu.h"
#include "decode_core/headers/av1_tile_group.h"
#include "test/catch.h"
#include "test/clients/va/picture_buffers.h"
#include "tools/parsed_stream/av1_parser.h"
#include "tools/parsed_stream/demuxer.h"
#include "va_driver/av1_parameters.h"

namespace daedalus::va {
namespace {

using Bytes = std::vector<uint8_t>;

// One frame as a client hands it over.
struct Handed {
  Bytes before_tiles;  // the unit's payload up to its first tile
  core::Av1Parameters told;
  headers::Av1Slots slots;
  uint8_t refresh_frame_flags;
};

core::Av1Parameters told_by_va(const core::DecodeJob& job) {
  const auto no_surface = [](const std::shared_ptr<core::Picture>&) {
    return VASurfaceID{VA_INVALID_SURFACE};
  };
  const auto buffers = va_client::av1_buffers(job, no_surface);
  VADecPictureParameterBufferAV1 picture;
  REQUIRE(buffers.picture.front().bytes.size() == sizeof picture);
  std::memcpy(&picture, buffers.picture.front().bytes.data(), sizeof picture);
  return av1_parameters(picture);
}

class Clip {
 public:
  explicit Clip(const std::string& path) {
    auto demuxer = parsed_stream::Demuxer::open(path);
    REQUIRE(demuxer.ok());
    parsed_stream::Demuxer::Packet packet;
    while (true) {
      const auto more = (*demuxer)->next(packet);
      REQUIRE(more.ok());
      if (!*more) return;
      add(packet.data);
    }
  }
  const std::vector<Handed>& frames() const { return frames_; }

 private:
  void add(std::span<const uint8_t> temporal_unit) {
    std::vector<parsed_stream::Event> events;
    REQUIRE(parser_.parse(temporal_unit, events).ok());
    std::vector<core::DecodeJob> jobs;
    for (auto& event : events) {
      auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
      if (decode != nullptr) jobs.push_back(std::move(decode->job));
    }
    size_t next_job = 0;
    headers::Av1Obus units(temporal_unit);
    while (const auto unit = units.next()) {
      if (unit->type == headers::Av1ObuType::kSequenceHeader) {
        headers_.set_sequence(*headers::parse_av1_sequence_header(unit->payload));
      }
      if (unit->type == headers::Av1ObuType::kFrame) add_frame(unit->payload, jobs.at(next_job++));
    }
  }

  void add_frame(std::span<const uint8_t> payload, const core::DecodeJob& job) {
    const auto header = headers_.parse(payload, {});
    REQUIRE(header.ok());
    headers_.update(*header);
    const auto tiles =
        headers::parse_av1_tile_group(*header, headers::av1_tile_group_of_frame(*header, payload));
    REQUIRE(tiles.ok());
    const auto size = tiles->tiles.front().data.data() - payload.data();
    frames_.push_back({Bytes(payload.begin(), payload.begin() + size), told_by_va(job), slots_,
                       header->frame.refresh_frame_flags});
    auto told = std::make_shared<headers::Av1FrameHeader>();
    told->frame = frames_.back().told.frame;
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (header->frame.refresh_frame_flags >> i & 1) slots_[i] = told;
    }
  }

  parsed_stream::Av1Parser parser_;
  headers::Av1HeaderParser headers_;
  headers::Av1Slots slots_;
  std::vector<Handed> frames_;
};

TEST_CASE("the slots that an AV1 frame refreshes are found in the client's own header") {
  for (const char* path : {"test/data/av1.webm", "test/data/av1_10bit.webm"}) {
    const Clip clip(path);
    Av1HeaderBytes header_bytes;
    size_t partial = 0;
    for (size_t i = 0; i < clip.frames().size(); ++i) {
      INFO(path << " " << i);
      const Handed& frame = clip.frames()[i];
      const auto found =
          header_bytes.refresh_frame_flags(frame.before_tiles, frame.told, frame.slots);
      CHECK(found == frame.refresh_frame_flags);
      partial += frame.refresh_frame_flags != 0 && frame.refresh_frame_flags != 0xff;
    }
    CHECK(partial > 10);
  }
}

TEST_CASE("the header is found in whole units, too") {
  const Clip clip("test/data/av1.webm");
  const Handed& frame = clip.frames().at(1);
  Bytes units = {0x12, 0x00, 0x32, 0xff, 0x7f};  // a delimiter, and a frame of 16383 bytes
  units.insert(units.end(), frame.before_tiles.begin(), frame.before_tiles.end());
  CHECK(Av1HeaderBytes().refresh_frame_flags(units, frame.told, frame.slots) ==
        frame.refresh_frame_flags);
}

TEST_CASE("a header that says otherwise than VA, or none, tells nothing") {
  const Clip clip("test/data/av1.webm");
  const Handed& frame = clip.frames().at(1);
  Av1HeaderBytes header_bytes;
  REQUIRE(header_bytes.refresh_frame_flags(frame.before_tiles, frame.told, frame.slots));
  CHECK_FALSE(header_bytes.refresh_frame_flags({}, frame.told, frame.slots));
  core::Av1Parameters other = frame.told;
  ++other.frame.quantization.base_q_idx;
  CHECK_FALSE(header_bytes.refresh_frame_flags(frame.before_tiles, other, frame.slots));
  other = frame.told;
  other.frame.ref_frame_idx[3] ^= 1;
  CHECK_FALSE(header_bytes.refresh_frame_flags(frame.before_tiles, other, frame.slots));
  Bytes longer = frame.before_tiles;
  longer.push_back(0);
  CHECK_FALSE(header_bytes.refresh_frame_flags(longer, frame.told, frame.slots));
  for (size_t size = 0; size < frame.before_tiles.size(); ++size) {
    const std::span<const uint8_t> cut(frame.before_tiles.data(), size);
    CHECK_FALSE(header_bytes.refresh_frame_flags(cut, frame.told, frame.slots));
  }
}

}  // namespace
}  // namespace daedalus::va
