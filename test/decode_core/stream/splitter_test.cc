#include "decode_core/stream/splitter.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

extern "C" {
#include <libavcodec/packet.h>
}

#include "test/catch.h"

namespace daedalus::core {
namespace {

using Bytes = std::vector<uint8_t>;

struct Unit {
  Bytes bytes;
  uint64_t token;
  bool operator==(const Unit&) const = default;
};

std::unique_ptr<Splitter> make(Codec codec) {
  auto splitter = Splitter::create(codec);
  REQUIRE(splitter.ok());
  return std::move(*splitter);
}

// All that comes out now.
std::vector<Unit> take(Splitter& splitter) {
  AVPacket* packet = av_packet_alloc();
  std::vector<Unit> units;
  while (true) {
    const auto more = splitter.next(*packet);
    CHECK(more.ok());
    if (!more || !*more) break;
    units.push_back(
        {Bytes(packet->data, packet->data + packet->size), static_cast<uint64_t>(packet->pts)});
  }
  av_packet_free(&packet);
  return units;
}

// An MPEG-2 picture: its header and one slice.
Bytes picture(uint8_t content) {
  return {0, 0, 1, 0x00, 0x00, 0x0f, 0xff, 0xf8, 0, 0, 1, 0x01, content, content, content};
}

TEST_CASE("a VP8 or VP9 run is a packet, an empty one is none") {
  const auto splitter = make(Codec::kVp9);
  CHECK(take(*splitter).empty());
  splitter->push(Run(Bytes{1, 2, 3}, 7));
  CHECK(take(*splitter) == std::vector<Unit>{{{1, 2, 3}, 7}});
  CHECK(take(*splitter).empty());
  splitter->push(Run(Bytes{}, 8));
  CHECK(take(*splitter).empty());
  splitter->finish();
  CHECK(take(*splitter).empty());
}

TEST_CASE("a unit of a byte stream comes out when the next one begins, or at the end") {
  const auto splitter = make(Codec::kMpeg2);
  splitter->push(Run(picture(0x55), 1));
  CHECK(take(*splitter).empty());
  splitter->push(Run(picture(0x66), 2));
  CHECK(take(*splitter) == std::vector<Unit>{{picture(0x55), 1}});
  splitter->finish();
  CHECK(take(*splitter) == std::vector<Unit>{{picture(0x66), 2}});
  CHECK(take(*splitter).empty());
}

// H.265 7.4.2.4.4: a slice with first_slice_segment_in_pic_flag, or a parameter set, begins a unit.
TEST_CASE("an HEVC unit is a picture with the parameter sets before it") {
  const auto splitter = make(Codec::kHevc);
  const Bytes sets = {0, 0, 1, 0x40, 1, 0x0c, 1, 0, 0, 1, 0x42, 1, 1, 1, 0, 0, 1, 0x44, 1, 0xc1};
  const Bytes slice = {0, 0, 1, 0x26, 1, 0xaf, 0x55, 0x55, 0x55};
  const Bytes more = {0, 0, 1, 0x26, 1, 0x2f, 0x66, 0x66, 0x66};  // of the same picture
  Bytes first = sets;
  first.insert(first.end(), slice.begin(), slice.end());
  first.insert(first.end(), more.begin(), more.end());
  splitter->push(Run(first, 1));
  CHECK(take(*splitter).empty());
  splitter->push(Run(slice, 2));
  CHECK(take(*splitter) == std::vector<Unit>{{first, 1}});
  splitter->finish();
  CHECK(take(*splitter) == std::vector<Unit>{{slice, 2}});
}

TEST_CASE("a unit has the token of the run that it begins in") {
  for (const size_t size : {size_t{1}, size_t{2}, size_t{7}, size_t{100}}) {
    INFO("runs of " << size << " bytes");
    const auto splitter = make(Codec::kMpeg2);
    Bytes all;
    for (const uint8_t content : {0x11, 0x22, 0x33}) {
      const Bytes next = picture(content);
      all.insert(all.end(), next.begin(), next.end());
    }
    std::vector<Unit> units;
    const auto collect = [&] {
      for (Unit& unit : take(*splitter)) units.push_back(std::move(unit));
    };
    for (size_t at = 0; at < all.size(); at += size) {
      const size_t end = std::min(at + size, all.size());
      splitter->push(Run(std::span(all).subspan(at, end - at), at));
      collect();
    }
    splitter->finish();
    collect();
    REQUIRE(units.size() == 3);
    for (size_t i = 0; i < units.size(); ++i) {
      const size_t start = i * picture(0).size();
      CHECK(units[i].bytes.size() == picture(0).size());
      // The start code's first or second zero.
      CHECK((units[i].token == start / size * size || units[i].token == (start + 1) / size * size));
    }
  }
}

TEST_CASE("after a reset nothing is left, and it begins anew") {
  const auto splitter = make(Codec::kMpeg2);
  splitter->push(Run(picture(0x55), 1));
  CHECK(take(*splitter).empty());
  splitter->finish();
  splitter->reset();
  CHECK(take(*splitter).empty());
  splitter->push(Run(picture(0x66), 2));
  CHECK(take(*splitter).empty());
  splitter->finish();
  CHECK(take(*splitter) == std::vector<Unit>{{picture(0x66), 2}});
}

TEST_CASE("a unit without an end is dropped, and the next one is found") {
  const auto splitter = make(Codec::kMpeg2);
  splitter->push(Run(picture(0x55), 1));
  CHECK(take(*splitter).empty());
  const Bytes filler(size_t{8} << 20, 0x77);
  for (size_t size = 0; size < Splitter::kMaxPacket; size += filler.size()) {
    splitter->push(Run(filler, 2));
    CHECK(take(*splitter).empty());
  }
  splitter->push(Run(picture(0x66), 3));
  CHECK(take(*splitter).empty());
  splitter->finish();
  CHECK(take(*splitter) == std::vector<Unit>{{picture(0x66), 3}});
}

}  // namespace
}  // namespace daedalus::core
