// Fuzzed packets for a parser, and what its events must be however damaged they are.
#ifndef DAEDALUS_TEST_FUZZ_VPX_PACKETS_H_
#define DAEDALUS_TEST_FUZZ_VPX_PACKETS_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <unordered_set>
#include <vector>

#include "decode_core/job.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::test {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Jobs are valid unless their size is not supported; a picture is shown after it was decoded.
inline void check_events(const std::vector<parsed_stream::Event>& events) {
  std::unordered_set<const core::Picture*> decoded;
  for (const auto& event : events) {
    if (const auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      const Status valid = core::validate(decode->job);
      require(valid.ok() || valid.error().code == ErrorCode::kUnsupported);
      for (const auto& reference : decode->job.references) {
        require(reference == nullptr || reference == decode->job.target ||
                decoded.contains(reference.get()));
      }
      decoded.insert(decode->job.target.get());
    } else {
      const auto& output = std::get<parsed_stream::OutputEvent>(event);
      require(output.visible.width > 0 && output.visible.height > 0);
      require(decoded.contains(output.picture.get()));
    }
  }
}

// The input as packets: each is preceded by its size in two bytes, little endian, and is cut to
// what is left.
template <typename Use>
void for_each_packet(std::span<const uint8_t> data, Use&& use) {
  while (data.size() >= 2) {
    const size_t size = data[0] | size_t{data[1]} << 8;
    data = data.subspan(2);
    const auto packet = data.first(std::min(size, data.size()));
    data = data.subspan(packet.size());
    // Memory of exactly the packet's size: AddressSanitizer sees a read beyond it.
    const std::vector<uint8_t> exact(packet.begin(), packet.end());
    use(std::span<const uint8_t>(exact));
  }
}

inline void parse_packets(parsed_stream::Parser& parser, std::span<const uint8_t> data) {
  std::vector<parsed_stream::Event> events;
  for_each_packet(data, [&](std::span<const uint8_t> packet) {
    const Status status = parser.parse(packet, events);
    if (!status.ok()) require(!status.error().message.empty());
  });
  parser.flush(events);
  check_events(events);
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_FUZZ_VPX_PACKETS_H_
