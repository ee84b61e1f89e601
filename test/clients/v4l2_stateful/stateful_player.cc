#include "test/clients/v4l2_stateful/stateful_player.h"

#include <algorithm>
#include <set>
#include <vector>

#include "tools/parsed_stream/demuxer.h"

namespace daedalus::v4l2_client {
namespace {

using parsed_stream::Demuxer;

// A piece of bitstream gets its number in microseconds, the finest that a buffer carries.
constexpr uint64_t kTick = 1000;  // ns
// For a file without packets.
constexpr size_t kSmallest = 4096;

// Calls `take` with each packet until it fails; what the file cannot give is left out. The headers
// that the container keeps apart come with the first.
template <typename Take>
Status for_each_packet(Demuxer& demuxer, const Take& take) {
  std::vector<uint8_t> first(demuxer.headers().begin(), demuxer.headers().end());
  bool is_first = true;
  Demuxer::Packet packet;
  for (;;) {
    const Result<bool> more = demuxer.next(packet);
    if (!more) continue;
    if (!*more) return {};
    if (is_first) {
      first.insert(first.end(), packet.data.begin(), packet.data.end());
      packet.data = first;
    }
    is_first = false;
    if (Status status = take(packet); !status) return status;
  }
}

Result<size_t> largest_packet(const std::string& path) {
  const auto demuxer = Demuxer::open(path);
  if (!demuxer) return demuxer.error();
  size_t largest = kSmallest;
  (void)for_each_packet(**demuxer, [&](const Demuxer::Packet& packet) -> Status {
    largest = std::max(largest, packet.data.size());
    return {};
  });
  return largest;
}

}  // namespace

Result<StatefulPlayed> play_stateful(SystemCalls& calls, const std::string& path,
                                     const StatefulOptions& options,
                                     const std::function<Status(const Frame&)>& show) {
  const auto largest = largest_packet(path);
  if (!largest) return largest.error();
  const auto demuxer = Demuxer::open(path);
  if (!demuxer) return demuxer.error();
  StatefulPlayed played;
  std::set<uint64_t> discarded;  // timestamps
  const auto show_one = [&](const Frame& frame, uint64_t timestamp) -> Status {
    if (!discarded.contains(timestamp)) return show(frame);
    ++played.discarded;
    return {};
  };
  const auto decoder =
      StatefulDecoder::open(calls, (*demuxer)->codec(), *largest, options, show_one);
  if (!decoder) return decoder.error();
  Status status = for_each_packet(**demuxer, [&](const Demuxer::Packet& packet) {
    const uint64_t timestamp = played.packets++ * kTick;
    if (packet.discard) discarded.insert(timestamp);
    return (*decoder)->decode(packet.data, timestamp);
  });
  if (status) status = (*decoder)->drain();
  if (!status) return status.error();
  played.errors = (*decoder)->errors();
  played.changes = (*decoder)->changes();
  played.timing = (*decoder)->timing();
  played.video_path = (*decoder)->video_path();
  return played;
}

}  // namespace daedalus::v4l2_client
