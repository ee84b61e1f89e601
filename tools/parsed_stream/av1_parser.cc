#include "tools/parsed_stream/av1_parser.h"

#include <bit>
#include <string>
#include <utility>

#include "decode_core/headers/av1_tile_group.h"

namespace daedalus::parsed_stream {
namespace {

using headers::Av1Obu;
using headers::Av1ObuType;

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("AV1: ") + what}; }

bool has_grain(const headers::Av1FrameHeader& header) {
  return (header.film_grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN) != 0;
}

}  // namespace

Status Av1Parser::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Status first_error;
  const auto note = [&](Status status) {
    if (!status.ok() && first_error.ok()) first_error = std::move(status);
  };
  headers::Av1Obus units(packet);
  while (const auto unit = units.next()) note(parse_unit(*unit, events));
  if (units.damaged()) note(corrupt("a damaged unit, the rest of its temporal unit is left out"));
  note(end_temporal_unit(events));
  return first_error;
}

void Av1Parser::flush(std::vector<Event>& events) { (void)end_temporal_unit(events); }

uint16_t Av1Parser::operating_point_idc() const {
  return headers_.sequence() ? headers_.sequence()->operating_points[0].idc : uint16_t{0};
}

Status Av1Parser::parse_unit(const Av1Obu& unit, std::vector<Event>& events) {
  if (!unit.belongs_to(operating_point_idc())) return {};
  switch (unit.type) {
    case Av1ObuType::kTemporalDelimiter:
      return end_temporal_unit(events);
    case Av1ObuType::kSequenceHeader:
      return parse_sequence(unit.payload);
    case Av1ObuType::kFrameHeader:
    case Av1ObuType::kRedundantFrameHeader:
    case Av1ObuType::kFrame:
      return parse_frame_header(unit, events);
    case Av1ObuType::kTileGroup:
      return parse_tiles(unit.payload, events);
    case Av1ObuType::kTileList:
      return Error{ErrorCode::kUnsupported, "AV1: a tile list, large scale tiles are not decoded"};
    case Av1ObuType::kMetadata:
    case Av1ObuType::kPadding:
      break;
  }
  return {};
}

Status Av1Parser::parse_sequence(std::span<const uint8_t> payload) {
  const auto sequence = headers::parse_av1_sequence_header(payload);
  if (!sequence.ok()) return sequence.error();
  headers_.set_sequence(*sequence);
  return {};
}

Status Av1Parser::parse_frame_header(const Av1Obu& unit, std::vector<Event>& events) {
  if (gathering_) {
    // A repeated header (5.9.1); a frame with tiles of its own repeats nothing.
    if (unit.type != Av1ObuType::kFrame) return {};
    gathering_.reset();
    return corrupt("a frame is left out, some of its tiles are missing");
  }
  left_out_ = true;
  auto header = headers_.parse(unit.payload, {unit.temporal_id, unit.spatial_id});
  if (!header.ok()) return header.error();
  if (header->show_existing_frame) {
    if (unit.type == Av1ObuType::kFrame) return corrupt("a frame that shows another one has tiles");
    show_existing(*header, events);
    return {};
  }
  left_out_ = false;
  const auto tiles = headers::av1_tile_group_of_frame(*header, unit.payload);
  begin_frame(std::move(*header));
  return unit.type == Av1ObuType::kFrame ? parse_tiles(tiles, events) : Status();
}

void Av1Parser::begin_frame(headers::Av1FrameHeader header) {
  Gathering& gathering = gathering_.emplace(Gathering{});
  core::DecodeJob& job = gathering.job;
  auto& parameters = job.parameters.emplace<core::Av1Parameters>();
  parameters.sequence = headers_.sequence()->control();
  parameters.frame = header.frame;
  parameters.film_grain = header.film_grain;
  for (const Slot& slot : slots_) job.references.push_back(slot.picture);
  job.refresh_frame_flags = header.frame.refresh_frame_flags;
  job.target = std::make_shared<core::Picture>();
  if (has_grain(header)) job.display = std::make_shared<core::Picture>();
  gathering.header = std::move(header);
  gathering.next_tile = 0;
}

Status Av1Parser::parse_tiles(std::span<const uint8_t> group_bytes, std::vector<Event>& events) {
  if (!gathering_) return left_out_ ? Status() : corrupt("tiles without a frame header");
  const auto group = headers::parse_av1_tile_group(gathering_->header, group_bytes);
  if (!group.ok() || group->first != gathering_->next_tile) {
    gathering_.reset();
    left_out_ = true;
    return group.ok() ? corrupt("a frame is left out, some of its tiles are missing")
                      : group.error();
  }
  core::DecodeJob& job = gathering_->job;
  auto& tiles = std::get<core::Av1Parameters>(job.parameters).tiles;
  for (const headers::Av1Tile& tile : group->tiles) {
    const auto offset = static_cast<uint32_t>(job.bitstream.size());
    const auto size = static_cast<uint32_t>(tile.data.size());
    tiles.push_back({offset, size, tile.row, tile.column});
    job.slices.push_back({offset, size});
    job.bitstream.insert(job.bitstream.end(), tile.data.begin(), tile.data.end());
  }
  gathering_->next_tile = group->end();
  if (gathering_->next_tile == gathering_->header.tile_count()) end_frame(events);
  return {};
}

void Av1Parser::end_frame(std::vector<Event>& events) {
  const headers::Av1FrameHeader header = std::move(gathering_->header);
  core::DecodeJob job = std::move(gathering_->job);
  gathering_.reset();
  headers_.update(header);
  Slot slot{job.target, {}};
  slot.shown.picture = job.display != nullptr ? job.display : job.target;
  slot.shown.visible = {0, 0, header.width(), header.height()};
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (header.frame.refresh_frame_flags >> i & 1) slots_[i] = slot;
  }
  events.emplace_back(DecodeEvent{std::move(job)});
  if (header.show_frame()) show(slot.shown, header.spatial_id, events);
}

void Av1Parser::show_existing(const headers::Av1FrameHeader& header, std::vector<Event>& events) {
  const Slot slot = slots_[header.frame_to_show];
  show(slot.shown, header.spatial_id, events);
  if (header.frame.refresh_frame_flags == 0) return;
  headers_.update(header);
  slots_.fill(slot);
}

void Av1Parser::show(const OutputEvent& shown, uint8_t spatial_id, std::vector<Event>& events) {
  const unsigned layers = operating_point_idc() >> 8;
  const int highest = std::bit_width(layers) - 1;
  if (highest <= 0 || spatial_id == highest) {
    held_.reset();
    events.emplace_back(shown);
  } else {
    held_ = shown;
  }
}

Status Av1Parser::end_temporal_unit(std::vector<Event>& events) {
  const bool incomplete = gathering_.has_value();
  gathering_.reset();
  left_out_ = false;
  if (held_) events.emplace_back(*std::exchange(held_, std::nullopt));
  if (incomplete) return corrupt("a frame is left out, some of its tiles are missing");
  return {};
}

std::unique_ptr<Parser> create_av1_parser() { return std::make_unique<Av1Parser>(); }

}  // namespace daedalus::parsed_stream
