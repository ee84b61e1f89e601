#include "decode_core/headers/av1_obu.h"
#include "test/clients/parsers/bit_reader.h"
#include "test/clients/va/testing.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::va_client::testing {
namespace {

// Whether 00 00 01 is followed by a byte that, masked, is `code`.
bool has_start_code(std::span<const uint8_t> bytes, uint8_t mask, uint8_t code) {
  for (size_t i = 0; i + 3 < bytes.size(); ++i) {
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1 && (bytes[i + 3] & mask) == code)
      return true;
  }
  return false;
}

// AV1 7.6.1: a temporal unit that can be begun with has one.
bool has_sequence_header(std::span<const uint8_t> temporal_unit) {
  headers::Av1Obus units(temporal_unit);
  while (const auto unit = units.next()) {
    if (unit->type == headers::Av1ObuType::kSequenceHeader) return true;
  }
  return false;
}

// H.264 and HEVC: an IDR slice (7.4.1, 7.4.2.2). MPEG-2: a sequence header (ISO/IEC 13818-2,
// 6.2.2.1). VP8: RFC 6386, 9.1. VP9: 6.2.
bool is_key(core::Codec codec, std::span<const uint8_t> packet) {
  switch (codec) {
    case core::Codec::kH264:
      return has_start_code(packet, 0x1f, 5);
    case core::Codec::kMpeg2:
      return has_start_code(packet, 0xff, 0xb3);
    case core::Codec::kVp8:
      return (packet[0] & 1) == 0;
    case core::Codec::kHevc:
      return has_start_code(packet, 0x7e, 19 << 1) || has_start_code(packet, 0x7e, 20 << 1);
    case core::Codec::kAv1:
      return has_sequence_header(packet);
    case core::Codec::kVp9:
      break;
  }
  clients::BitReader reader(packet);
  reader.bits(2);
  const uint32_t low = reader.bits(1);
  const uint32_t profile = reader.bits(1) << 1 | low;
  if (profile == 3) reader.bits(1);
  return !reader.flag() && !reader.flag();
}

}  // namespace

Result<Clip> read_clip(const std::string& path) {
  Result<std::unique_ptr<parsed_stream::Demuxer>> opened = parsed_stream::Demuxer::open(path);
  if (!opened) return opened.error();
  parsed_stream::Demuxer& demuxer = **opened;
  Clip clip;
  clip.codec = demuxer.codec();
  clip.headers.assign(demuxer.headers().begin(), demuxer.headers().end());
  parsed_stream::Demuxer::Packet packet;
  for (;;) {
    const Result<bool> more = demuxer.next(packet);
    if (!more) return more.error();
    if (!*more) return clip;
    clip.packets.push_back(
        {{packet.data.begin(), packet.data.end()}, is_key(clip.codec, packet.data)});
  }
}

}  // namespace daedalus::va_client::testing
