#include "decode_core/headers/av1_sequence_header.h"

#include <string>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("AV1 sequence header: ") + what};
}

// leb128() (4.10.5): the value and its bytes; nullopt where it does not end or is above 32 bits.
struct Leb128 {
  uint32_t value;
  size_t bytes;
};
std::optional<Leb128> read_leb128(std::span<const uint8_t> data) {
  constexpr size_t kMostBytes = 8;
  uint64_t value = 0;
  for (size_t i = 0; i < data.size() && i < kMostBytes; ++i) {
    value |= uint64_t{data[i] & 0x7fu} << (7 * i);
    if ((data[i] & 0x80) != 0) continue;
    if (value > UINT32_MAX) return std::nullopt;
    return Leb128{static_cast<uint32_t>(value), i + 1};
  }
  return std::nullopt;
}

// uvlc() (4.10.3), of which only the length matters.
void skip_uvlc(BitReader& reader) {
  unsigned zeros = 0;
  while (!reader.overrun() && !reader.flag()) ++zeros;
  if (zeros < 32) reader.skip(zeros);
}

// timing_info() and decoder_model_info() (5.5.3, 5.5.4). The bits of a buffer delay, 0 where there
// is no model.
unsigned read_timing(BitReader& reader) {
  if (!reader.flag()) return 0;
  reader.skip(64);
  if (reader.flag()) skip_uvlc(reader);
  if (!reader.flag()) return 0;
  const unsigned delay_bits = reader.u(5) + 1;
  reader.skip(32 + 5 + 5);
  return delay_bits;
}

void skip_operating_points(BitReader& reader, unsigned delay_bits) {
  constexpr uint32_t kFirstLevelWithTiers = 8;
  const bool display_delays = reader.flag();
  const uint32_t count = reader.u(5) + 1;
  for (uint32_t i = 0; i < count; ++i) {
    reader.skip(12);
    if (reader.u(5) >= kFirstLevelWithTiers) reader.skip(1);
    if (delay_bits != 0 && reader.flag()) reader.skip(2 * delay_bits + 1);
    if (display_delays && reader.flag()) reader.skip(4);
  }
}

// From use_128x128_superblock to enable_restoration (5.5.1).
void skip_tools(BitReader& reader, bool reduced) {
  reader.skip(3);
  if (!reduced) {
    reader.skip(4);
    const bool order_hint = reader.flag();
    if (order_hint) reader.skip(2);
    const bool choose_screen_content = reader.flag();
    const bool screen_content = choose_screen_content || reader.flag();
    if (screen_content && !reader.flag()) reader.skip(1);  // seq_force_integer_mv
    if (order_hint) reader.skip(3);
  }
  reader.skip(3);
}

// color_config() (5.5.2).
void read_colour(BitReader& reader, Av1SequenceHeader& header) {
  constexpr uint8_t kBt709 = 1, kSrgb = 13, kIdentity = 0;
  const bool high = reader.flag();
  header.bit_depth = high ? 10 : 8;
  if (header.profile == 2 && high && reader.flag()) header.bit_depth = 12;
  header.monochrome = header.profile != 1 && reader.flag();
  if (reader.flag()) {
    header.primaries = static_cast<uint8_t>(reader.u(8));
    header.transfer = static_cast<uint8_t>(reader.u(8));
    header.matrix = static_cast<uint8_t>(reader.u(8));
  }
  if (header.monochrome) {
    header.full_range = reader.flag();
    return;
  }
  if (header.primaries == kBt709 && header.transfer == kSrgb && header.matrix == kIdentity) {
    header.full_range = true;
    header.subsampled_x = header.subsampled_y = false;
    return;
  }
  header.full_range = reader.flag();
  if (header.profile == 1) header.subsampled_x = header.subsampled_y = false;
  if (header.profile != 2) return;
  header.subsampled_y = false;
  if (header.bit_depth != 12) return;
  header.subsampled_x = reader.flag();
  header.subsampled_y = header.subsampled_x && reader.flag();
}

}  // namespace

std::optional<Av1Obu> Av1Obus::next() {
  if (rest_.empty()) return std::nullopt;
  const uint8_t header = rest_[0];
  const bool forbidden = (header & 0x80) != 0;
  const bool extended = (header & 4) != 0;
  const bool sized = (header & 2) != 0;
  std::span<const uint8_t> rest = rest_.subspan(1);
  rest_ = {};
  if (forbidden || (extended && rest.empty())) return std::nullopt;
  if (extended) rest = rest.subspan(1);
  size_t size = rest.size();
  if (sized) {
    const auto told = read_leb128(rest);
    if (!told) return std::nullopt;
    rest = rest.subspan(told->bytes);
    if (told->value > rest.size()) return std::nullopt;
    size = told->value;
  }
  rest_ = rest.subspan(size);
  return Av1Obu{static_cast<Av1ObuType>(header >> 3 & 15), rest.first(size)};
}

Result<Av1SequenceHeader> parse_av1_sequence_header(std::span<const uint8_t> payload) {
  BitReader reader(payload);
  Av1SequenceHeader header;
  header.profile = static_cast<uint8_t>(reader.u(3));
  if (header.profile > 2) return corrupt("seq_profile above 2");
  reader.skip(1);  // still_picture
  const bool reduced = reader.flag();
  if (reduced) {
    reader.skip(5);
  } else {
    skip_operating_points(reader, read_timing(reader));
  }
  const unsigned width_bits = reader.u(4) + 1;
  const unsigned height_bits = reader.u(4) + 1;
  header.max_width = reader.u(width_bits) + 1;
  header.max_height = reader.u(height_bits) + 1;
  if (!reduced && reader.flag()) reader.skip(4 + 3);  // lengths of frame ids
  skip_tools(reader, reduced);
  read_colour(reader, header);
  if (reader.overrun()) return corrupt("it ends too early");
  return header;
}

}  // namespace daedalus::headers
