#include "tools/parsed_stream/av1_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "decode_core/headers/av1_obu.h"

namespace daedalus::parsed_stream {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr size_t kIvfFileHeader = 32;
constexpr size_t kIvfFrameHeader = 12;

uint32_t little_endian(Bytes bytes) {
  return uint32_t{bytes[0]} | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 |
         uint32_t{bytes[3]} << 24;
}

// Takes a length and that many bytes off the front (annex B); nullopt: they are not there.
std::optional<Bytes> take_sized(Bytes& bytes) {
  const auto size = headers::read_av1_leb128(bytes);
  if (!size || size->value > bytes.size() - size->bytes) return std::nullopt;
  const Bytes taken = bytes.subspan(size->bytes, size->value);
  bytes = bytes.subspan(size->bytes + size->value);
  return taken;
}

// Appends the unit with its size. False: it is damaged.
bool append_unit(Bytes bytes, std::vector<uint8_t>& out) {
  const auto unit = headers::Av1Obus(bytes).next();
  if (!unit) return false;
  constexpr uint8_t kHasSize = 2;
  out.push_back(static_cast<uint8_t>(bytes[0] | kHasSize));
  if (unit->extended) out.push_back(bytes[1]);
  size_t size = unit->payload.size();
  for (; size >= 0x80; size >>= 7) out.push_back(static_cast<uint8_t>(size | 0x80));
  out.push_back(static_cast<uint8_t>(size));
  out.insert(out.end(), unit->payload.begin(), unit->payload.end());
  return true;
}

// temporal_unit() of annex B as the low-overhead format has it. False: it is damaged.
bool rewrite_temporal_unit(Bytes temporal_unit, std::vector<uint8_t>& out) {
  out.clear();
  while (!temporal_unit.empty()) {
    auto frame_unit = take_sized(temporal_unit);
    if (!frame_unit) return false;
    while (!frame_unit->empty()) {
      const auto unit = take_sized(*frame_unit);
      if (!unit || !append_unit(*unit, out)) return false;
    }
  }
  return true;
}

bool begins_with_delimiter(Bytes temporal_unit) {
  const auto unit = headers::Av1Obus(temporal_unit).next();
  return unit && unit->type == headers::Av1ObuType::kTemporalDelimiter && unit->payload.empty();
}

bool is_ivf(Bytes file) {
  return file.size() >= kIvfFileHeader && std::memcmp(file.data(), "DKIF", 4) == 0 &&
         std::memcmp(file.data() + 8, "AV01", 4) == 0;
}

bool is_low_overhead(Bytes file) {
  headers::Av1Obus units(file);
  const auto first = units.next();
  const auto second = units.next();
  return begins_with_delimiter(file) && first && second &&
         second->type == headers::Av1ObuType::kSequenceHeader;
}

bool is_annex_b(Bytes file) {
  const auto unit = take_sized(file);
  std::vector<uint8_t> rewritten;
  return unit && rewrite_temporal_unit(*unit, rewritten) && begins_with_delimiter(rewritten);
}

}  // namespace

std::optional<Av1File> Av1File::open(const std::string& path) {
  auto mapped = Mapping::map_file(path);
  if (!mapped.ok()) return std::nullopt;
  Av1File file(std::move(*mapped));
  if (!file.recognise()) return std::nullopt;
  return file;
}

bool Av1File::recognise() {
  if (is_ivf(rest())) {
    format_ = Format::kIvf;
    position_ =
        std::clamp<size_t>(file_.data()[6] | file_.data()[7] << 8, kIvfFileHeader, file_.size());
  } else if (is_low_overhead(rest())) {
    format_ = Format::kLowOverhead;
  } else if (is_annex_b(rest())) {
    format_ = Format::kAnnexB;
  } else {
    return false;
  }
  return true;
}

Bytes Av1File::rest() const { return file_.bytes().subspan(position_); }

Error Av1File::fail() {
  position_ = file_.size();
  return {ErrorCode::kCorrupt, "the file ends inside a temporal unit, or is damaged there"};
}

Result<Bytes> Av1File::next() {
  switch (format_) {
    case Format::kIvf:
      return next_of_ivf();
    case Format::kLowOverhead:
      return next_of_low_overhead();
    case Format::kAnnexB:
      break;
  }
  return next_of_annex_b();
}

Result<Bytes> Av1File::next_of_ivf() {
  while (!rest().empty()) {
    const Bytes bytes = rest();
    if (bytes.size() < kIvfFrameHeader) return fail();
    const uint32_t size = little_endian(bytes);
    if (size > bytes.size() - kIvfFrameHeader) return fail();
    position_ += kIvfFrameHeader + size;
    if (size != 0) return bytes.subspan(kIvfFrameHeader, size);
  }
  return Bytes();
}

Bytes Av1File::next_of_low_overhead() {
  const Bytes bytes = rest();
  headers::Av1Obus units(bytes);
  size_t size = 0;
  while (const auto unit = units.next()) {
    if (size != 0 && unit->type == headers::Av1ObuType::kTemporalDelimiter) break;
    size = static_cast<size_t>(unit->payload.data() + unit->payload.size() - bytes.data());
  }
  if (units.damaged()) size = bytes.size();
  position_ += size;
  return bytes.first(size);
}

Result<Bytes> Av1File::next_of_annex_b() {
  while (!rest().empty()) {
    Bytes bytes = rest();
    const auto unit = take_sized(bytes);
    if (!unit || !rewrite_temporal_unit(*unit, unit_)) return fail();
    position_ = file_.size() - bytes.size();
    if (!unit_.empty()) return Bytes(unit_);
  }
  return Bytes();
}

}  // namespace daedalus::parsed_stream
