// Any bytes as HEVC packets: parameter sets, slice headers, the stream parser, and what is written
// anew of the jobs that it makes.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "decode_core/software/libavcodec/packet_writer.h"
#include "test/fuzz/vpx_packets.h"
#include "tools/parsed_stream/parser.h"

namespace {

namespace core = daedalus::core;
namespace parsed_stream = daedalus::parsed_stream;
using daedalus::test::require;

// A job is written, or refused with a reason.
void check_writer(const std::vector<parsed_stream::Event>& events) {
  const auto writer = core::PacketWriter::create(core::Codec::kHevc);
  std::vector<uint8_t> packet;
  for (const auto& event : events) {
    const auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr || !core::validate(decode->job).ok()) continue;
    const daedalus::Status status = writer->write(decode->job, packet);
    require(status.ok() ? !packet.empty() : !status.error().message.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> packets(data, size);
  daedalus::test::parse_packets(*parsed_stream::create_hevc_parser(), packets);
  const auto parser = parsed_stream::create_hevc_parser();
  std::vector<parsed_stream::Event> events;
  daedalus::test::for_each_packet(packets, [&](std::span<const uint8_t> packet) {
    static_cast<void>(parser->parse(packet, events));
  });
  check_writer(events);
  return 0;
}
