// Any bytes as a temporal unit of AV1: what the stream engine reads of it before dav1d does.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "decode_core/codec.h"
#include "decode_core/headers/av1_obu.h"
#include "decode_core/headers/av1_sequence_header.h"
#include "decode_core/stream/header_probe.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_units(std::span<const uint8_t> bytes) {
  daedalus::headers::Av1Obus units(bytes);
  size_t payloads = 0;
  while (const auto unit = units.next()) {
    payloads += unit->payload.size() + 1;
    require(payloads <= bytes.size());
    const auto header = daedalus::headers::parse_av1_sequence_header(unit->payload);
    if (!header.ok()) {
      require(!header.error().message.empty());
      continue;
    }
    require(header->max_width >= 1 && header->max_width <= 65536);
    require(header->max_height >= 1 && header->max_height <= 65536);
    require(header->bit_depth == 8 || header->bit_depth == 10 || header->bit_depth == 12);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  check_units(bytes);
  daedalus::core::HeaderProbe probe(daedalus::core::Codec::kAv1);
  if (const auto format = probe.feed(bytes)) {
    require(format->visible.width == format->coded_width && format->coded_width > 0);
    require(format->visible.height == format->coded_height && format->coded_height > 0);
    require(!probe.feed(bytes).has_value());
  }
  return 0;
}
